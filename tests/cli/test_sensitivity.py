"""`qdsl sensitivity`: text, JSON, and what has no answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qdsl.cli.app import main
from tests.mapper.test_dependence import BY_HAND

STUDY = """
study s {{
  map one onto two
  precision {{
    weights in {{8}} per layer
    activations in {{4, 8}} per layer
    output 8 bit
  }}
  constrain {{ {constraint} }}
  minimize energy
  {mapper}
  search exact
}}
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    return write(tmp_path)


def write(tmp_path: Path, constraint: str = "", mapper: str = "") -> Path:
    path = tmp_path / "one.qdsl"
    text = STUDY.format(constraint=constraint, mapper=mapper)
    network = "layer other = matmul(M = 2, N = 1, K = 1)\n}\naccelerator two {"
    machine = BY_HAND.replace("}\naccelerator two {", network) if "same" in constraint else BY_HAND
    path.write_text(machine + text, encoding="utf-8")
    return path


def test_text_and_conclusion(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sensitivity", str(spec)]) == 0
    out = capsys.readouterr().out
    assert "one on two: 1 layer, 99 pJ" in out
    assert "dram accesses       90.9%              0, 0.00%              0, 0.00%  x 0.167 (fc)" in out
    assert "within 20 % of each number all best mappings stay the best" in out
    assert main(["sensitivity", str(spec), "--by", "90"]) == 0
    out = capsys.readouterr().out
    assert "1, 12.50%" in out
    assert (
        "within 90 % of a number 1 of 1 layer gets another best mapping; to keep the mappings of now costs up to 12.50% more"
        in out
    )


def test_json(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sensitivity", str(spec), "--by", "90%", "--layer", "fc", "--bits", "W=8", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["factors"] == pytest.approx([0.1, 1.9])
    dram = found["numbers"][0]
    assert dram["number"] == "dram accesses"
    assert dram["least_pj"] == pytest.approx([16, 180])
    assert dram["layers_with_others"] == [1, 0]
    assert dram["best_from"] == {"factor": pytest.approx(1 / 6), "layer": "fc"} and dram["best_to"] is None
    (layer,) = found["layers"]
    assert layer["layers"] == ["fc"] and layer["energy_pj"] == pytest.approx(99)
    assert [x["number"] for x in layer["numbers"]] == ["dram accesses", "pad accesses", "mac operations"]


@pytest.mark.parametrize(
    ("constraint", "mapper", "code"),
    [
        ("energy <= 1 mJ", "", "Q0710"),
        ("same spatial for matmul", "", "Q0710"),
        ("tile(pad, M) >= 9", "", "Q0701"),
        ("", "mapper random", "Q0823"),
    ],
)
def test_what_has_no_answer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], constraint: str, mapper: str, code: str
) -> None:
    assert main(["sensitivity", str(write(tmp_path, constraint, mapper))]) == 1
    assert f"error[{code}]" in capsys.readouterr().err


@pytest.mark.parametrize("by", ["0", "91", "x"])
def test_changes_that_are_refused(spec: Path, by: str) -> None:
    assert main(["sensitivity", str(spec), "--by", by]) == 2
