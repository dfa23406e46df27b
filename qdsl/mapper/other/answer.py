"""The best mapping so far, and the answer made of it once it has been checked again."""

from __future__ import annotations

import time
from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from qdsl.mapper.objective import Costs, Objective, value_of
from qdsl.mapper.result import MapResult
from qdsl.mapspace.limits import within
from qdsl.mapspace.violations import constraint_violations
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Limit
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import Evaluations, Evaluator, evaluate, legality

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True)
class Question:
    """What is asked of a mapper. deadline: of `time.perf_counter`."""

    accelerator: Accelerator
    problem: Problem
    bits: MappingABC[str, int]
    constraints: tuple[Constraint, ...]
    objective: Objective
    started: float
    deadline: float

    @property
    def time_is_up(self) -> bool:
        return time.perf_counter() > self.deadline


@dataclass
class Best:
    """Looks at mappings one after the other and keeps the best.

    limits: of the cost, which a legal mapping can be beyond; evaluated: mappings looked at; since_better: those since the
    best one. history: (seconds, mappings evaluated, value) of each that was the best.
    """

    question: Question
    limits: Sequence[Limit] = ()
    mapping: Mapping | None = None
    score: tuple[float, ...] = (inf,)
    evaluated: int = 0
    since_better: int = 0
    history: list[tuple[float, int, float]] = field(default_factory=list)
    _evaluator: Evaluator = field(init=False)

    def __post_init__(self) -> None:
        q = self.question
        self._evaluator = Evaluator(q.accelerator, q.problem, q.bits)

    def evaluated_scores(self, mappings: Sequence[Mapping]) -> npt.NDArray[np.float64]:
        """float64[mappings, quantities]: what the objective compares, inf where a mapping does not fit or is beyond a limit."""
        import numpy as np

        objective = self.question.objective
        found = self._evaluator.evaluate(mappings)
        legal = found.legal & self._within_limits(found)
        costs = Costs(found.energy_pj, found.cycles, found.accesses)
        return np.stack([np.where(legal, costs.of(q), np.inf) for q in objective.compared], axis=1)

    def look_at(self, mapping: Mapping, score: tuple[float, ...]) -> None:
        self.evaluated += 1
        self.since_better += 1
        if score < self.score:
            self.mapping, self.score, self.since_better = mapping, score, 0
            self.history.append((time.perf_counter() - self.question.started, self.evaluated, score[0]))

    def _within_limits(self, found: Evaluations) -> npt.NDArray[np.bool_]:
        import numpy as np

        most = self.question.objective.most_cycles
        kept = found.cycles <= (np.inf if most is None else most)
        if self.limits:
            each = [all(within(limit, found.at(i)) for limit in self.limits) for i in range(len(found))]
            kept = kept & np.array(each, dtype=bool)
        return np.asarray(kept, dtype=bool)

    def answer(self, exists: bool) -> MapResult:
        """exists: whether there may be a legal mapping, if none was found."""
        q = self.question
        if self.mapping is None:
            status = "unknown" if exists else "infeasible"
            return MapResult(status, None, None, time.perf_counter() - q.started, q.objective)
        _check(q, self.mapping)
        evaluation = evaluate(q.accelerator, q.problem, q.bits, self.mapping)
        seconds, value = time.perf_counter() - q.started, value_of(q.objective, evaluation)
        history = (*self.history, (seconds, self.evaluated, value))
        return MapResult("feasible", self.mapping, evaluation, seconds, q.objective, value, history=history)


def _check(q: Question, mapping: Mapping) -> None:
    """Holds what was found against the model and the constraints, independently of the search."""
    broken = legality(q.accelerator, q.problem, q.bits, mapping, None)
    broken += constraint_violations(q.constraints, q.accelerator, q.problem, q.bits, mapping)
    if broken:
        raise RuntimeError(f"the mapping found is not legal: {broken[0].message}: {mapping}")
