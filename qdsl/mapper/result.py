"""What a mapper answers. The words of `status` have MiniZinc's exact meaning."""

from __future__ import annotations

from dataclasses import dataclass

from qdsl.mapper.objective import Objective, Quantity
from qdsl.model.accelerator import Bypass
from qdsl.model.mapping import Mapping
from qdsl.symbolic.result import Evaluation


@dataclass(frozen=True, slots=True)
class Optimum:
    """The least energy of one problem at one assignment of bit-widths, or that of its best mapping, without the mapping.

    status: 'optimal' (energy_pj is the proven minimum), 'feasible' (there were too many mappings to compare) or 'infeasible'
    (no legal mapping exists; energy_pj is inf).
    spatial: the spatial factors of the best mapping, by which the mapping itself is recovered cheaply:
    (place group, dimension, factor) with factors > 1; bypass: what its levels do not keep though they may. cycles: where they
    were asked for.
    """

    status: str
    energy_pj: float
    spatial: tuple[tuple[str, str, int], ...] = ()
    bypass: Bypass = frozenset()
    cycles: int | None = None


@dataclass(frozen=True, slots=True)
class MapResult:
    """status: 'optimal' (proven), 'feasible' (a limit stopped the proof), 'infeasible', 'unknown' (a limit came first).

    value, lower_bound: of the first quantity of the objective, in its unit; no legal mapping is below the bound, which
    equals the value when optimal; None when infeasible. lower_bound_pj: the bound when the objective is energy, else None.
    plans: choices of all spatial factors; searched: those that were searched, the others are excluded by their bound unless
    a limit stopped the proof. perfect: of a search in imperfect factors, the value of the best mapping without any.
    history: of a mapper without a proof (seconds, mappings looked at, value) of each that was the best so far, and at the end.
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
    perfect: float | None = None
    history: tuple[tuple[float, int, float], ...] = ()

    @property
    def energy_pj(self) -> float | None:
        return None if self.evaluation is None else self.evaluation.energy_pj

    @property
    def lower_bound_pj(self) -> float | None:
        return self.lower_bound if self.objective == Objective.ENERGY else None


@dataclass(frozen=True, slots=True)
class FrontResult:
    """status: 'optimal' (no legal mapping beats one of the points in energy or cycles without needing more of the other),
    'feasible' (a limit stopped the proof), 'infeasible' or 'unknown'.

    points: by ascending cycles and descending energy. left: (cycles, energy in pJ) that bound what was not searched.
    plans, searched: see MapResult.
    """

    status: str
    points: tuple[tuple[Mapping, Evaluation], ...]
    left: tuple[tuple[float, float], ...]
    seconds: float
    plans: int = 0
    searched: int = 0

    @property
    def answers(self) -> tuple[MapResult, ...]:
        """Every point as the answer to the question it answers: the least energy within its cycles."""
        return tuple(self._answer(mapping, found) for mapping, found in self.points)

    def _answer(self, mapping: Mapping, found: Evaluation) -> MapResult:
        objective = Objective((Quantity.ENERGY,), found.cycles)
        left = min((pj for cycles, pj in self.left if cycles <= found.cycles), default=found.energy_pj)
        bound = min(left, found.energy_pj)
        status = "optimal" if bound == found.energy_pj else "feasible"
        return MapResult(
            status, mapping, found, self.seconds, objective, found.energy_pj, bound, self.plans, self.searched
        )
