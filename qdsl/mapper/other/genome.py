"""Mappings as rows of whole numbers, for a search that recombines them.

A gene per prime of every size says at which place it is a factor; one per level and dimension how far inside the level's
loops the dimension stands, where constraints leave a choice; the last one what levels keep that they need not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from qdsl.mapspace.lattice import prime_exponents
from qdsl.mapspace.loop_orders import order_by
from qdsl.mapspace.space import Space
from qdsl.model.mapping import Loop, Mapping

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Genes = npt.NDArray[np.int64]

INWARDS = 1000
"""Values of a gene that says how far inside a dimension stands."""


@dataclass(frozen=True)
class Genome:
    """spaces: those of one layer, which together hold all that its constraints allow; at least one."""

    spaces: Sequence[Space]

    @cached_property
    def primes(self) -> tuple[tuple[str, int], ...]:
        """(dimension, prime), each as often as it divides the size."""
        problem = self.spaces[0].problem
        sizes = zip(problem.operator.dims, problem.sizes, strict=True)
        return tuple((d, p) for d, n in sizes for p, exponent in prime_exponents(n) for _ in range(exponent))

    @cached_property
    def places(self) -> dict[str, tuple[str, ...]]:
        """Per dimension with primes the places where a mapping may have factors of it, outermost first."""
        every = self.spaces[0].accelerator.places
        return {
            d: tuple(p for p in every if any(max(s.factors[p, d]) > 1 for s in self.spaces))
            for d in dict.fromkeys(d for d, _ in self.primes)
        }

    @cached_property
    def ordered(self) -> tuple[tuple[str, str], ...]:
        """(level, dimension) whose order is a choice."""
        levels = (level.name for level in self.spaces[0].accelerator.levels)
        return tuple((level, d) for level in levels for d, places in self.places.items() if level in places)

    @cached_property
    def _levels(self) -> frozenset[str]:
        return frozenset(level for level, _ in self.ordered)

    @cached_property
    def kept(self) -> tuple[Space, ...]:
        """A space for every choice of what is kept."""
        return tuple({space.bypass: space for space in self.spaces}.values())

    @cached_property
    def options(self) -> Genes:
        """int64[genes]: how many values every gene has, from 0 on."""
        import numpy as np

        places = [len(self.places[d]) for d, _ in self.primes]
        return np.array([*places, *[INWARDS] * len(self.ordered), len(self.kept)], dtype=np.int64)

    def mapping(self, genes: Sequence[int]) -> Mapping:
        """The mapping of some genes; it may break constraints and exceed capacities and meshes."""
        factors: dict[str, dict[str, int]] = {}
        for (d, prime), gene in zip(self.primes, genes, strict=False):
            here = factors.setdefault(self.places[d][gene], {})
            here[d] = here.get(d, 1) * prime
        inwards = dict(zip(self.ordered, genes[len(self.primes) : -1], strict=True))
        space = self.kept[genes[-1]]
        places = []
        for place in space.accelerator.places:
            found = factors.get(place, {})
            order: tuple[str, ...] | None = None
            if len(found) > 1 and place in self._levels:
                urgency = {d: inwards[place, d] for d in found}
                order = order_by(frozenset(found), space.orders.get(place, ()), urgency)
            order = order or tuple(found)
            places.append((place, tuple(Loop(d, found[d]) for d in order)))
        return Mapping(tuple(places), space.bypass)

    def genes(self, mapping: Mapping) -> list[int]:
        """The genes of a mapping in one of the spaces."""
        left = {(place, x.dim): x.factor for place, loops in mapping.places for x in loops}
        genes = []
        for d, prime in self.primes:
            i = next(i for i, p in enumerate(self.places[d]) if left.get((p, d), 1) % prime == 0)
            left[self.places[d][i], d] //= prime
            genes.append(i)
        inwards = {
            (place, x.dim): (i + 1) * INWARDS // (len(loops) + 1)
            for place, loops in mapping.places
            for i, x in enumerate(loops)
        }
        genes += [inwards.get(where, INWARDS // 2) for where in self.ordered]
        return [*genes, [space.bypass for space in self.kept].index(mapping.bypass)]
