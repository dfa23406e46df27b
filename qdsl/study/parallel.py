"""Calls in worker processes, their results in order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from qdsl.study.executor import ignoring_interrupts, without_main, worker_died, worker_pool

A = TypeVar("A")
R = TypeVar("R")


def in_order(
    function: Callable[[A], R], arguments: Sequence[A], workers: int, label: Callable[[A], str]
) -> Generator[R, None, None]:
    """The results of a function of this package, each as soon as it and those before it are there.

    workers: processes; 1 works in this one. Closing the iterator or interrupting it ends them at once. label: names the
    argument in the SpecError (Q0903) that is raised when its process dies.
    """
    workers = min(workers, len(arguments))
    if workers <= 1:
        yield from map(function, arguments)
        return
    with worker_pool(workers) as pool:
        with without_main(), ignoring_interrupts():
            futures = [pool.submit(function, x) for x in arguments]
        for argument, future in zip(arguments, futures, strict=True):
            try:
                yield future.result()
            except BrokenProcessPool:
                raise worker_died(label(argument)) from None
