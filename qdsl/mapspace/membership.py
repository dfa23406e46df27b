"""Whether a mapping lies in a space: one question about many mappings, quicker than `constraint_violations`."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from functools import cached_property

from qdsl.mapspace.formula import holds, mapping_values
from qdsl.mapspace.space import Space
from qdsl.mapspace.violations import order_holds
from qdsl.model.constraint import Formula
from qdsl.model.mapping import Mapping


@dataclass(frozen=True)
class Membership:
    """bits: widths of the tensors, of which formulas can depend."""

    space: Space
    bits: MappingABC[str, int]

    def contains(self, mapping: Mapping) -> bool:
        """Whether a mapping in perfect factors has the factors, tiles and orders of the space, and its formulas are true.
        Capacities, meshes and limits of the cost are not asked."""
        space = self.space
        factors = {(place, loop.dim): loop.factor for place, loops in mapping.places for loop in loops}
        return (
            mapping.bypass == space.bypass
            and all(factor in space.factors[where] for where, factor in factors.items())
            and all(where in factors for where in self._needed)
            and all(self._extent(factors, *where) in allowed for where, allowed in space.tiles.items())
            and all(
                order_holds(order, [loop.dim for loop in mapping.loops(level)])
                for level, orders in space.orders.items()
                for order in orders
            )
            and self._formulas_hold(mapping)
        )

    @cached_property
    def _needed(self) -> tuple[tuple[str, str], ...]:
        """Where there must be a loop."""
        return tuple(where for where, allowed in self.space.factors.items() if 1 not in allowed)

    @cached_property
    def _formulas(self) -> tuple[Formula, ...]:
        return (*self.space.spatial, *(f for found in self.space.levels.values() for f in found))

    def _extent(self, factors: MappingABC[tuple[str, str], int], level: str, dim: str) -> int:
        places = self.space.accelerator.places
        extent = 1
        for place in places[places.index(level) :]:
            extent *= factors.get((place, dim), 1)
        return extent

    def _formulas_hold(self, mapping: Mapping) -> bool:
        if not self._formulas:
            return True
        value = mapping_values(self.space.accelerator, self.space.problem, self.bits, mapping)
        return all(holds(formula, value) for formula in self._formulas)
