"""The layers of `qdsl map`, each different one solved once, many of them in several processes."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qdsl.cli.groups import Key, key_of

if TYPE_CHECKING:
    from qdsl.mapper import FrontResult, MapResult, Objective
    from qdsl.model.accelerator import Accelerator
    from qdsl.model.constraint import Constraint
    from qdsl.model.mapper import MapperChoice
    from qdsl.model.mapping import Mapping as LayerMapping
    from qdsl.model.operator import Problem
    from qdsl.study.saved import Asked

# Starting a process takes as long as a few layers.
_LAYERS_PER_PROCESS = 4


@dataclass(frozen=True)
class Question:
    """What is to be mapped; `written` is the user's mapping to compare with, if there is one."""

    asked: Asked
    bits: Mapping[str, int]
    written: LayerMapping | None = None

    @property
    def label(self) -> str:
        return self.asked.origin.label

    @property
    def problem(self) -> tuple[Accelerator, Problem, Mapping[str, int], tuple[Constraint, ...]]:
        """What mappers take first."""
        return self.asked.accelerator, self.asked.problem, self.bits, self.asked.constraints


def solve(
    questions: Sequence[Question], known: Mapping[Key, MapResult], args: argparse.Namespace, mapper: MapperChoice
) -> Iterator[tuple[MapResult, int | None]]:
    """The answer to each different question, in order, and how many legal mappings there are, None if not counted."""
    from qdsl.study.parallel import in_order

    tasks = [
        _Task(q, args.time_limit, bool(args.imperfect), args.objective, mapper, known.get(key))
        for key, q in _different(questions).items()
    ]
    return in_order(_solved, tasks, _workers(args, len(tasks)), lambda task: task.question.label)


def solve_fronts(questions: Sequence[Question], args: argparse.Namespace) -> Iterator[FrontResult]:
    """The front of each different question, in order."""
    from qdsl.study.parallel import in_order

    tasks = [_FrontTask(q, args.time_limit, bool(args.imperfect)) for q in _different(questions).values()]
    return in_order(_front, tasks, _workers(args, len(tasks)), lambda task: task.question.label)


@dataclass(frozen=True)
class _FrontTask:
    question: Question
    time_limit_s: float | None
    padded: bool


@dataclass(frozen=True)
class _Task(_FrontTask):
    """known: the answer, if only the number of legal mappings is asked."""

    objective: Objective
    mapper: MapperChoice
    known: MapResult | None


def _solved(task: _Task) -> tuple[MapResult, int | None]:
    from qdsl.mapper import best_mapping
    from qdsl.mapper.other import find_mapping
    from qdsl.model.mapper import ExactMapper
    from qdsl.study.saved import count_legal

    question, answer = task.question, task.known
    if answer is None and isinstance(task.mapper, ExactMapper):
        answer = best_mapping(*question.problem, task.time_limit_s, task.objective, padded=task.padded)
    elif answer is None:
        answer = find_mapping(task.mapper, *question.problem, objective=task.objective)
    return answer, count_legal(question.asked, question.bits)


def _front(task: _FrontTask) -> FrontResult:
    from qdsl.mapper import best_front

    return best_front(*task.question.problem, task.time_limit_s, padded=task.padded)


def _different(questions: Sequence[Question]) -> dict[Key, Question]:
    found: dict[Key, Question] = {}
    for q in questions:
        found.setdefault(key_of(q.asked, q.bits), q)
    return found


def _workers(args: argparse.Namespace, tasks: int) -> int:
    many = tasks >= _LAYERS_PER_PROCESS
    chosen: int = args.workers or (many and os.cpu_count()) or 1
    return chosen
