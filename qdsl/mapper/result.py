"""What a mapper answers. The words of `status` have MiniZinc's exact meaning."""

from __future__ import annotations

from dataclasses import dataclass

from qdsl.mapper.objective import Objective
from qdsl.model.accelerator import Bypass
from qdsl.model.mapping import Mapping
from qdsl.symbolic.result import Evaluation


@dataclass(frozen=True, slots=True)
class Optimum:
    """The least energy of one problem at one assignment of bit-widths, without its mapping.

    status: 'optimal' (energy_pj is the proven minimum), 'feasible' (a bandwidth stretches the mapping found, so that its
    leakage may not be the least) or 'infeasible' (no legal mapping exists; energy_pj is inf).
    spatial: the spatial factors of the best mapping, by which the mapping itself is recovered cheaply:
    (place group, dimension, factor) with factors > 1; bypass: what its levels do not keep though they may.
    """

    status: str
    energy_pj: float
    spatial: tuple[tuple[str, str, int], ...] = ()
    bypass: Bypass = frozenset()


@dataclass(frozen=True, slots=True)
class MapResult:
    """status: 'optimal' (proven), 'feasible' (a limit stopped the proof), 'infeasible', 'unknown' (a limit came first).

    value, lower_bound: of the objective, in its unit; no legal mapping is below the bound, which equals the value when
    optimal; None when infeasible. lower_bound_pj: the bound when the objective is energy, else None. plans: choices of all
    spatial factors; searched: those that were searched, the others are excluded by their bound unless a limit stopped the
    proof. history: of a mapper without proof (seconds, mappings evaluated, value) of each that was
    the best so far, and at the end.
    """

    status: str
    mapping: Mapping | None
    evaluation: Evaluation | None
    seconds: float
    objective: Objective = Objective.ENERGY
    value: float | None = None
    lower_bound: float | None = None
    plans: int = 0
    searched: int = 0
    history: tuple[tuple[float, int, float], ...] = ()

    @property
    def energy_pj(self) -> float | None:
        return None if self.evaluation is None else self.evaluation.energy_pj

    @property
    def lower_bound_pj(self) -> float | None:
        return self.lower_bound if self.objective is Objective.ENERGY else None
