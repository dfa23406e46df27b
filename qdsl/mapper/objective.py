"""What a mapper minimises. With the spatial plan fixed the cycles of the compute units are too, so every objective is exact
per plan as long as no bandwidth adds to them."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from qdsl.symbolic.result import Evaluation

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array


# Costs are sums of a few hundred float64 terms; two that differ by less are the same number.
RELATIVE_TOLERANCE = 1e-9


class Objective(StrEnum):
    """energy: pJ; latency: cycles, then energy; edp: energy-delay product, pJ x cycles."""

    ENERGY = "energy"
    LATENCY = "latency"
    EDP = "edp"

    @property
    def unit(self) -> str:
        return {"energy": "pJ", "latency": "cycles", "edp": "pJ*cycles"}[self]


def scores(objective: Objective, energies_pj: Array, cycles: Array) -> Array:
    """float64[2, assignments]: what is compared first and, where that is equal, second. inf where there is no mapping."""
    import numpy as np

    first = {
        Objective.ENERGY: energies_pj,
        Objective.LATENCY: np.where(np.isfinite(energies_pj), cycles, np.inf),
        Objective.EDP: energies_pj * cycles,
    }[objective]
    return np.stack([first, energies_pj])


def less(a: Array, b: Array) -> Array:
    """bool[assignments]: whether the scores a are below b."""
    below: Array = (a[0] < b[0]) | ((a[0] == b[0]) & (a[1] < b[1]))
    return below


def promising(objective: Objective, bound: Array, best: Array) -> Array:
    """bool[assignments]: whether something with this bound can be better than the best scores by more than rounding."""
    import numpy as np

    first = 1.0 if objective is Objective.LATENCY else 1 - RELATIVE_TOLERANCE
    return less(bound, best * np.array([[first], [1 - RELATIVE_TOLERANCE]]))


def limits_pj(objective: Objective, best: Array, cycles: Array) -> Array:
    """float64[assignments]: energies from which on a plan with so many cycles is not better than the best scores."""
    import numpy as np

    limits: dict[Objective, Array] = {
        Objective.ENERGY: best[1],
        Objective.LATENCY: np.where(cycles < best[0], np.inf, np.where(cycles == best[0], best[1], 0.0)),
        Objective.EDP: best[0] / cycles,
    }
    return limits[objective]


def value_of(objective: Objective, found: Evaluation) -> float:
    """The objective of an evaluated mapping."""
    if objective is Objective.ENERGY:
        return found.energy_pj
    return float(found.cycles) if objective is Objective.LATENCY else found.energy_pj * found.cycles
