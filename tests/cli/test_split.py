"""A study with a split layer, from the spec to the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.cli import main
from tests.support.small_study import study_text, write_spec


@pytest.fixture
def spec(tmp_path: Path) -> str:
    text = study_text(widths="4", generations=2).replace("8 bit", "8 bit; split a: 2 at 8 bit, 6 at 3 bit", 1)
    return str(write_spec(tmp_path, text))


def _json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, list[dict[str, object]]]:
    assert main([*arguments, "--format", "json"]) == 0
    data: dict[str, list[dict[str, object]]] = json.loads(capsys.readouterr().out)
    return data


def test_a_layer_stands_for_its_groups(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = _json(capsys, "map", spec, "--layer", "a", "--layer", "c")["results"]
    bits = [{"I": 4, "W": w, "O": o} for w, o in ((8, 4), (3, 4), (4, 8))]
    assert [(x["layer"], x["bits"], x["status"]) for x in found] == [
        (name, widths, "optimal") for name, widths in zip(("a.1", "a.2", "c"), bits, strict=True)
    ]
    assert [x["layer"] for x in _json(capsys, "map", spec, "--layer", "a.2")["results"]] == ["a.2"]
    assert [x["layer"] for x in _json(capsys, "count", spec)["results"]] == ["a.1", "a.2", "b", "c"]
    assert [x["layer"] for x in _json(capsys, "explain", spec, "--layer", "a")["results"]] == ["a.1", "a.2"]


def test_saved_answers_about_groups_are_verified(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "answers.json"
    assert main(["map", spec, "--layer", "a", "--out", str(out)]) == 0
    assert main(["verify", str(out)]) == 0
    out.write_text(out.read_text().replace('"a.2"', '"a.3"'), encoding="utf-8")
    assert main(["verify", str(out)]) == 1
    assert "a.3" in capsys.readouterr().err


def test_the_report_has_a_row_for_each_group(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    assert main(["run", spec, "--out", str(tmp_path / "out"), "--workers", "1", "--quiet"]) == 0
    lines = (tmp_path / "out" / "report.md").read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.startswith(("Network", "| layer |")) or "`a." in line or "### a" in line]
    golden("split_report.md", "\n".join([*kept, ""]))
