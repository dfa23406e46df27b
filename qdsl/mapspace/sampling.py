"""The legal mappings of a layer as a sequence: every one has a rank, so they can be listed, and drawn without rejection.

The counts say how many mappings each choice leaves. Going outwards from the compute units, a rank therefore selects
the choice whose share of the mappings it lies in, and what is left of it goes on selecting further out.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

from qdsl.mapspace.drawing import decisions_of
from qdsl.mapspace.loop_orders import order_at
from qdsl.mapspace.narrowing import countable_spaces
from qdsl.mapspace.space import Space
from qdsl.mapspace.stages import Key, Move, Stage, sections_of
from qdsl.mapspace.sweep import Sweep, Ways
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Order
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem

# Mappings made at once, which share the work.
_FIRST_DRAWN, _MOST_DRAWN = 64, 4096


def legal_mappings(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint] = ()
) -> LegalMappings:
    """The mappings that `count_mappings` counts. Raises SpecError (Q0710) as it does."""
    return mappings_of(countable_spaces(accelerator, problem, bits, constraints), bits)


def mappings_of(spaces: Iterable[Space], bits: MappingABC[str, int]) -> LegalMappings:
    """The mappings of disjoint spaces, also those beyond limits of their cost."""
    parts = []
    for space in spaces:
        if sections := sections_of(space, "mappings"):
            sweep = Sweep(space, sections, [bits])
            stages, ways = zip(*sweep.run(), strict=True)
            parts.append(_Part(space, sweep, tuple(s for s in stages if s is not None), ways))
    return LegalMappings(tuple(parts))


def enumerate_mappings(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint] = ()
) -> Iterator[Mapping]:
    """Every legal mapping once, by rank: always in the same succession. Raises as `count_mappings`."""
    return iter(legal_mappings(accelerator, problem, bits, constraints))


def sample_mappings(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint] = (),
    seed: int = 0,
) -> Iterator[Mapping]:
    """Legal mappings without end, each drawn uniformly from all of them, independent of the others; nothing if there is
    none. Equal seeds give equal mappings. Raises as `count_mappings`."""
    mappings = legal_mappings(accelerator, problem, bits, constraints)
    return mappings.sample(seed)


@dataclass(frozen=True)
class LegalMappings:
    """Iterates over all mappings by rank: those of one space after those of another."""

    parts: tuple[_Part, ...]

    @property
    def count(self) -> int:
        """How many there are (of any size, which `len` does not allow)."""
        return sum(part.count for part in self.parts)

    def __iter__(self) -> Iterator[Mapping]:
        count = self.count
        first, drawn = 0, _FIRST_DRAWN
        while first < count:
            yield from self.at_each(range(first, min(first + drawn, count)))
            first, drawn = first + drawn, min(2 * drawn, _MOST_DRAWN)

    def sample(self, seed: int) -> Iterator[Mapping]:
        """Uniform draws without end; nothing if there is no mapping."""
        source = random.Random(seed)
        count = self.count
        drawn = _FIRST_DRAWN
        while count:
            yield from self.at_each([source.randrange(count) for _ in range(drawn)])
            drawn = min(2 * drawn, _MOST_DRAWN)

    def at(self, rank: int) -> Mapping:
        """The mapping with a rank from 0 to count - 1. Raises IndexError for others."""
        return self.at_each([rank])[0]

    def at_each(self, ranks: Sequence[int]) -> list[Mapping]:
        """The mappings with these ranks; much faster than one by one. Raises as `at`."""
        found: dict[int, Mapping] = {}
        first = 0
        for part in self.parts:
            here = [rank for rank in ranks if first <= rank < first + part.count]
            found |= zip(here, part.at_each([rank - first for rank in here]), strict=True)
            first += part.count
        if missing := [rank for rank in ranks if rank not in found]:
            raise IndexError(f"there are {first} mappings, none has rank {missing[0]}")
        return [found[rank] for rank in ranks]


@dataclass(frozen=True)
class _Part:
    """The mappings of one space. ways[i]: those that lead to stage i, the last ones to the compute units."""

    space: Space
    sweep: Sweep
    stages: tuple[Stage, ...]
    ways: tuple[Ways, ...]
    _arriving: tuple[MappingABC[Key, tuple[Move, ...]], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        arriving = []
        for stage in self.stages:
            moves: dict[Key, list[Move]] = {}
            for move in sorted(stage.moves, key=lambda m: (m.factor, m.before)):
                moves.setdefault(move.after, []).append(move)
            arriving.append({key: tuple(found) for key, found in moves.items()})
        object.__setattr__(self, "_arriving", tuple(arriving))

    @cached_property
    def count(self) -> int:
        return self.sweep.totals(self.ways[-1])[0]

    def at_each(self, ranks: Sequence[int]) -> list[Mapping]:
        """The mappings with ranks from 0 to count - 1."""
        factors, orders = decisions_of(self.sweep, self.stages, self.ways, self._arriving, ranks)
        decided = zip(factors.T.tolist(), orders.T.tolist(), strict=True)
        return [Mapping(tuple(self._places(f, o)), self.space.bypass) for f, o in decided]

    def _places(self, factors: Sequence[int], orders: Sequence[int]) -> Iterator[tuple[str, tuple[Loop, ...]]]:
        for place, dims, decided, order in self._parts:
            rank = None if order is None else sum(orders[decided])
            yield place, _loops(dims, tuple(factors[decided]), order or (), rank)

    @cached_property
    def _parts(self) -> tuple[tuple[str, tuple[str, ...], slice, tuple[Order, ...] | None], ...]:
        """Per place its dimensions, which stages decide on them, and what constrains their order; None where it has no
        meaning."""
        levels = {level.name for level in self.space.accelerator.levels}
        found = []
        first = 0
        for place in self.space.accelerator.places:
            dims = tuple(stage.dim for stage in self.stages if stage.place == place)
            order = self.space.orders.get(place, ()) if place in levels else None
            found.append((place, dims, slice(first, first + len(dims)), order))
            first += len(dims)
        return tuple(found)


@lru_cache(maxsize=65536)
def _loops(
    dims: tuple[str, ...], factors: tuple[int, ...], orders: tuple[Order, ...], rank: int | None
) -> tuple[Loop, ...]:
    """The loops of one place in the order with a rank, in that of the dimensions without one."""
    here = {d: f for d, f in zip(dims, factors, strict=True) if f > 1}
    order = tuple(here) if rank is None else order_at(frozenset(here), orders, rank)
    return tuple(Loop(d, here[d]) for d in order)
