"""Where a run stands: told step by step, written for other processes, with rates and times left."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from qdsl.diagnostics import SpecError
from qdsl.study.locks import Locks
from qdsl.study.progress import Part, Progress, RunState
from qdsl.study.progress_file import read_state, recorded
from qdsl.study.result import Generation

AT = RunState("s", "h", 1, 100.0, 110.0, candidates=100, stored=40, solved=15)


def test_rate_and_time_left_by_hand() -> None:
    layers = (Part("layers", 1, 4, 100.0),)
    # 15 of 60 candidates in 10 s: 1.5/s, 45 are left
    solving = RunState("s", "h", 1, 100.0, 110.0, layers, candidates=100, stored=40, solved=15)
    assert (solving.to_solve, solving.rate, solving.left_s) == (60, 1.5, 30.0)
    searching = RunState("s", "h", 1, 100.0, 114.0, (*layers, Part("search", 2, 10, 110.0)), designs=200)
    assert (searching.rate, searching.left_s) == (50.0, 16.0)
    assert (AT.part, AT.rate, AT.left_s) == (None, 0.0, None)


def test_a_run_tells_its_steps() -> None:
    shown: list[RunState] = []
    progress = Progress(shown.append)
    progress.study_started("s")
    progress.tables_planned(2, 10, 4)
    progress.problem_solved("a", 0.25, 3)
    progress.waiting(1)
    progress.problem_solved("b", None, 3)
    progress.generation_done(Generation(1, 8, 2, 0.5), 3)
    progress.generation_done(Generation(2, 16, 3, 0.6), 3)
    progress.mappings_planned(4)
    progress.mapping_done("a")
    progress.ended("complete")
    notes = [state.note for state in shown]
    assert notes == ["", "", "a in 0.2 s", "1 at work in another run", "b by another run", "", "", "", "", "a", "a"]
    last = shown[-1]
    assert [(p.name, p.done, p.of) for p in last.parts] == [("layers", 2, 2), ("search", 2, 3), ("mappings", 1, 4)]
    assert (last.solved, last.stored, last.designs, last.front, last.hypervolume) == (6, 4, 16, 3, 0.6)
    assert last.ended == "complete"


def test_the_file_follows_the_run(tmp_path: Path) -> None:
    path, locks = tmp_path / "progress.json", Locks(tmp_path / "store.sqlite")
    progress = Progress()
    progress.study_started("s")
    with recorded(progress, path, locks):
        progress.tables_planned(2, 10, 4)
        assert read_state(path) == progress.state
        progress.ended("complete")
    assert read_state(path).ended == "complete"
    with pytest.raises(KeyboardInterrupt), recorded(progress, path, locks):
        raise KeyboardInterrupt
    assert read_state(path).ended == "interrupted"
    with pytest.raises(ZeroDivisionError), recorded(progress, path, locks):
        raise ZeroDivisionError
    assert read_state(path).ended == "failed"
    assert progress.shows == []
    locks.close()


def test_writing_is_rare(tmp_path: Path) -> None:
    locks = Locks(tmp_path / "store.sqlite")
    progress = Progress()
    with recorded(progress, tmp_path / "progress.json", locks):
        progress.mappings_planned(10**6)
        start = time.perf_counter()
        for _ in range(2000):
            progress.mapping_done("a")
        done = read_state(tmp_path / "progress.json").parts[-1].done
        assert done < 2000 or time.perf_counter() - start > 0.2
    locks.close()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("[]", "not the progress of a qdsl run"),
        ('{"format": "qdsl-progress", "version": 9}', "version is 9"),
        (json.dumps({"format": "qdsl-progress", "version": 1, "state": {}}), "`study` is missing"),
    ],
)
def test_a_file_that_is_no_progress_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "progress.json"
    with pytest.raises(SpecError, match="Q0906"):
        read_state(path)
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        read_state(path)
    assert reason in caught.value.diagnostics[0].message
