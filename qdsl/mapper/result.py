"""What a mapper answers. The words of `status` have MiniZinc's exact meaning."""

from __future__ import annotations

from dataclasses import dataclass

from qdsl.model.mapping import Mapping
from qdsl.symbolic.result import Evaluation


@dataclass(frozen=True, slots=True)
class Optimum:
    """The least energy of one problem at one assignment of bit-widths, without its mapping.

    status: 'optimal' (energy_pj is the proven minimum) or 'infeasible' (no legal mapping exists; energy_pj is inf).
    spatial: the spatial factors of the best mapping, by which the mapping itself is recovered cheaply:
    (place group, dimension, factor) with factors > 1.
    """

    status: str
    energy_pj: float
    spatial: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class MapResult:
    """status: 'optimal' (proven), 'feasible' (a limit stopped the proof), 'infeasible', 'unknown' (a limit came first).

    lower_bound_pj: no legal mapping needs less; equals energy_pj when optimal; None when infeasible.
    """

    status: str
    mapping: Mapping | None
    evaluation: Evaluation | None
    energy_pj: float | None
    lower_bound_pj: float | None
    seconds: float
