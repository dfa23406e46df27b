"""Energy of the chosen design by layer, level and tensor."""

from __future__ import annotations

from dataclasses import dataclass

from qdsl.report.layers import COMPUTE, LEAKAGE, energy_by_level
from qdsl.report.quantities import Unit
from qdsl.study.result import PointDetail, StudyRun


@dataclass(frozen=True, slots=True)
class Cell:
    """Energy in pJ of one layer at one level; parts: (role of tensor, pJ)."""

    energy_pj: float
    parts: tuple[tuple[str, float], ...]

    def title(self, unit: Unit) -> str:
        return ", ".join(f"{role} {unit.text(pj)}" for role, pj in self.parts) or "nothing"


@dataclass(frozen=True, slots=True)
class Cube:
    """levels: outermost first, then hops, compute units and leakage; rows: (layer, its cells)."""

    levels: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


def cube(run: StudyRun) -> Cube | None:
    """None if the mappings were not recovered."""
    chosen = run.detail("chosen")
    if chosen is None:
        return None
    found = [
        (x.name, energy_by_level(run.study.network, PointDetail(chosen.roles, chosen.point, (x,))))
        for x in chosen.layers
    ]
    levels = tuple(dict.fromkeys(name for _, parts in found for name in parts if name != LEAKAGE))
    levels += (LEAKAGE,) if any(LEAKAGE in parts for _, parts in found) else ()
    return Cube(levels, tuple((name, tuple(_cell(parts.get(level, {})) for level in levels)) for name, parts in found))


def _cell(parts: dict[str, float]) -> Cell:
    shown = tuple((role, pj) for role, pj in parts.items() if role not in (COMPUTE, LEAKAGE))
    return Cell(sum(parts.values()), shown)
