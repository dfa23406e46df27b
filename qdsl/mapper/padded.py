"""Imperfect factors, padded: the sizes that a mapping can pad a layer to, those first of which most can be hoped.

Padding a dimension to `n` is worth it only if all its loops do something: `n` is a multiple of some extent by the number of
times that it fits into the size, rounded up. Whatever the mapping, a padded layer has to do its operations and to move
its values once; sizes of which that alone is too much need not be searched, nor any larger ones.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from math import prod

import numpy as np

from qdsl.mapper.goal import Goal
from qdsl.mapper.objective import Costs
from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem, Tensor
from qdsl.symbolic.functions import ceil_div
from qdsl.symbolic.widths import fits_words, packing_at

_Key = tuple[float, ...]


def padded_sizes(size: int) -> tuple[int, ...]:
    """The sizes, ascending, that loops of which every iteration does something can pad a dimension to."""
    return tuple(sorted({e * int(ceil_div(size, e)) for e in range(1, size + 1)}))


def without_idle(problem: Problem, mapping: Mapping) -> Mapping:
    """The padded mapping without iterations that lie wholly past the sizes: if a loop has any, so has the outermost one."""
    seen: set[str] = set()
    inside = {d: mapping.covered(d) for d in problem.operator.dims}

    def trimmed(loop: Loop) -> Loop:
        if loop.dim in seen:
            return loop
        seen.add(loop.dim)
        return replace(loop, factor=int(ceil_div(problem.size(loop.dim), inside[loop.dim] // loop.factor)))

    places = []
    for place, loops in mapping.places:
        kept = [trimmed(loop) if loop.factor > 1 else loop for loop in loops]
        places.append((place, tuple(loop for loop in kept if loop.factor > 1)))
    found = replace(mapping, places=tuple(places))
    padded = any(found.covered(d) != problem.size(d) for d in problem.operator.dims)
    return replace(found, imperfect="padded" if padded else "")


def padded_problems(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], goal: Goal
) -> Iterator[tuple[Problem, Costs]]:
    """The problem itself and all padded ones that can add to what the goal knows, which may change in between, with bounds of
    their costs."""
    if not fits_words(accelerator, problem, bits):
        return
    bound = _Bound(accelerator, bits)
    sizes = [padded_sizes(n) for n in problem.sizes]
    waiting: list[tuple[_Key, tuple[int, ...]]] = []

    def wait(at: tuple[int, ...]) -> None:
        padded = problem.padded(tuple(s[i] for s, i in zip(sizes, at, strict=True)))
        heappush(waiting, (tuple(float(k[0]) for k in goal.keys(bound.costs(padded))), at))

    wait((0,) * len(sizes))
    while waiting:
        _, at = heappop(waiting)
        padded = problem.padded(tuple(s[i] for s, i in zip(sizes, at, strict=True)))
        costs = bound.costs(padded)
        if not goal.promising(costs).any():
            continue
        yield padded, costs
        # each choice of sizes from exactly one other: by the next size of its last padded dimension, or of one after it
        last = max((k for k, i in enumerate(at) if i), default=0)
        for k in range(last, len(at)):
            if at[k] + 1 < len(sizes[k]):
                wait((*at[:k], at[k] + 1, *at[k + 1 :]))


@dataclass(frozen=True)
class _Bound:
    """What every mapping of a problem costs at the least, by what does not depend on the mapping. It grows with the sizes."""

    accelerator: Accelerator
    bits: MappingABC[str, int]

    def costs(self, problem: Problem) -> Costs:
        compute = self.accelerator.compute
        each = compute.cycles_per_operation(problem, self.bits) / self.accelerator.compute_instances
        cycles = float(ceil_div(problem.operations * each.numerator, each.denominator))
        energy_pj = problem.operations * compute.operation_pj(problem, self.bits) + self.accelerator.leakage_pj * cycles
        accesses = 0.0
        for tensor in problem.operator.tensors:
            words = self._words(problem, tensor, 0) * problem.values(tensor)
            accesses += words
            energy_pj += self._innermost_pj(problem, tensor)
            if self._fixed(tensor)[-1] != 0:
                energy_pj += self._access_pj(tensor, 0) * words
        return Costs(*(np.array([x], dtype=float) for x in (energy_pj, cycles, accesses)))

    def _innermost_pj(self, problem: Problem, tensor: Tensor) -> float:
        """Of the words that the level next to the compute units serves, shared by as many of these as it can be. That may
        be any optional one inside the last that must keep the tensor."""
        hierarchy = self.accelerator.hierarchy
        found = []
        for item in range(self._fixed(tensor)[-1], len(hierarchy)):
            level = hierarchy[item]
            if isinstance(level, StorageLevel) and (level.keeps(tensor.name) or tensor.name in level.optional):
                shared = prod(f.x * f.y for f in hierarchy[item:] if isinstance(f, FanOut))
                words = self._words(problem, tensor, item) * problem.operations / shared
                found.append(self._access_pj(tensor, item) * words)
        return min(found)

    def _fixed(self, tensor: Tensor) -> list[int]:
        """Items of the levels that must keep a tensor, outermost first."""
        hierarchy = self.accelerator.hierarchy
        return [i for i, x in enumerate(hierarchy) if isinstance(x, StorageLevel) and x.keeps(tensor.name)]

    def _words(self, problem: Problem, tensor: Tensor, item: int) -> float:
        """Words of one value, where nothing is rounded up."""
        packing = packing_at(self._level(item), tensor.name, problem, self.bits)
        return float(packing.bits / packing.per)

    def _access_pj(self, tensor: Tensor, item: int) -> float:
        """Of one word."""
        level = self._level(item)
        return (level.energy.update_pj if tensor.is_output else level.energy.read_pj) / level.block_words

    def _level(self, item: int) -> StorageLevel:
        part = self.accelerator.hierarchy[item]
        assert isinstance(part, StorageLevel)
        return part
