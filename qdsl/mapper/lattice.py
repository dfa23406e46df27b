"""Tile extents that a dimension can have at every level, and how they grow from one level to the next."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from qdsl.mapper.plans import Plan
from qdsl.mapspace.space import Space
from qdsl.model.accelerator import FanOut

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Fits = npt.NDArray[np.bool_]

# (item of the hierarchy, dimension) -> the one extent allowed inside that fan-out
Pins = MappingABC[tuple[int, str], int]


@dataclass(frozen=True)
class Domains:
    """extents[i][d]: ascending extents that dimension d can have in the tile at item i on some complete mapping of the
    plan; index len(hierarchy) is the compute units (extent 1). Empty if the plan admits no mapping."""

    extents: tuple[MappingABC[str, tuple[int, ...]], ...]

    @property
    def empty(self) -> bool:
        return any(not e for node in self.extents for e in node.values())


def plan_domains(space: Space, plan: Plan, pins: Pins, dims: Iterable[str]) -> Domains:
    """Extents reachable from the inside and completable to the full size, per dimension."""
    columns = {d: _column(space, plan, pins, d) for d in dims}
    count = len(space.accelerator.hierarchy) + 1
    return Domains(tuple({d: column[i] for d, column in columns.items()} for i in range(count)))


def _column(space: Space, plan: Plan, pins: Pins, dim: str) -> list[tuple[int, ...]]:
    hierarchy = space.accelerator.hierarchy
    size = space.problem.size(dim)
    reached: list[set[int]] = [set() for _ in range(len(hierarchy) + 1)]
    reached[-1] = {1}
    for item in reversed(range(len(hierarchy))):
        part = hierarchy[item]
        inside = reached[item + 1]
        if isinstance(part, FanOut):
            if (item, dim) in pins:
                inside &= {pins[item, dim]}
            reached[item] = {e * plan.fanouts[item].get(dim, 1) for e in inside}
        else:
            grown = {e * f for e in inside for f in space.factors[part.name, dim]}
            allowed = space.tiles.get((part.name, dim))
            reached[item] = {e for e in grown if allowed is None or e in allowed}
        reached[item] = {e for e in reached[item] if size % (e * plan.above(item, dim)) == 0}
    reached[0] &= {size}
    for item, part in enumerate(hierarchy):
        if isinstance(part, FanOut):
            factor = plan.fanouts[item].get(dim, 1)
            reached[item + 1] = {e for e in reached[item + 1] if e * factor in reached[item]}
        else:
            factors = space.factors[part.name, dim]
            reached[item + 1] = {e for e in reached[item + 1] if any(e * f in reached[item] for f in factors)}
    return [tuple(sorted(r)) for r in reached]


@dataclass(frozen=True)
class Growth:
    """Which inner extents of a dimension lead to which outer ones: `inner[j]` are the indices, of `inner_count`, of those
    that lead to outer extent j. identity: nothing changes; grows: some factor is more than 1. covers: if every divisor may
    grow to every multiple, pairs (i, j) of neighbours in order: a running minimum along them does the same with fewer steps.
    The rest is the table for numpy: all of them in a row, where each j begins, which j have none."""

    inner: tuple[tuple[int, ...], ...]
    inner_count: int
    identity: bool
    grows: bool
    covers: tuple[tuple[int, int], ...] | None
    flat: Ints
    starts: Ints
    empty: tuple[int, ...]


@lru_cache(maxsize=65536)
def growth(inner: tuple[int, ...], outer: tuple[int, ...], factors: tuple[int, ...]) -> Growth:
    """Growth from inner to outer extents by an allowed factor."""
    import numpy as np

    allowed = set(factors)
    table = tuple(tuple(i for i, a in enumerate(inner) if e % a == 0 and e // a in allowed) for e in outer)
    # an outer extent without an inner one takes any for the reduction, and is overwritten
    filled = [t or (0,) for t in table]
    return Growth(
        table,
        len(inner),
        len(inner) == len(table) and all(t == (i,) for i, t in enumerate(table)),
        any(inner[i] < e for e, t in zip(outer, table, strict=True) for i in t),
        _covers(outer)
        if inner == outer and all(_multiples(e, outer) == t for e, t in zip(outer, table, strict=True))
        else None,
        np.array([i for t in filled for i in t], dtype=np.int64),
        np.cumsum([0, *(len(t) for t in filled[:-1])]),
        tuple(j for j, t in enumerate(table) if not t),
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


def grow(costs: Array, axis: int, table: Growth) -> Array:
    """Least cost over the inner extents of one axis for every outer extent. costs: float64[..., inner, ...]."""
    import numpy as np

    if table.identity:
        return costs
    if table.covers is not None:
        result = costs.copy()
        lines = np.moveaxis(result, axis, 0) if axis else result
        for i, j in table.covers:
            np.minimum(lines[j], lines[i], out=lines[j])
        return result
    out: Array = costs.take(table.flat, axis=axis)
    if len(table.flat) > len(table.starts):
        out = np.minimum.reduceat(out, table.starts, axis=axis)
    if table.empty:
        out[(slice(None),) * axis + (list(table.empty),)] = np.inf
    return out
