"""How many legal mappings a layer has: exact, by dynamic programming over the lattice of tile extents.

Going inwards from the backing store, an array holds for every combination of tile extents in how many ways the decisions
so far lead there. A decision shifts it (`lattice`, `stages`), a memory's capacity sets elements to zero. Counts are of
any size: an array has a leading axis of digits, in a base that leaves room in int64 for the sums between two carries.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from math import comb, prod
from typing import TYPE_CHECKING, Any

from qdsl.mapspace.lattice import Lattice, prime_exponents
from qdsl.mapspace.space import Space, divisors_of, layer_space
from qdsl.mapspace.stages import START, Key, Section, Stage, sections_of
from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.constraint import Constraint
from qdsl.model.operator import Problem
from qdsl.symbolic.traffic import values_per_word

if TYPE_CHECKING:
    from qdsl.mapspace.lattice import Ints

# Key -> int64[digit, class of packings, extents...]
Ways = dict[Key, "Ints"]

# Sums before a carry stay below 2^62; that leaves as much again for the carry and for a difference.
_SUM_BITS = 62


@dataclass(frozen=True, slots=True)
class Counts:
    """factor_placements: choices of factors for all places (X and Y are two) that some legal loop order goes with.

    mappings: these times the legal orders of each level's loops of more than one iteration; the order of spatial loops has
    no meaning and is not counted. Orders of equal cost count separately. What a level keeps is the accelerator's, no
    choice.
    """

    factor_placements: int
    mappings: int


def count_mappings(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint] = ()
) -> Counts:
    """The legal mappings in perfect factors at given widths.

    Raises SpecError (Q0710) for a formula that couples more than spatial factors.
    """
    return count_batch(accelerator, problem, [bits], constraints)[0]


def count_batch(
    accelerator: Accelerator,
    problem: Problem,
    bits_list: Sequence[MappingABC[str, int]],
    constraints: Iterable[Constraint] = (),
) -> tuple[Counts, ...]:
    """The counts for every bit-width assignment. Assignments share the work as far inwards as their tiles need equally
    many words; those of equal packing share all of it. Raises as `count_mappings`."""
    constraints = tuple(constraints)
    spaces: dict[str, Space] = {}
    groups: dict[str, list[int]] = {}
    for i, bits in enumerate(bits_list):
        space = layer_space(accelerator, problem, bits, constraints)
        key = repr((sorted(space.factors.items()), sorted(space.tiles.items()), space.orders, space.spatial))
        spaces.setdefault(key, space)
        if fits_words(accelerator, problem, bits):
            groups.setdefault(key, []).append(i)
    counts = [Counts(0, 0)] * len(bits_list)
    for key, members in groups.items():
        for i, found in zip(members, _count_space(spaces[key], [bits_list[i] for i in members]), strict=True):
            counts[i] = found
    return tuple(counts)


def fits_words(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> bool:
    """Whether a value of each tensor fits a word of every level that keeps it."""
    tensors = problem.operator.tensors
    return all(bits[t.name] <= x.word_bits for x in accelerator.levels for t in tensors if x.keeps(t.name))


def _count_space(space: Space, bits_list: Sequence[MappingABC[str, int]]) -> list[Counts]:
    with_orders = sections_of(space, ordered=True)
    if with_orders is None:
        return [Counts(0, 0)] * len(bits_list)
    mappings = _totals(space, with_orders, bits_list)
    placements = mappings
    if any(stage.heaviest > 1 for section in with_orders for stage in section.stages):
        without = sections_of(space, ordered=False)
        assert without is not None
        placements = _totals(space, without, bits_list)
    return [Counts(p, m) for p, m in zip(placements, mappings, strict=True)]


def _totals(space: Space, sections: Sequence[Section], bits_list: Sequence[MappingABC[str, int]]) -> list[int]:
    sweep = Sweep(space, sections, bits_list)
    *_, (_, last) = sweep.run()
    return sweep.totals(last)


class Sweep:
    """The dynamic program of one space for several bit-width assignments."""

    def __init__(self, space: Space, sections: Sequence[Section], bits_list: Sequence[MappingABC[str, int]]) -> None:
        self.space = space
        self.sections = sections
        self.bits_list = bits_list
        self.lattice = Lattice(space.problem)
        self.member = [0] * len(bits_list)
        """Per assignment its class: the index on axis 1 of the arrays; refined at every level whose capacity tells
        assignments apart."""
        stages = [stage for section in sections for stage in section.stages]
        self.base_bits = _SUM_BITS - max((_most_summed(s) for s in stages), default=1).bit_length()
        self.digits = -(-_most_ways(space.problem, stages).bit_length() // self.base_bits)

    def run(self) -> Iterator[tuple[Stage | None, Ways]]:
        """The ways that lead to every decision, within the capacities that hold there; at last (None, ways to the end)."""
        import numpy as np

        start = np.zeros((self.digits, 1, *self.lattice.shape), dtype=np.int64)
        start[0, 0, ...][self.lattice.whole] = 1
        ways = {START: start}
        for section in self.sections:
            part = self.space.accelerator.hierarchy[section.item]
            if isinstance(part, StorageLevel):
                ways = self._fitting(ways, part)
            for stage in section.stages:
                yield stage, ways
                ways = self._decided(ways, stage)
        yield None, ways

    def totals(self, last: Ways) -> list[int]:
        """Per assignment the number of ways to the extents 1 of the compute units."""
        if START not in last:
            return [0] * len(self.bits_list)
        return [self.number(last[START], m, (0,) * len(self.lattice.shape)) for m in self.member]

    def number(self, ways: Ints, member: int, index: tuple[int, ...]) -> int:
        """One element as a number of any size."""
        return sum(int(ways[i, member][index]) << self.base_bits * i for i in range(self.digits))

    def _decided(self, ways: Ways, stage: Stage) -> Ways:
        import numpy as np

        after: Ways = {}
        every = divisors_of(self.space.problem.size(stage.dim))
        alike: dict[tuple[Key, Key, int], list[int]] = {}
        for move in stage.moves:
            alike.setdefault((move.before, move.after, move.weight), []).append(move.factor)
        for (before, key, weight), factors in alike.items():
            inside = ways[before]
            out = after.setdefault(key, np.zeros_like(inside))
            if set(factors).issuperset(every[1:]):
                # all factors at once
                out += weight * self.lattice.multiples_summed(inside, stage.dim)
                if 1 not in factors:
                    out -= weight * inside
                continue
            for factor in factors:
                source, target = self.lattice.shift(stage.dim, factor)
                out[:, :, *target] += weight * inside[:, :, *source]
        for digits in after.values() if self.digits > 1 else ():
            for i in range(self.digits - 1):
                digits[i + 1] += digits[i] >> self.base_bits
                digits[i] &= (1 << self.base_bits) - 1
        return after

    def _fitting(self, ways: Ways, level: StorageLevel) -> Ways:
        """Without the extents whose tiles do not fit a level or that a constraint excludes."""
        import numpy as np

        tiles = [self.lattice.allowed(d, e) for (name, d), e in self.space.tiles.items() if name == level.name]
        allowed: Any = True
        for tile in tiles:
            allowed = allowed & tile
        if level.size_words is None:
            return {key: np.where(allowed, array, 0) for key, array in ways.items()} if tiles else ways
        kept = [t for t in self.space.problem.operator.tensors if level.keeps(t.name)]
        packings = [
            (member, tuple(values_per_word(level, bits[t.name]) for t in kept))
            for member, bits in zip(self.member, self.bits_list, strict=True)
        ]
        classes = sorted(set(packings))
        self.member = [classes.index(x) for x in packings]
        fits = [
            np.broadcast_to(
                allowed
                & (sum(self.lattice.words(t, n) for t, n in zip(kept, per_word, strict=True)) <= level.size_words),
                self.lattice.shape,
            )
            for _, per_word in classes
        ]
        parents = [parent for parent, _ in classes]
        return {key: np.where(np.stack(fits), array[:, parents], 0) for key, array in ways.items()}


def _most_summed(stage: Stage) -> int:
    """An upper bound on how many elements, by weight, one decision adds up to one."""
    sums: Counter[Key] = Counter()
    for move in stage.moves:
        sums[move.after] += move.weight
    return max(sums.values(), default=1)


def _most_ways(problem: Problem, stages: Sequence[Stage]) -> int:
    """An upper bound on every count on the way: all factorisations, times the most orders of every level."""
    places = Counter(stage.dim for stage in stages)
    factorisations = (
        comb(exponent + places[d] - 1, exponent)
        for d, size in zip(problem.operator.dims, problem.sizes, strict=True)
        for _, exponent in (prime_exponents(size) if places[d] else ())
    )
    return prod(factorisations) * prod(stage.heaviest for stage in stages)
