"""Workers: results as they come, dead workers named, interrupts end everything."""

from __future__ import annotations

import multiprocessing
import os
import time
from dataclasses import replace
from pathlib import Path

import pytest

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapper import solve_batch
from qdsl.study.executor import Task, solve_all
from tests.support.small_study import small_model


def _tasks(directory: Path) -> list[Task]:
    study = small_model(directory).studies[0]
    bits = ({"I": 4, "W": 4, "O": 4}, {"I": 2, "W": 8, "O": 8})
    return [Task(n, study.accelerator, study.network.layer(n).problem, bits, ()) for n in ("a", "b")]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_answers_are_those_of_the_mapper(tmp_path: Path, workers: int) -> None:
    tasks = _tasks(tmp_path)
    solved = {s.task.layer: s.optima for s in solve_all(tasks, workers)}
    assert solved == {t.layer: solve_batch(t.accelerator, t.problem, t.bits, ()) for t in tasks}


class _Poison:
    """Kills the worker that unpickles it."""

    def __reduce__(self) -> tuple[object, tuple[int]]:
        return os._exit, (9,)


def test_a_worker_that_dies_twice_is_named_and_the_others_are_kept(tmp_path: Path) -> None:
    good, bad = _tasks(tmp_path)
    poisoned = replace(bad, layer="b", accelerator=_Poison())  # type: ignore[arg-type]
    solving = solve_all([good, poisoned], 2)
    assert next(solving).task.layer == "a"
    with pytest.raises(SpecError, match=r"Q0903.*layer `b` died twice"):
        next(solving)


def test_closing_the_iterator_ends_the_workers(tmp_path: Path) -> None:
    before = set(multiprocessing.active_children())
    solving = solve_all(_tasks(tmp_path), 2)
    next(solving)
    solving.close()
    deadline = time.monotonic() + 30
    while set(multiprocessing.active_children()) - before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert set(multiprocessing.active_children()) <= before


def test_findings_of_a_worker_arrive_whole() -> None:
    import pickle

    error = SpecError([Diagnostic("Q0701", "words", None, notes=("a note",))])
    assert pickle.loads(pickle.dumps(error)).diagnostics == error.diagnostics
