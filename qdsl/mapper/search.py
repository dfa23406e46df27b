"""The exact mapper: the best mapping of a layer at given widths, and the front of energy and cycles."""

from __future__ import annotations

import time
from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field

import numpy as np

from qdsl.mapper.checked import check
from qdsl.mapper.explore import Exploration
from qdsl.mapper.goal import Best, Front, Goal, Point
from qdsl.mapper.objective import RELATIVE_TOLERANCE, Costs, Objective, Quantity, value_of
from qdsl.mapper.padded import padded_problems
from qdsl.mapper.result import FrontResult, MapResult
from qdsl.mapspace.narrowing import layer_spaces
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import Evaluation, evaluate


def best_mapping(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint] = (),
    time_limit_s: float | None = None,
    objective: Objective = Objective.ENERGY,
    padded: bool = False,
) -> MapResult:
    """The best mapping; padded: of those in imperfect factors, too. With a time limit the answer may be 'feasible' with a
    smaller bound, or 'unknown'; it is also 'feasible' if the best mapping of some choice of spatial factors is beyond a limit
    of bandwidth use, or padded and breaks a constraint without its idle iterations.

    Raises SpecError for a constraint that the search cannot keep.
    """
    started = time.perf_counter()
    goal = Best(objective)
    question = _Question(accelerator, problem, bits, tuple(constraints), _deadline(started, time_limit_s))
    seen = _explored(question, goal, padded)
    left = min((float(c.of(objective.quantities[0])[0]) for c in seen.left), default=np.inf)
    seconds = time.perf_counter() - started
    if goal.found is None:
        status, bound = ("unknown", left) if seen.left else ("infeasible", None)
        return MapResult(status, None, None, seconds, objective, None, bound, seen.plans, seen.searched)
    mapping, evaluation = _evaluated(question, goal.found)
    value = value_of(objective, evaluation)
    status = "feasible" if any(goal.promising(c).any() for c in seen.left) else "optimal"
    bound = min(value, left) if status == "feasible" else value
    perfect = seen.perfect.value(objective.quantities[0]) if seen.perfect else None
    return MapResult(status, mapping, evaluation, seconds, objective, value, bound, seen.plans, seen.searched, perfect)


def best_front(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint] = (),
    time_limit_s: float | None = None,
    padded: bool = False,
) -> FrontResult:
    """All mappings that no other one beats in both energy and cycles, one for each pair of them.

    Raises SpecError for a constraint that the search cannot keep.
    """
    started = time.perf_counter()
    goal = Front()
    question = _Question(accelerator, problem, bits, tuple(constraints), _deadline(started, time_limit_s))
    seen = _explored(question, goal, padded)
    left = [c for c in seen.left if goal.promising(c).any()]
    status = ("unknown" if left else "infeasible") if not goal.points else "feasible" if left else "optimal"
    return FrontResult(
        status,
        tuple(_evaluated(question, p) for p in goal.points),
        tuple(sorted((float(c.cycles[0]), float(c.energy_pj[0])) for c in left)),
        time.perf_counter() - started,
        seen.plans,
        seen.searched,
    )


def _deadline(started: float, time_limit_s: float | None) -> float | None:
    return None if time_limit_s is None else started + time_limit_s


@dataclass(frozen=True)
class _Question:
    accelerator: Accelerator
    problem: Problem
    bits: MappingABC[str, int]
    constraints: tuple[Constraint, ...]
    deadline: float | None


def _evaluated(question: _Question, point: Point) -> tuple[Mapping, Evaluation]:
    """The mapping of a point, held against the rules, the constraints and what the search claims."""
    mapping = point.find()
    evaluation = evaluate(question.accelerator, question.problem, question.bits, mapping)
    claimed = point.value(Quantity.ENERGY)
    if abs(evaluation.energy_pj - claimed) > RELATIVE_TOLERANCE * claimed:
        raise RuntimeError(f"the mapper's {claimed} pJ and the model's {evaluation.energy_pj} pJ differ for {mapping}")
    check(question.accelerator, question.problem, question.bits, question.constraints, mapping)
    return mapping, evaluation


@dataclass
class _Explored:
    """left: bounds on the costs of what was not searched; perfect: the best in perfect factors, of a search for one."""

    plans: int = 0
    searched: int = 0
    left: list[Costs] = field(default_factory=list)
    perfect: Point | None = None


def _explored(question: _Question, goal: Goal, padded: bool) -> _Explored:
    """Adds to the goal all that a question has."""
    q = question
    seen = _Explored()
    if not padded:
        _explore(q, q.problem, goal, seen)
        return seen
    for problem, bound in padded_problems(q.accelerator, q.problem, q.bits, goal):
        if problem.needed and q.deadline is not None and time.perf_counter() > q.deadline:
            seen.left.append(bound)
            break
        _explore(q, problem, goal, seen)
        if not problem.needed and isinstance(goal, Best):
            seen.perfect = goal.found
    return seen


def _explore(question: _Question, problem: Problem, goal: Goal, seen: _Explored) -> None:
    for space in layer_spaces(question.accelerator, problem, question.bits, question.constraints):
        part = Exploration(space, question.bits, question.constraints, goal, question.deadline)
        part.run()
        seen.plans += part.plans
        seen.searched += part.searched
        seen.left += part.left
