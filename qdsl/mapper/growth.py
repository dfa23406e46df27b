"""How costs over tile extents go through the loops of a level: steps that run outwards (the least cost of every outer extent)
and, the other way round, inwards (the least cost to go from every inner extent).

Axis 0 of every array is the row of the batch, the others are the extents of its dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array, Ints


@dataclass(frozen=True)
class Growth:
    """Which inner extents of a dimension lead to which outer ones: `inner[j]` are the indices of those that lead to outer
    extent j, `outer[i]` the way back. grows: some factor is more than 1. covers: if every divisor may grow to every
    multiple, pairs (i, j) of neighbours in order: a running minimum along them does the same with fewer steps."""

    inner: tuple[tuple[int, ...], ...]
    outer: tuple[tuple[int, ...], ...]
    grows: bool
    covers: tuple[tuple[int, int], ...] | None

    @cached_property
    def identity(self) -> bool:
        """Whether nothing changes."""
        return len(self.inner) == len(self.outer) and all(t == (i,) for i, t in enumerate(self.inner))

    @cached_property
    def backward(self) -> Growth:
        """From outer to inner extents."""
        covers = tuple((j, i) for i, j in reversed(self.covers)) if self.covers is not None else None
        return Growth(self.outer, self.inner, self.grows, covers)

    @cached_property
    def table(self) -> tuple[Ints, Ints, tuple[int, ...]]:
        """For numpy: all inner indices in a row, where each j begins, which j have none. Those take any for the reduction,
        and are overwritten."""
        filled = [t or (0,) for t in self.inner]
        starts = np.cumsum([0, *(len(t) for t in filled[:-1])])
        flat = np.array([i for t in filled for i in t], dtype=np.int64)
        return flat, starts, tuple(j for j, t in enumerate(self.inner) if not t)

    @cached_property
    def fan(self) -> tuple[Ints, Ints, Ints]:
        """For single tiles: all outer indices in a row; per inner index where its own begin, and how many they are."""
        counts = np.array([len(t) for t in self.outer], dtype=np.int64)
        return np.array([j for t in self.outer for j in t], dtype=np.int64), np.cumsum(counts) - counts, counts


@lru_cache(maxsize=65536)
def growth(inner: tuple[int, ...], outer: tuple[int, ...], factors: tuple[int, ...]) -> Growth:
    """Growth from inner to outer extents by an allowed factor."""
    allowed = set(factors)
    table = tuple(tuple(i for i, a in enumerate(inner) if e % a == 0 and e // a in allowed) for e in outer)
    whole = inner == outer and all(_multiples(e, outer) == t for e, t in zip(outer, table, strict=True))
    return Growth(
        table,
        tuple(tuple(j for j, t in enumerate(table) if i in t) for i in range(len(inner))),
        any(inner[i] < e for e, t in zip(outer, table, strict=True) for i in t),
        _covers(outer) if whole else None,
    )


def _multiples(extent: int, extents: tuple[int, ...]) -> tuple[int, ...]:
    """Indices of the extents that divide one."""
    return tuple(i for i, a in enumerate(extents) if extent % a == 0)


def _covers(extents: tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """(i, j) where extent i divides j with none between, by ascending j."""
    out = []
    for j, e in enumerate(extents):
        below = [i for i in _multiples(e, extents) if i != j]
        out += [(i, j) for i in below if not any(k != i and extents[k] % extents[i] == 0 for k in below)]
    return tuple(out)


@dataclass(frozen=True, slots=True)
class Charge:
    """Costs that depend on the extents reached so far: float64[rows or 1, extents or 1...]."""

    costs: Array

    def outwards(self, costs: Array) -> Array:
        return costs + self.costs

    def inwards(self, costs: Array) -> Array:
        return costs + self.costs


@dataclass(frozen=True, slots=True)
class Grow:
    """Loops over the dimension of an axis."""

    axis: int
    table: Growth

    def outwards(self, costs: Array) -> Array:
        return _least(costs, self.axis, self.table)

    def inwards(self, costs: Array) -> Array:
        return _least(costs, self.axis, self.table.backward)


@dataclass(frozen=True, slots=True)
class Slide:
    """Loops over the dimension of an axis that cost something for every pair of extents: `costs` has the inner ones on the
    axis, the outer ones on an extra last axis."""

    axis: int
    table: Growth
    costs: Array

    def outwards(self, costs: Array) -> Array:
        source = np.moveaxis(costs, self.axis, 0)
        extra = np.moveaxis(self.costs, self.axis, 0)
        out = np.full((len(self.table.inner), *np.broadcast_shapes(source.shape[1:], extra.shape[1:-1])), np.inf)
        for j, inner in enumerate(self.table.inner):
            for i in inner:
                np.minimum(out[j], source[i] + extra[i, ..., j], out=out[j])
        return np.moveaxis(out, 0, self.axis)

    def inwards(self, costs: Array) -> Array:
        swapped = Slide(self.axis, self.table.backward, np.swapaxes(self.costs, self.axis, -1))
        return swapped.outwards(costs)


Step = Charge | Grow | Slide


def _least(costs: Array, axis: int, table: Growth) -> Array:
    """Least cost over the inner extents of one axis for every outer extent. costs: float64[..., inner, ...]."""
    if table.identity:
        return costs
    if table.covers is not None:
        result = costs.copy()
        lines = np.moveaxis(result, axis, 0)
        for i, j in table.covers:
            np.minimum(lines[j], lines[i], out=lines[j])
        return result
    flat, starts, empty = table.table
    out: Array = costs.take(flat, axis=axis)
    if len(flat) > len(starts):
        out = np.minimum.reduceat(out, starts, axis=axis)
    if empty:
        out[(slice(None),) * axis + (list(empty),)] = np.inf
    return out
