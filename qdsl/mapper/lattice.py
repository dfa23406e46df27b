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


@lru_cache(maxsize=65536)
def growth(inner: tuple[int, ...], outer: tuple[int, ...], factors: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """For every outer extent the indices of inner extents from which an allowed factor leads to it."""
    allowed = set(factors)
    return tuple(tuple(i for i, a in enumerate(inner) if e % a == 0 and e // a in allowed) for e in outer)


def grow(costs: Array, axis: int, table: tuple[tuple[int, ...], ...]) -> Array:
    """Least cost over the inner extents of one axis for every outer extent. costs: float64[..., inner, ...]."""
    import numpy as np

    if len(table) == costs.shape[axis] and all(t == (i,) for i, t in enumerate(table)):
        return costs
    source = np.moveaxis(costs, axis, 0)
    out = np.full((len(table), *source.shape[1:]), np.inf)
    for j, inner in enumerate(table):
        if len(inner) == 1:
            out[j] = source[inner[0]]
        elif inner:
            np.min(source[list(inner)], axis=0, out=out[j])
    return np.moveaxis(out, 0, axis)
