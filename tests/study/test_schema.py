"""`run.json` follows the schema that `qdsl schema` prints, and damaged ones do not."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import qdsl
from qdsl.cli import main
from qdsl.study.codec import from_json
from qdsl.study.result import StudyRun
from qdsl.study.runfile import RUN_FILE
from tests.support.json_schema import follows
from tests.support.small_study import MAPPING, study_text, write_spec


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("run")
    qdsl.load(write_spec(tmp_path_factory.mktemp("spec"), study_text(), MAPPING)).study().run(place)
    return place


@pytest.fixture
def schema(capsys: pytest.CaptureFixture[str]) -> Any:
    assert main(["schema"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_run_follows_the_schema_and_nothing_damaged_does(directory: Path, schema: Any) -> None:
    data = json.loads((directory / RUN_FILE).read_text())
    assert follows(data, schema)
    damaged = list(_damaged(data))
    assert len(damaged) > 40
    for broken in damaged:
        assert not follows(broken, schema)
        with pytest.raises((ValueError, AttributeError)):
            from_json(broken["run"], StudyRun)


def _damaged(data: Any) -> Iterator[Any]:
    """Copies of a run that each lack one field of it, of its study, or of a design, or have another type there."""
    for path in (("run",), ("run", "study"), ("run", "study", "precision"), ("run", "front", 0), ("run", "counts")):
        for field in _at(data, path):
            for change in ("lacks", "other type"):
                broken = copy.deepcopy(data)
                if change == "lacks":
                    del _at(broken, path)[field]
                else:
                    value = _at(data, path)[field]
                    _at(broken, path)[field] = [] if isinstance(value, dict) else {"no": "such"}
                yield broken


def _at(data: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


def test_tables_of_a_run_are_written_as_csv_and_json(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for kind in ("csv", "json"):
        assert main(["report", str(directory), "--tables", kind]) == 0
        assert capsys.readouterr().out.split() == [
            str(directory / "tables" / f"{n}.{kind}") for n in ("front", "widths", "layers", "energies")
        ]
    rows = json.loads((directory / "tables" / "front.json").read_text())
    lines = (directory / "tables" / "front.csv").read_text().splitlines()
    assert lines[0].split(",") == list(rows[0])
    assert [float(line.split(",")[0]) for line in lines[1:]] == [row["energy_pj"] for row in rows]
    assert sum(line.endswith(",true") for line in lines) == 1 == sum(row["chosen"] for row in rows)
