"""The space of mappings: constraints, what is allowed where, and why nothing may be left."""

from qdsl.mapspace.conflict import explain_infeasible
from qdsl.mapspace.feasibility import Feasibility, feasible
from qdsl.mapspace.space import Space, applies, divisors_of, layer_space
from qdsl.mapspace.violations import constraint_violations

__all__ = [
    "Feasibility",
    "Space",
    "applies",
    "constraint_violations",
    "divisors_of",
    "explain_infeasible",
    "feasible",
    "layer_space",
]
