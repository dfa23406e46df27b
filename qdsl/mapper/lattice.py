"""Tile extents that a dimension can have at every level."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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


def plan_domains(
    space: Space, plan: Plan, pins: Pins, dims: Iterable[str], known: dict[Any, list[tuple[int, ...]]]
) -> Domains:
    """Extents reachable from the inside and completable to the full size, per dimension. known: columns of other plans."""
    columns = {}
    for d in dims:
        pinned = tuple((f, e) for (f, dim), e in pins.items() if dim == d)
        question = ("extents", d, tuple(f.get(d, 1) for f in plan.fanouts), pinned)
        if question not in known:
            known[question] = _column(space, plan, pins, d)
        columns[d] = known[question]
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
