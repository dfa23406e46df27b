"""Solves layers in worker processes and hands each result back as soon as it is there."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from types import ModuleType

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapper import solve_batch
from qdsl.mapper.other import find_mapping
from qdsl.mapper.result import Optimum
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint
from qdsl.model.mapper import EXACT, ExactMapper, MapperChoice
from qdsl.model.mapping import Mapping as LayerMapping
from qdsl.model.operator import Problem


@dataclass(frozen=True)
class Task:
    """All open bit-width assignments of one problem. layer: the first layer with this problem, for messages."""

    layer: str
    accelerator: Accelerator
    problem: Problem
    bits: tuple[Mapping[str, int], ...]
    constraints: tuple[Constraint, ...]
    mapper: MapperChoice = EXACT


@dataclass(frozen=True)
class Solved:
    """The answers to `task.bits`, in their order; seconds of one core. mappings: of a mapper from whose energies they could
    not be recovered; else empty."""

    task: Task
    optima: tuple[Optimum, ...]
    seconds: float
    mappings: tuple[LayerMapping | None, ...] = ()


def solve_all(tasks: Sequence[Task], workers: int | None = None) -> Generator[Solved, None, None]:
    """Solved tasks in the order in which they finish.

    workers: number of processes, None for one per core but at least two; 1 works in this process. Closing the iterator
    or interrupting it ends the workers at once: what was yielded is all there is. Raises SpecError (Q0903) naming
    the layer when a worker dies even with no other beside it.
    """
    workers = min(workers or max(2, os.cpu_count() or 1), len(tasks))
    if workers <= 1:
        yield from map(_solve, tasks)
        return
    open_tasks = list(tasks)
    try:
        for solved in _pooled(open_tasks, workers):
            open_tasks.remove(solved.task)
            yield solved
    except BrokenProcessPool:
        # Most likely out of memory: what is left goes one at a time, so that the culprit is known and the others are
        # kept.
        for task in open_tasks:
            try:
                yield from _pooled([task], 1)
            except BrokenProcessPool:
                raise _worker_died(task) from None


def _pooled(tasks: Sequence[Task], workers: int) -> Iterator[Solved]:
    before = set(multiprocessing.active_children())
    # Fresh interpreters: forking a process that draws progress from a thread is not safe.
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=_end_with_parent)
    ours = set[multiprocessing.process.BaseProcess]()
    try:
        with _without_main(), _ignoring_interrupts():
            futures: list[Future[Solved]] = [pool.submit(_solve, task) for task in tasks]
        ours = set(multiprocessing.active_children()) - before
        for future in as_completed(futures):
            yield future.result()
        pool.shutdown()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in ours | (set(multiprocessing.active_children()) - before):
            process.terminate()
        raise


@contextmanager
def _without_main() -> Iterator[None]:
    """New interpreters import the main module again. Ours need nothing of it, and a script without a main guard, or
    read from stdin, would break them."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _end_with_parent() -> None:
    """Ends this worker when the process that started it is gone: killed by a signal, it could not end its workers, and
    they would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is None:  # not started by another process
        return
    sentinel = parent.sentinel

    def watch() -> None:
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _solve(task: Task) -> Solved:
    start = time.perf_counter()
    if isinstance(task.mapper, ExactMapper):
        optima = solve_batch(task.accelerator, task.problem, task.bits, task.constraints)
        return Solved(task, tuple(optima), time.perf_counter() - start)
    found = [find_mapping(task.mapper, task.accelerator, task.problem, b, task.constraints) for b in task.bits]
    optima = tuple(Optimum(x.status, inf if x.energy_pj is None else x.energy_pj) for x in found)
    return Solved(task, optima, time.perf_counter() - start, tuple(x.mapping for x in found))


@contextmanager
def _ignoring_interrupts() -> Iterator[None]:
    """Ctrl-C goes to every process of the terminal, and the parent decides what happens: processes started meanwhile
    inherit that they ignore it, from their first instruction on. Only the main thread may change handlers."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _worker_died(task: Task) -> SpecError:
    return SpecError(
        [
            Diagnostic(
                "Q0903",
                f"the process that solves layer `{task.layer}` died twice",
                None,
                notes=("the system most likely ran out of memory; layers solved so far are kept in the store",),
                helps=("run again with `--workers 1`, or on a machine with more memory",),
            )
        ]
    )
