"""Measured errors on the command line, with a network of 74 weights on the digits."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from qdsl.cli import main

SPEC = """
operator flat {
  dims N, K, C, R, S
  weights W
  O[n, k] += I[n, c, r, s] * W[k, c, r, s]
}
network one {
  input image: 1 x 8 x 8
  fc = flat(image, K = 10)
  output fc
}
accelerator tiny {
  word 16 bit
  memory dram { energy read 64 pJ, write 64 pJ; source "example" }
  memory pad { size 256 word; energy read 1 pJ, write 1 pJ; source "example" }
  compute mac { energy 1 pJ; source "example" }
}
study s {
  map one onto tiny
  precision { weights in {1, 2, 8} per layer; activations in {2, 8} per layer; output 8 bit }
  minimize energy, error
  limit error <= LIMIT %
  search nsga2(population = 4, generations = 2)
  accuracy METHOD on digits
  report html, markdown
}
"""


def spec(directory: Path, method: str = "train(epochs = 1, float_epochs = 4)", limit: int = 30) -> Path:
    path = directory / "s.qdsl"
    path.write_text(SPEC.replace("METHOD", method).replace("LIMIT", str(limit)), encoding="utf-8")
    return path


def run(path: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    command = ["run", str(path), "--out", str(path.parent / "out"), "--format", "json", *arguments]
    assert main(command) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_study_with_measured_errors(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path)
    first = run(path, capsys, "--workers", "1")
    errors = [p["error"] for p in first["front"]]
    assert errors == sorted(errors, reverse=True) and 2 < errors[-1] < 12 and errors[0] <= 30
    assert all(abs(p["test_error"] - p["error"]) < 8 for p in first["front"])
    assert first["references"][0]["error"] > errors[-1]
    accuracy = first["accuracy"]
    assert accuracy["examples"] == [1079, 359, 359] and accuracy["from_store"] == 0
    assert accuracy["measured"] == first["counts"]["evaluated"]
    markdown = (tmp_path / "out/report.md").read_text(encoding="utf-8")
    assert "| error | test error |" in markdown and "![Energy over error](error.svg)" in markdown
    assert "- data: digits" in markdown and "- error at most: 30.00\u202f%" in markdown
    assert "How errors were measured" in (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert [p.name for p in (tmp_path / "out").glob("float-*.pt")] != []

    again = run(path, capsys, "--workers", "1")
    assert again["front"] == first["front"] and again["references"] == first["references"]
    assert again["accuracy"]["from_store"] == again["accuracy"]["measured"] == accuracy["measured"]
    assert main(["store", "ls", str(tmp_path / "out")]) == 0
    assert f"{accuracy['measured']} errors of designs" in capsys.readouterr().out

    (weights,) = (tmp_path / "out").glob("float-*.pt")
    weights.rename(tmp_path / "float.pt")
    path.write_text(path.read_text().replace("on digits", 'on digits with weights "float.pt"').replace(
        "train(epochs = 1, float_epochs = 4)", "calibrate(ranges = mse)"))  # fmt: skip
    calibrated = run(path, capsys, "--workers", "1")
    assert calibrated["accuracy"]["float_error"] == accuracy["float_error"]
    assert calibrated["front"] != first["front"] and calibrated["accuracy"]["stopped"] == 0


@pytest.mark.parametrize("measure", ["kl", "hessian"])
def test_the_exact_search_minimises_the_sensitivity(
    measure: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = spec(tmp_path, f"estimate(measure = {measure}, float_epochs = 2, samples = 64)")
    text = path.read_text().replace("energy, error", "energy, sensitivity").replace("  limit error <= 30 %\n", "")
    path.write_text(text.replace("nsga2(population = 4, generations = 2)", "exact"), encoding="utf-8")
    found = run(path, capsys, "--workers", "1")
    values = [p["sensitivity"] for p in found["front"]]
    assert values == sorted(values, reverse=True) and values[0] > 3 * values[-1] > 0
    uniform = {r["label"]: r["sensitivity"] for r in found["references"]}
    assert uniform["8/8"] == values[-1] and uniform["1/2"] > uniform["2/2"] > uniform["8/8"]
    assert found["exact"]["epsilon"] == 0 and "error" not in found["front"][0]
    markdown = (tmp_path / "out/report.md").read_text(encoding="utf-8")
    assert "| sensitivity |" in markdown and "for each width of each tensor alone" in markdown

    monkeypatch.delattr("qdsl.quant.tasks.sensitivities")  # they are known now
    assert run(path, capsys, "--workers", "1")["front"] == found["front"]
    (known,) = (tmp_path / "out").glob("sensitivity-*.json")
    known.write_text("[]")
    assert main(["run", str(path), "--out", str(tmp_path / "out"), "--quiet", "--workers", "1"]) == 1
    assert re.search(r"Q0901.*holds no sensitivities.*delete it", capsys.readouterr().err, re.DOTALL)


def test_a_limit_that_no_design_keeps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path, "calibrate(float_epochs = 1)", 0)
    assert main(["run", str(path), "--out", str(tmp_path / "out"), "--quiet", "--workers", "1"]) == 1
    assert re.search(
        r"Q0904.*has an error of at most 0 %.*the least error is \d+\.\d\d %", capsys.readouterr().err, re.DOTALL
    )


def test_a_device_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for device in ("abacus", "cuda:77"):
        arguments = ["--out", str(tmp_path / "out"), "--quiet", "--workers", "1", "--device", device]
        assert main(["run", str(spec(tmp_path)), *arguments]) == 1
        assert f"torch cannot use the device `{device}`" in capsys.readouterr().err


@pytest.mark.slow
def test_processes_find_what_one_finds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fronts = []
    for workers in ("1", "3"):
        (tmp_path / workers).mkdir()
        fronts.append(run(spec(tmp_path / workers), capsys, "--workers", workers)["front"])
    assert fronts[0] == fronts[1]
