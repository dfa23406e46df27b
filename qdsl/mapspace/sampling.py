"""The legal mappings of a layer as a sequence: every one has a rank, so they can be listed, and drawn without rejection.

The counts say how many mappings each choice leaves. Going outwards from the compute units, a rank therefore selects
the choice whose share of the mappings it lies in, and what is left of it goes on selecting further out.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

from qdsl.mapspace.loop_orders import order_at
from qdsl.mapspace.narrowing import countable_spaces
from qdsl.mapspace.space import Space
from qdsl.mapspace.stages import START, Key, Move, Stage, sections_of
from qdsl.mapspace.sweep import Sweep, Ways
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem

# A decision: (place, dimension, factor, rank of the level's loop order where the decision completes a level, else 0).
Decision = tuple[str, str, int, int]


def legal_mappings(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint] = ()
) -> LegalMappings:
    """The mappings that `count_mappings` counts. Raises SpecError (Q0710) as it does."""
    parts = []
    for space in countable_spaces(accelerator, problem, bits, constraints):
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
        return chain.from_iterable(self.parts)

    def sample(self, seed: int) -> Iterator[Mapping]:
        """Uniform draws without end; nothing if there is no mapping."""
        source = random.Random(seed)
        count = self.count
        while count:
            yield self.at(source.randrange(count))

    def at(self, rank: int) -> Mapping:
        """The mapping with a rank from 0 to count - 1. Raises IndexError for others."""
        left = rank
        for part in self.parts if rank >= 0 else ():
            if left < part.count:
                return part.at(left)
            left -= part.count
        raise IndexError(f"there are {self.count} mappings, none has rank {rank}")


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

    def __iter__(self) -> Iterator[Mapping]:
        if self.count:
            yield from map(self._mapping, self._outwards(len(self.stages), START, self._inmost))

    def at(self, rank: int) -> Mapping:
        """The mapping with a rank from 0 to count - 1."""
        decisions: tuple[Decision, ...] = ()
        key, index = START, self._inmost
        for stage in reversed(range(len(self.stages))):
            for move, outside, ways in self._choices(stage, key, index):
                share = ways * move.weight
                if rank < share:
                    rank, order = divmod(rank, move.weight)
                    decisions = (*decisions, self._decision(stage, move, order))
                    key, index = move.before, outside
                    break
                rank -= share
        return self._mapping(decisions)

    @property
    def _inmost(self) -> tuple[int, ...]:
        return (0,) * len(self.sweep.lattice.axes)

    def _choices(self, stage: int, key: Key, index: tuple[int, ...]) -> Iterator[tuple[Move, tuple[int, ...], int]]:
        """The moves of a stage that lead to a key and extents, with the extents before and the ways to be there."""
        for move in self._arriving[stage].get(key, ()):
            outside = self.sweep.lattice.multiplied(index, self.stages[stage].dim, move.factor)
            if outside is not None:
                ways = self.sweep.number(self.ways[stage][move.before], 0, outside)
                if ways:
                    yield move, outside, ways

    def _outwards(self, decided: int, key: Key, index: tuple[int, ...]) -> Iterator[tuple[Decision, ...]]:
        """The decisions of the first `decided` stages that lead to a key and extents, innermost first, by rank."""
        if decided == 0:
            yield ()
            return
        stage = decided - 1
        for move, outside, _ in self._choices(stage, key, index):
            for decisions in self._outwards(stage, move.before, outside):
                for order in range(move.weight):
                    yield (self._decision(stage, move, order), *decisions)

    def _decision(self, stage: int, move: Move, order: int) -> Decision:
        return self.stages[stage].place, self.stages[stage].dim, move.factor, order

    def _mapping(self, decisions: Iterable[Decision]) -> Mapping:
        factors: dict[str, dict[str, int]] = {}
        ranks: dict[str, int] = {}
        for place, dim, factor, order in decisions:
            ranks[place] = ranks.get(place, 0) + order
            if factor > 1:
                factors.setdefault(place, {})[dim] = factor
        places = []
        for place in self.space.accelerator.places:
            here = factors.get(place, {})
            dims = tuple(d for d in self.space.problem.operator.dims if d in here)
            if place in self._levels:
                dims = order_at(frozenset(here), self.space.orders.get(place, ()), ranks.get(place, 0))
            places.append((place, tuple(Loop(d, here[d]) for d in dims)))
        return Mapping(tuple(places), self.space.bypass)

    @property
    def _levels(self) -> frozenset[str]:
        return frozenset(level.name for level in self.space.accelerator.levels)
