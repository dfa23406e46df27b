"""The dynamic program that counts mappings: ways to every decision, over the lattice of tile extents.

Going inwards from the backing store, an array holds for every combination of tile extents in how many ways the decisions
so far lead there. A decision shifts it (`lattice`, `stages`), a memory's capacity sets elements to zero. Counts are of
any size: an array has a leading axis of digits, in a base that leaves room in int64 for the sums between two carries.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import replace
from math import comb, inf, prod
from typing import TYPE_CHECKING, Any

from qdsl.mapspace.lattice import lattice_of, prime_exponents
from qdsl.mapspace.masks import tiles_allowed
from qdsl.mapspace.space import Space, divisors_of
from qdsl.mapspace.stages import START, Key, Section, Stage
from qdsl.model.accelerator import StorageLevel
from qdsl.model.operator import Problem
from qdsl.symbolic.widths import packing_at

if TYPE_CHECKING:
    from qdsl.mapspace.lattice import Ints

# Key -> int64[digit, class of packings, extents...]
Ways = dict[Key, "Ints"]

# Sums before a carry stay below 2^62; that leaves as much again for the carry and for a difference.
_SUM_BITS = 62


class TimeUp(Exception):
    """The deadline of a count has passed."""


class Sweep:
    """The dynamic program of one space for several bit-width assignments."""

    def __init__(self, space: Space, sections: Sequence[Section], bits_list: Sequence[MappingABC[str, int]]) -> None:
        self.space = space
        self.sections = sections
        self.bits_list = bits_list
        self.lattice = lattice_of(space.problem)
        self.member = [0] * len(bits_list)
        """Per assignment its class: the index on axis 1 of the arrays; refined at every level whose capacity tells
        assignments apart."""
        stages = [stage for section in sections for stage in section.stages]
        self.base_bits = _SUM_BITS - max((_most_summed(s) for s in stages), default=1).bit_length()
        self.digits = -(-_most_ways(space.problem, stages).bit_length() // self.base_bits)

    def run(self, deadline: float = inf) -> Iterator[tuple[Stage | None, Ways]]:
        """The ways that lead to every decision, within the capacities that hold there; at last (None, ways to the end).

        Raises TimeUp at the first decision after the deadline, in seconds of `time.perf_counter`.
        """
        import numpy as np

        start = np.zeros((self.digits, 1, *self.lattice.shape), dtype=np.int64)
        start[0, 0, ...][self.lattice.whole] = 1
        ways = {START: start}
        for section in self.sections:
            part = self.space.accelerator.hierarchy[section.item]
            if isinstance(part, StorageLevel):
                ways = self._fitting(ways, part)
            for stage in section.stages:
                if time.perf_counter() > deadline:
                    raise TimeUp
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
        summed: Ways = {}
        every = divisors_of(self.space.problem.size(stage.dim))
        alike: dict[tuple[Key, Key, int], list[int]] = {}
        for move in stage.moves:
            alike.setdefault((move.before, move.after, move.weight), []).append(move.factor)
        for (before, key, weight), factors in alike.items():
            inside = ways[before]
            out = after.setdefault(key, np.zeros_like(inside))
            if set(factors).issuperset(every[1:]):
                # all factors at once
                if before not in summed:
                    summed[before] = self.lattice.multiples_summed(inside, stage.dim)
                out += weight * summed[before]
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
        formulas = self.space.levels.get(level.name, ())
        if not level.all_partitions and not formulas:
            return {key: np.where(allowed, array, 0) for key, array in ways.items()} if tiles else ways
        problem = self.space.problem
        kept = [t for t in problem.operator.tensors if level.keeps(t.name)]
        # widths that fill words alike are of one class
        packings = [
            (member, tuple(replace(packing_at(level, t.name, problem, bits), stored=0) for t in kept))
            for member, bits in zip(self.member, self.bits_list, strict=True)
        ]
        classes = list(dict.fromkeys(packings))
        self.member = [classes.index(x) for x in packings]
        fits = []
        for _, found in classes:
            words = {
                t.name: level.copies(t.name) * p.words(self.lattice.values[t.name])
                for t, p in zip(kept, found, strict=True)
            }
            legal = allowed & tiles_allowed(formulas, level, self.lattice.extents, words)
            for partition in level.all_partitions:
                needed = sum(n for t, n in words.items() if level.serves(partition, t))
                legal = legal & (needed <= partition.size_words)
            fits.append(np.broadcast_to(legal, self.lattice.shape))
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
