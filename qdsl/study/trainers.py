"""Processes that train, kept as long as a study needs them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from importlib import import_module
from types import TracebackType
from typing import Any

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.diagnostics.extras import not_installed
from qdsl.study.executor import ignoring_interrupts, without_main, worker_pool


class Trainers:
    """Use as a context manager: leaving it ends the processes. workers: None for one per core but at least two; 1 works in
    this process."""

    def __init__(self, workers: int | None) -> None:
        self._count = workers or max(2, os.cpu_count() or 1)
        self._pool: ProcessPoolExecutor | None = None
        self._ending = ExitStack()

    def __enter__(self) -> Trainers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.__exit__(kind, error, trace)

    def call(self, name: str, *arguments: Any) -> Any:
        """The result of one function of `qdsl.quant.tasks`. Raises what it raises."""
        return next(self.all([(name, *arguments)]))[1]

    def all(self, calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        """(index, result) of calls of functions of `qdsl.quant.tasks`, (name, arguments ...), as they come to an end. Raises
        SpecError (Q0903) if a process dies, and what a call raises."""
        if self._count == 1:
            yield from ((i, run(*c)) for i, c in enumerate(calls))
            return
        if self._pool is None:
            self._pool = self._ending.enter_context(worker_pool(self._count))
        try:
            with without_main(), ignoring_interrupts():
                running: dict[Future[Any], int] = {self._pool.submit(run, *c): i for i, c in enumerate(calls)}
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    yield running.pop(future), future.result()
        except BrokenProcessPool:
            note = "the system most likely ran out of memory; designs measured so far are kept in the store"
            helps = ("run again with `--workers 1`, or on a machine with more memory",)
            text = "a process that trains designs died"
            raise SpecError([Diagnostic("Q0903", text, None, notes=(note,), helps=helps)]) from None


def run(name: str, *arguments: Any) -> Any:
    """Raises SpecError (Q0960) where a library is missing."""
    try:
        tasks = import_module("qdsl.quant.tasks")
    except ModuleNotFoundError as error:
        raise not_installed(error, "accuracy", "`accuracy`") from None
    function: Callable[..., Any] = getattr(tasks, name)
    return function(*arguments)
