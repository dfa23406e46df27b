"""Solves layers on the workers of a Dask cluster (the extra `cluster`).

Dask starts what a lost worker had in flight again on another one. Workers need the qdsl of this process: each task says
which it was made by.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator, Sequence
from concurrent.futures import CancelledError
from typing import Any

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.diagnostics.extras import not_installed
from qdsl.study.executor import Answers, Solved, Take, Task, answers, worker_died
from qdsl.study.keys import COST_MODEL
from qdsl.study.provenance import version

CONNECT_S = 10.0
"""How long the scheduler may take to answer."""
FIRST_WORKER_S = 60.0
"""How long the first worker may take to come."""
_AHEAD = 2  # tasks per thread of the cluster, so that none waits for the next one to travel


def solve_on_cluster(tasks: Sequence[Task], address: str, take: Take) -> Generator[Solved, None, None]:
    """As `solve_all`; at most two tasks per thread of the workers are in flight.

    address: as in `tcp://host:8786`. Raises SpecError when `distributed` is not installed (Q0960), for a scheduler that
    does not answer, has no workers or is lost (Q0914), for workers with another qdsl (Q0915), and for a layer at which
    several workers died (Q0903).
    """
    distributed = _distributed()
    try:
        with distributed.Client(address, timeout=CONNECT_S, set_as_default=False, name="qdsl") as client:
            client.wait_for_workers(1, timeout=FIRST_WORKER_S)
            yield from _solved(distributed, client, tasks, take)
    except (OSError, CancelledError) as error:
        raise _unreachable(address, error) from None


def _solved(distributed: Any, client: Any, tasks: Sequence[Task], take: Take) -> Generator[Solved, None, None]:
    waiting = (task for task in tasks if take(task))
    running: dict[str, Task] = {}
    results = distributed.as_completed(loop=client.loop)

    def fill() -> None:
        """Workers come and go: as many tasks as they can take now."""
        room = max(1, _AHEAD * sum(client.nthreads().values())) - len(running)
        for task in itertools.islice(waiting, max(0, room)):
            future = client.submit(checked_answers, task, _made_by(), pure=False, key=f"{task.layer}-{id(task)}")
            running[future.key] = task
            results.add(future)

    fill()
    while running:
        future = next(results)
        task = running[future.key]
        try:
            found = future.result()
        except distributed.KilledWorker:
            raise worker_died(task.layer) from None
        del running[future.key]
        fill()
        yield Solved(task, *found)


def checked_answers(task: Task, made_by: tuple[str, int]) -> Answers:
    """`answers` on a worker. Raises SpecError (Q0915) when the task was made by another qdsl."""
    if made_by != _made_by():
        theirs, ours = (f"qdsl {v} (cost model {model})" for v, model in (_made_by(), made_by))
        raise SpecError(
            [
                Diagnostic(
                    "Q0915",
                    f"a worker of the cluster has {theirs}, this is {ours}",
                    None,
                    notes=("answers of different versions are not mixed",),
                    helps=("install the same qdsl wherever `dask worker` runs, and start the workers again",),
                )
            ]
        )
    return answers(task)


def _made_by() -> tuple[str, int]:
    return version("qdsl"), COST_MODEL


def _distributed() -> Any:
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise not_installed(error, "cluster", "`--cluster`") from None
    return distributed


def _unreachable(address: str, error: Exception) -> SpecError:
    return SpecError(
        [
            Diagnostic(
                "Q0914",
                f"the Dask cluster at `{address}` does not answer: {error or type(error).__name__}",
                None,
                notes=("layers solved so far are kept in the store",),
                helps=("`dask scheduler` starts a scheduler and shows its address, `dask worker ADDRESS` a worker",),
            )
        ]
    )
