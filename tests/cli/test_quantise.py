"""`qdsl quantise` from a spec to designs that `qdsl run` maps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qdsl.cli import main
from tests.quant.networks import OPERATORS, loaded

NETWORK = """
network n {
  input image: 1 x 8 x 8
  a = flat_linear(image, K = 6) relu
  b = linear(a, K = 8) relu
  fc = linear(b, K = 10)
  output fc
}
"""
MACHINE = """
accelerator tiny {
  word 16 bit
  memory dram { energy read 64 pJ, write 64 pJ; source "example" }
  memory pad { size 256 word; energy read 1 pJ, write 1 pJ; source "example" }
  compute mac { energy 1 pJ; source "example" }
}
"""
STUDY = """
study s {
  map n onto tiny
  precision {
    weights in {2, 8} per layer
    activations in {8} per layer
    output 8 bit
  }
  constrain { CONSTRAINT }
  minimize energy, weight_memory, error
  search nsga2(population = 8, generations = 2)
  ACCURACY
}
"""
ACCURACY = "accuracy train(epochs = 1, float_epochs = 1, float_rate = 0.02) on digits"


def spec(folder: Path, accuracy: str = ACCURACY, constraint: str = "temporal dram only N, K, C") -> str:
    imports = "".join(f'import "operators/{n}.qdsl"\n' for n in OPERATORS)
    study = STUDY.replace("ACCURACY", accuracy).replace("CONSTRAINT", constraint)
    if not accuracy:
        study = study.replace(", error", "")
    loaded(imports + NETWORK + MACHINE + study, folder, "operators")
    return str(folder / "main.qdsl")


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_designs_are_specs_with_the_same_energy_and_memory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    arguments = ["quantise", spec(tmp_path), "--strengths", "0.5,20", "--epochs", "1", "--prune", "--out", str(out)]
    assert main([*arguments, "--workers", "1", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    small, large = found["designs"]
    assert small["strength"] == 20 and small["weight_memory_bits"] < large["weight_memory_bits"]
    assert 0 <= found["float_test_error"] <= 100 and large["error"] >= 0
    assert "quantised.svg" in (out / "quantised.md").read_text() and (out / "quantised.svg").exists()
    for design in found["designs"]:
        text = out / f"{design['name']}.qdsl"
        assert (
            main(["run", str(text), "--out", str(tmp_path / design["name"]), "--workers", "1", "--format", "json"]) == 0
        )
        (point,) = json.loads(capsys.readouterr().out)["front"]
        assert point["energy"] == pytest.approx(design["energy_pj"])
        assert point["weight_memory"] == design["weight_memory_bits"]


@pytest.mark.parametrize("method", ["layerwise", "density"])
def test_other_methods_print_a_table(method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["--strengths", "1", "--regulariser", "energy"] if method == "layerwise" else []
    out = str(tmp_path / "out")
    assert (
        main(["quantise", spec(tmp_path), "--method", method, *given, "--epochs", "1", "--workers", "1", "--out", out])
        == 0
    )
    text = capsys.readouterr().out
    assert "without quantisation:" in text and "s_1 (front)" in text and f"report: {out}/quantised.md" in text
    assert ("training" in text) == (method == "density")


@pytest.mark.parametrize(
    ("accuracy", "constraint", "why"),
    [
        ("", "temporal dram only N, K, C", "how networks are trained"),
        ("accuracy calibrate on digits", "temporal dram only N, K, C", "how networks are trained"),
        (ACCURACY, "every layer b { temporal dram only N, K }", "constrains single layers"),
    ],
)
def test_what_cannot_be_quantised_is_refused(
    accuracy: str, constraint: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["quantise", spec(tmp_path, accuracy, constraint), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "Q0823" in error and why in error


@pytest.mark.parametrize("given", [["--strengths", "1"], ["--regulariser", "size"]])
def test_densities_have_no_regulariser(given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantise", spec(tmp_path), "--method", "density", *given]) == 2
    assert "no regulariser" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "a", "1,-1", "inf"])
def test_strengths_are_numbers(text: str, tmp_path: Path) -> None:
    assert main(["quantise", spec(tmp_path), "--strengths", text]) == 2
