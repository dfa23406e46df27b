"""`qdsl check --feasibility`: the table of widths, dead ones with their conflict, and exit codes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.cli import main
from tests.support.small_study import CLASH, DEAD, HOPELESS, PAIR, study_text, write_spec

Shown = Callable[..., tuple[int, str, str]]


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    """Exit code, stdout and stderr of `check --feasibility` for a study with these constraints, without times."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def run(constrain: str, *arguments: str) -> tuple[int, str, str]:
        write_spec(Path(), study_text(constrain=constrain))
        code = main(["check", "--feasibility", "small.qdsl", *arguments])
        text = capsys.readouterr()
        return code, re.sub(r"\d+\.\d+ s\b", "0.0 s", text.out), text.err

    return run


@pytest.mark.parametrize(
    ("name", "constrain", "exit_code"),
    [
        ("widths_all_legal", "", 0),
        ("widths_dead", DEAD, 0),
        ("widths_dead_by_two_layers", PAIR, 0),
        ("widths_clash", CLASH, 1),
        ("widths_hopeless", HOPELESS, 1),
    ],
)
def test_what_is_printed(
    shown: Shown, golden: Callable[[str, str], None], name: str, constrain: str, exit_code: int
) -> None:
    code, out, err = shown(constrain)
    assert code == exit_code
    golden(f"{name}.txt", out + err)


def test_json_lists_what_has_no_mapping(shown: Shown) -> None:
    code, out, err = shown(PAIR, "--format", "json")
    assert code == 0
    assert {json.loads(line)["code"] for line in err.splitlines()} == {"Q0709"}
    data = json.loads(out)
    assert (data["errors"], data["warnings"]) == (0, 2)
    (study,) = data["studies"]
    assert study["feasible"] is True and study["clash"] == [] and study["undecided"] == []
    assert study["dead"][0] == {"variable": "a.weights", "width": 3, "layers": ["a", "b"]}
    a, b, c = study["layers"]
    assert (a["combinations"], a["feasible"], len(a["infeasible"]), a["unknown"]) == (27, 21, 6, [])
    assert {(x["W"], x["O"]) for x in a["infeasible"]} == {(3, 4), (4, 4)}
    assert b["widths"][1] == {"tensors": ["W"], "options": [2, 3, 4]} and c["infeasible"] == []


def test_widths_at_which_a_formula_has_no_value_are_refused_and_the_others_decided(
    shown: Shown,
    golden: Callable[[str, str], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown(DEAD)
    path = Path("small.qdsl")
    path.write_text(path.read_text().replace("energy 2 pJ", "energy 1 pJ / (bits(weights) - 3)"))
    assert main(["check", "--feasibility", str(path)]) == 1
    text = capsys.readouterr()
    golden("widths_undefined.txt", re.sub(r"\d+\.\d+ s\b", "0.0 s", text.out) + text.err)
    assert main(["check", "--feasibility", str(path), "--format", "json"]) == 1
    data = json.loads(capsys.readouterr().out)
    (study,) = data["studies"]
    a = study["layers"][0]
    assert data["errors"] == 3 and {x["W"] for x in a["undefined"]} == {2, 3} and len(a["undefined"]) == 18
    assert {x["W"] for x in a["infeasible"]} == {4} and a["feasible"] == 0 and a["unknown"] == []


def test_a_formula_without_value_anywhere_is_no_conflict(shown: Shown, capsys: pytest.CaptureFixture[str]) -> None:
    shown("")
    path = Path("small.qdsl")
    path.write_text(path.read_text().replace("energy 2 pJ", "energy 2 pJ / (bits(weights) - bits(W))"))
    assert main(["check", "--feasibility", str(path)]) == 1
    found = capsys.readouterr()
    assert "no choice of widths leaves every layer a legal mapping" in found.out
    assert "Q0304" in found.err and "`a`, `b` and `c`: at all widths" in found.err and "1 error\n" in found.err


def test_no_time_is_no_verdict(shown: Shown) -> None:
    code, out, err = shown(DEAD, "--time-limit", "1e-9", "--format", "json")
    assert code == 0
    assert json.loads(out)["studies"][0]["feasible"] is None
    found = [json.loads(line) for line in err.splitlines()]
    assert {f["code"] for f in found} == {"Q0708"} and {f["severity"] for f in found} == {"warning"}
    assert any("27 of 27 combinations of widths" in f["message"] for f in found)


def test_mistakes_come_first(shown: Shown) -> None:
    code, out, err = shown("spatial pe.x only Z")
    assert code == 1
    assert "Z" in err and "legal" not in out


def test_a_file_without_study_has_nothing_to_decide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_spec(Path())
    assert main(["check", "--feasibility", "small.qdsl"]) == 1
    assert "`small.qdsl` has no `study` block" in capsys.readouterr().err
