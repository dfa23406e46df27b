"""Solves what a store does not know, together with other runs that need the same: a task that another run has begun
is left to it, and taken over when that run ends without an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from qdsl.mapper.result import Optimum
from qdsl.study.executor import Solved, Task, solve_all
from qdsl.study.keys import digest, question
from qdsl.study.progress import Progress
from qdsl.study.store import About, Store

_LOOK_AGAIN_S = 0.2  # how long what another run solves may stay unnoticed


@dataclass(frozen=True)
class Found:
    """optima: by store key; solved: the keys that this run has solved, the others came from other runs."""

    optima: dict[str, Optimum]
    solved: frozenset[str]


def solve_open(
    tasks: Sequence[Task],
    keys: Callable[[Task], list[str]],
    store: Store,
    progress: Progress,
    workers: int | None,
    cluster: str | None,
) -> Found:
    """Solves and stores tasks. keys: of the answers of a task, in their order. workers, cluster: see `solve_all`.

    Raises what `solve_all` raises.
    """
    optima: dict[str, Optimum] = {}
    solved_here: set[str] = set()
    waiting = False
    names = {id(task): digest(sorted(keys(task))) for task in tasks}
    left = list(tasks)

    def take(task: Task) -> bool:
        """Whether the task is ours to solve: not begun by another run, and not ended by one either."""
        if not store.locks.take(names[id(task)]):
            return False
        known = store.optima(keys(task))
        if len(known) < len(set(keys(task))):
            return True
        end(task, known, None)
        return False

    def end(task: Task, known: dict[str, Optimum], seconds: float | None) -> None:
        optima.update(known)
        left.remove(task)
        store.locks.release(names[id(task)])
        progress.problem_solved(task.layer, seconds, len(known))

    while left:
        if waiting:
            progress.waiting(len(left))
            time.sleep(_LOOK_AGAIN_S)
        for solved in solve_all(tuple(left), workers, cluster, take):
            known = dict(zip(keys(solved.task), solved.optima, strict=True))
            found = zip(keys(solved.task), solved.mappings, strict=False)
            store.put(known.items(), {key: nest for key, nest in found if nest is not None}, _about(solved))
            solved_here.update(known)
            end(solved.task, known, solved.seconds)
        waiting = True
    return Found(optima, frozenset(solved_here))


def _about(solved: Solved) -> About:
    task = solved.task
    operator = task.problem.operator
    return About(
        digest=digest(question(task.accelerator, task.problem, task.constraints)),
        accelerator=task.accelerator.name,
        layer=task.layer,
        operator=operator.name,
        sizes=tuple(zip(operator.dims, task.problem.sizes, strict=True)),
        bits=tuple(tuple(bits.items()) for bits in task.bits),
    )
