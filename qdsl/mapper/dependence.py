"""How far a best mapping depends on one energy number of the accelerator.

The energy of a mapping is a straight line over the factor that a number is multiplied by, so the least energy of all is
concave: a mapping that is the best at two factors is the best between them. Where it is not, the line of a better one
crosses its own nearer to 1, and the search goes on there. So the limits are exact, after a few proven optima.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qdsl.mapper.result import MapResult
from qdsl.mapper.search import best_mapping
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint
from qdsl.model.energy_numbers import EnergyNumber, scaled
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import evaluate

EQUAL = 1e-9
"""Relative difference of energies that are taken for equal."""


@dataclass(frozen=True)
class Question:
    """What is mapped where."""

    accelerator: Accelerator
    problem: Problem
    bits: dict[str, int]
    constraints: tuple[Constraint, ...]

    def best(self) -> MapResult:
        return best_mapping(self.accelerator, self.problem, self.bits, self.constraints)

    def energy_pj(self, mapping: Mapping) -> float:
        return evaluate(self.accelerator, self.problem, self.bits, mapping).energy_pj

    def scaled(self, number: EnergyNumber, factor: float) -> Question:
        return replace(self, accelerator=scaled(self.accelerator, number, factor))


@dataclass(frozen=True, slots=True)
class Dependence:
    """number_pj: what the number contributes to the energy of the best mapping. kept_pj, least_pj: energy of this mapping and
    the least energy of all, at each factor asked for. below, above: the mapping is the best at all factors between these; None
    where it is up to the limit of the search."""

    number: EnergyNumber
    number_pj: float
    kept_pj: tuple[float, ...]
    least_pj: tuple[float, ...]
    below: float | None
    above: float | None


@dataclass(frozen=True)
class Answer:
    """A best mapping, and how it depends on every energy number; None if some best mapping is not proven."""

    best: MapResult
    dependences: tuple[Dependence, ...] | None = None


def dependences(question: Question, numbers: Sequence[EnergyNumber], factors: Sequence[float], limit: float) -> Answer:
    """The mapping of least energy, beside the one where one number is multiplied by each of the factors. limit: > 1; factors
    from 1 / limit to it, among which are all asked for, are searched for other best mappings. What mappings are legal must not
    depend on energies."""
    best = question.best()
    if best.status != "optimal" or best.mapping is None:
        return Answer(best)
    try:
        return Answer(best, tuple(_Line(question, best.mapping, n).dependence(factors, limit) for n in numbers))
    except _NotProven:
        return Answer(best)


class _NotProven(Exception):
    pass


@dataclass(frozen=True)
class _Line:
    """The energy of a mapping over the factor of one number."""

    question: Question
    mapping: Mapping
    number: EnergyNumber

    def at(self, factor: float) -> float:
        """pJ"""
        return self.question.scaled(self.number, factor).energy_pj(self.mapping)

    def best_at(self, factor: float) -> _Line:
        """That of the best mapping at a factor."""
        found = self.question.scaled(self.number, factor).best()
        if found.status != "optimal" or found.mapping is None:
            raise _NotProven
        return replace(self, mapping=found.mapping)

    def dependence(self, factors: Sequence[float], limit: float) -> Dependence:
        below, above = (None if self.same_for_all else self.best_until(end) for end in (1 / limit, limit))
        kept = [self.at(f) for f in factors]
        least = [
            min(k, self.best_at(f).at(f)) if (below and f < below) or (above and f > above) else k
            for f, k in zip(factors, kept, strict=True)
        ]
        return Dependence(self.number, self.at(1.0) - self.at(0.0), tuple(kept), tuple(least), below, above)

    @property
    def same_for_all(self) -> bool:
        """Whether every mapping costs as much of it: all do the operations of the layer."""
        return self.number.kind in ("operations", "power")

    def best_until(self, end: float) -> float | None:
        """How far from 1 towards `end` no other mapping is better; None if none is there either."""
        factor = end
        while _beaten(own := self.at(factor), least := (better := self.best_at(factor)).at(factor)):
            ahead = max(0.0, better.at(1.0) - self.at(1.0))  # of this mapping at 1
            factor = 1 + (factor - 1) * ahead / (ahead + own - least)
        return None if factor == end else factor


def _beaten(own: float, least: float) -> bool:
    return own > least * (1 + EQUAL)
