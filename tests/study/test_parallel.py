"""Calls in worker processes."""

from __future__ import annotations

import multiprocessing
import os
import time
from operator import attrgetter, neg
from typing import Any

import pytest

from qdsl.diagnostics import SpecError
from qdsl.study.parallel import in_order


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers: int) -> None:
    assert list(in_order(neg, [3, 1, 2], workers, str)) == [-3, -1, -2]


def test_a_process_that_dies_is_a_finding() -> None:
    with pytest.raises(SpecError) as died:
        list(in_order(os._exit, [3, 3], 2, lambda code: f"layer{code}"))
    assert [(d.code, "layer3" in d.message) for d in died.value.diagnostics] == [("Q0903", True)]


def test_whoever_stops_listening_ends_the_processes() -> None:
    results = in_order(neg, [1, 2, 3], 2, str)
    assert next(results) == -1
    results.close()
    deadline = time.monotonic() + 120
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.05)  # join() may return early when the pool's own thread has just reaped the process
    assert not multiprocessing.active_children()


def test_what_a_call_raises_is_raised() -> None:
    wrong: list[Any] = ["text", 1]
    with pytest.raises(AttributeError):
        list(in_order(attrgetter("missing"), wrong, 2, str))
