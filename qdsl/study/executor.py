"""Solves layers in worker processes and hands each result back as soon as it is there."""

from __future__ import annotations

import itertools
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from types import ModuleType

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapper import solve_batch
from qdsl.mapper.objective import Objective
from qdsl.mapper.other import find_mapping
from qdsl.mapper.result import MapResult, Optimum
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
    objective: Objective = Objective.ENERGY


@dataclass(frozen=True)
class Solved:
    """The answers to `task.bits`, in their order; seconds of one core. mappings: of a mapper from whose energies they could
    not be recovered; else empty."""

    task: Task
    optima: tuple[Optimum, ...]
    seconds: float
    mappings: tuple[LayerMapping | None, ...] = ()


Take = Callable[[Task], bool]
Answers = tuple[tuple[Optimum, ...], float, tuple[LayerMapping | None, ...]]
"""The fields of Solved beside its task."""


def _any(task: Task) -> bool:
    return True


def solve_all(
    tasks: Sequence[Task], workers: int | None = None, cluster: str | None = None, take: Take = _any
) -> Generator[Solved, None, None]:
    """Solved tasks in the order in which they finish.

    workers: number of processes, None for one per core but at least two; 1 works in this process. cluster: address of a
    Dask scheduler whose workers do it instead. take: asked when a worker is free for a task, which is left out if it says
    no; so at most one task per worker is in flight. Closing the iterator or interrupting it ends the workers at once: what
    was yielded is all there is. Raises SpecError (Q0903) naming the layer when a worker dies even with no other beside
    it, and what `cluster` raises.
    """
    if cluster is not None:
        from qdsl.study.cluster import solve_on_cluster

        yield from solve_on_cluster(tasks, cluster, take)
        return
    count = min(workers or max(2, os.cpu_count() or 1), len(tasks))
    if count <= 1:
        yield from (Solved(task, *answers(task)) for task in tasks if take(task))
        return
    begun: list[Task] = []
    waiting = (task for task in tasks if take(task))
    try:
        yield from _pooled(waiting, count, begun)
    except BrokenProcessPool:
        # Most likely out of memory: what is left goes one at a time, so that the culprit is known and the others are
        # kept.
        for task in itertools.chain(tuple(begun), waiting):
            try:
                yield from _pooled(iter([task]), 1, [])
            except BrokenProcessPool:
                raise worker_died(task.layer) from None


def _pooled(tasks: Iterator[Task], workers: int, begun: list[Task]) -> Iterator[Solved]:
    """begun: tasks that were given to a worker and not yielded yet."""
    running: dict[Future[Answers], Task] = {}
    with worker_pool(workers) as pool:

        def begin(task: Task) -> None:
            begun.append(task)
            with without_main(), ignoring_interrupts():
                running[pool.submit(answers, task)] = task

        for task in itertools.islice(tasks, workers):
            begin(task)
        while running:
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                solved = Solved(running[future], *future.result())
                del running[future]
                for task in itertools.islice(tasks, 1):  # the worker is busy again before the answer is stored
                    begin(task)
                begun.remove(solved.task)
                yield solved


@contextmanager
def worker_pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Processes that end with this one, and at once if the body raises.

    They are fresh interpreters: forking a process that draws progress from a thread is not safe.
    """
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), initializer=end_with_parent)
    try:
        yield pool
        pool.shutdown(cancel_futures=True)
    except BaseException:
        ours = set(multiprocessing.active_children()) - before
        pool.shutdown(wait=False, cancel_futures=True)
        for process in ours | (set(multiprocessing.active_children()) - before):
            process.terminate()
        raise


@contextmanager
def without_main() -> Iterator[None]:
    """New interpreters import the main module again. Ours need nothing of it, and a script without a main guard, or
    read from stdin, would break them."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def end_with_parent() -> None:
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


def answers(task: Task) -> Answers:
    """Solves one task, here."""
    start = time.perf_counter()
    if isinstance(task.mapper, ExactMapper) and task.objective == Objective.ENERGY:
        optima = solve_batch(task.accelerator, task.problem, task.bits, task.constraints)
        return tuple(optima), time.perf_counter() - start, ()
    asked = (task.mapper, task.accelerator, task.problem)
    found = [find_mapping(*asked, b, task.constraints, objective=task.objective) for b in task.bits]
    return tuple(map(_optimum, found)), time.perf_counter() - start, tuple(x.mapping for x in found)


def _optimum(found: MapResult) -> Optimum:
    if found.evaluation is None:
        return Optimum(found.status, inf)
    return Optimum(found.status, found.evaluation.energy_pj, cycles=found.evaluation.cycles)


@contextmanager
def ignoring_interrupts() -> Iterator[None]:
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


def worker_died(layer: str) -> SpecError:
    """The finding that a layer cannot be solved on this machine."""
    return SpecError(
        [
            Diagnostic(
                "Q0903",
                f"the process that solves layer `{layer}` died twice",
                None,
                notes=("the system most likely ran out of memory; layers solved so far are kept in the store",),
                helps=("run again with `--workers 1`, or on a machine with more memory",),
            )
        ]
    )
