"""What is asked of a search: the one best mapping, or all that no other one beats in both energy and cycles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from qdsl.mapper.objective import RELATIVE_TOLERANCE, Costs, Objective, Quantity, value
from qdsl.model.mapping import Mapping
from qdsl.symbolic.result import Evaluation

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array, Fits, Ints


@dataclass(frozen=True, slots=True)
class Point:
    """What a legal mapping costs (n = 1), and how to find it: for most points of a search nobody asks."""

    costs: Costs
    find: Callable[[], Mapping]

    def value(self, quantity: Quantity) -> float:
        return float(self.costs.of(quantity)[0])


def point_of(mapping: Mapping, found: Evaluation) -> Point:
    """A mapping that is at hand."""
    rows = (np.array([value(q, found)]) for q in (Quantity.ENERGY, Quantity.LATENCY, Quantity.ACCESSES))
    return Point(Costs(*rows), lambda: mapping)


class Goal(Protocol):
    """quantities: those that decide."""

    @property
    def quantities(self) -> frozenset[Quantity]: ...

    def keys(self, costs: Costs) -> list[Array]:
        """What to compare lower bounds by, the first key first: the smaller, the more promising. float64[n] each."""

    def promising(self, costs: Costs) -> Fits:
        """bool[n]: whether a mapping with these costs, or more, can add to what is known."""

    def choose(self, costs: Costs) -> Ints:
        """The indices of what would be the answer if there were nothing else."""

    def add(self, point: Point) -> None:
        """Makes a mapping known."""


@dataclass
class Best(Goal):
    """The best mapping by an objective."""

    objective: Objective
    found: Point | None = None

    @property
    def quantities(self) -> frozenset[Quantity]:
        timed = {Quantity.LATENCY} if self.objective.most_cycles is not None else set()
        return frozenset({*self.objective.compared, *timed})

    @property
    def _known(self) -> tuple[float, ...] | None:
        if self.found is None:
            return None
        return tuple(self.found.value(q) for q in self.objective.compared)

    def keys(self, costs: Costs) -> list[Array]:
        return [costs.of(q) for q in self.objective.compared]

    def promising(self, costs: Costs) -> Fits:
        return self.objective.better(costs, self._known)

    def choose(self, costs: Costs) -> Ints:
        order: Ints = np.lexsort(self.keys(costs)[::-1])
        return order[:1]

    def add(self, point: Point) -> None:
        if self.promising(point.costs).all():
            self.found = point


@dataclass
class Front(Goal):
    """The Pareto front of energy and cycles. points: by ascending cycles and descending energy."""

    points: list[Point] = field(default_factory=list)

    @property
    def quantities(self) -> frozenset[Quantity]:
        return frozenset({Quantity.ENERGY, Quantity.LATENCY})

    def keys(self, costs: Costs) -> list[Array]:
        return [costs.of(Quantity.EDP)]

    def promising(self, costs: Costs) -> Fits:
        known_pj = np.array([p.value(Quantity.ENERGY) for p in self.points])
        cycles = np.array([p.value(Quantity.LATENCY) for p in self.points])
        # the least energy that is known for so many cycles is that of the slowest point which is not slower
        energies = np.concatenate([[np.inf], known_pj * (1 - RELATIVE_TOLERANCE)])
        keep: Fits = costs.energy_pj < energies[np.searchsorted(cycles, costs.cycles, side="right")]
        return keep

    def choose(self, costs: Costs) -> Ints:
        order = np.lexsort([costs.energy_pj, costs.cycles])
        energies = costs.energy_pj[order]
        before = np.concatenate([[np.inf], np.minimum.accumulate(energies)[:-1]])
        chosen: Ints = order[energies < before * (1 - RELATIVE_TOLERANCE)]
        return chosen

    def add(self, point: Point) -> None:
        if not self.promising(point.costs).all():
            return
        cycles, energy_pj = point.value(Quantity.LATENCY), point.value(Quantity.ENERGY) * (1 - RELATIVE_TOLERANCE)
        kept = [p for p in self.points if p.value(Quantity.LATENCY) < cycles or p.value(Quantity.ENERGY) < energy_pj]
        self.points = sorted([*kept, point], key=lambda p: p.value(Quantity.LATENCY))
