"""Several runs side by side."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from qdsl.cli import main
from qdsl.report.compare import MOST, compare, write_comparison
from qdsl.study.result import DesignPoint, StudyRun
from qdsl.study.runfile import RUN_FILE, save_run
from tests.report.test_write import HOSTILE


def scaled(run: StudyRun, energy: float, memory: float) -> StudyRun:
    """Other values of all designs."""

    def other(p: DesignPoint) -> DesignPoint:
        values = {"energy": p.energy_pj * energy, "weight_memory": p.weight_memory_bits * memory}
        return replace(p, objectives=p.objectives | values)

    front, references = (tuple(map(other, points)) for points in (run.front, run.references))
    return replace(run, front=front, references=references)


def test_a_run_that_is_better_in_all_beats_all(run: StudyRun) -> None:
    found = compare([("a", run), ("b", scaled(run, 0.5, 0.9))])
    assert found.objectives == ("energy", "weight_memory")
    assert found.beaten == ((0.0, 1.0), (0.0, 0.0))
    a, b = found.rows
    assert a.equal is not None and a.equal.energy_pj <= a.chosen.energy_pj
    assert b.equal is not None and b.equal.energy_pj == pytest.approx(0.5 * a.equal.energy_pj)
    assert found.differences == ()


def test_a_design_may_be_better_in_one_objective_alone(run: StudyRun) -> None:
    found = compare([("a", run), ("b", scaled(run, 0.5, 1000))])
    assert found.beaten == ((0.0, 0.0), (0.0, 0.0))
    assert found.rows[1].equal is None


def test_only_what_differs_is_listed(run: StudyRun, noisy_run: StudyRun) -> None:
    other = replace(run, study=replace(run.study, name="other"), complete=False)
    assert compare([("a", run), ("b", run), ("c", other)]).differences == (
        ("study", (run.study.name, run.study.name, "other")),
        ("finished", ("yes", "yes", "no: interrupted")),
    )
    found = compare([("noisy", noisy_run), ("plain", run)])
    assert found.objectives == ("energy", "weight_memory")
    assert dict(found.differences)["objectives"][1] == "energy, weight memory"


def test_runs_without_a_common_objective_are_compared_by_what_all_have(run: StudyRun) -> None:
    one, other = (replace(run, study=replace(run.study, objectives=(o,))) for o in ("energy", "weight_memory"))
    assert compare([("a", one), ("b", other)]).objectives == ("energy", "weight_memory")


def test_pages_escape_every_name(run: StudyRun, noisy_run: StudyRun, tmp_path: Path) -> None:
    hostile = replace(run, study=replace(run.study, name=HOSTILE))
    write_comparison([(HOSTILE, hostile), ("b", noisy_run)], tmp_path)
    html = (tmp_path / "compare.html").read_text(encoding="utf-8")
    assert "<script" not in html and "<img" not in html and "&lt;script&gt;" in html
    assert not re.search(r"(?<!\\)<(script|img)", (tmp_path / "compare.md").read_text(encoding="utf-8"))
    assert "<script" not in (tmp_path / "fronts.svg").read_text(encoding="utf-8")


def test_the_command_compares_with_the_first(run: StudyRun, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, each in (("x/out", run), ("y/out", scaled(run, 0.5, 1)), ("z", scaled(run, 2, 1))):
        (tmp_path / name).mkdir(parents=True)
        save_run(each, tmp_path / name / RUN_FILE)
    names = [str(tmp_path / n) for n in ("x/out", "y/out", "z")]
    assert main(["report", *names, "--out", str(tmp_path / "c"), "--format", "markdown"]) == 0
    assert capsys.readouterr().out == f"{tmp_path / 'c' / 'compare.md'}\n"
    text = (tmp_path / "c" / "compare.md").read_text(encoding="utf-8")
    assert "- **y/out** takes" in text and "the chosen design of x/out" in text and "100.0\u202f%" in text
    assert main(["report", names[0], names[0]]) == 2
    assert main(["report", *(f"{names[0]}{i}" for i in range(MOST + 1))]) == 2
    assert main(["report", *names, "--tables", "csv"]) == 2
    assert main(["report", names[0], str(tmp_path / "none")]) == 1
    assert "error[Q0906]" in capsys.readouterr().err
