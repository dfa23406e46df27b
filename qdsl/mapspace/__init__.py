"""The space of mappings: constraints, what is allowed where, and why nothing may be left."""

from qdsl.mapspace.conflict import explain_infeasible
from qdsl.mapspace.counting import Counts, count_batch, count_mappings
from qdsl.mapspace.feasibility import Feasibility, feasible
from qdsl.mapspace.sampling import LegalMappings, enumerate_mappings, legal_mappings, sample_mappings
from qdsl.mapspace.space import Space, applies, divisors_of, layer_space
from qdsl.mapspace.violations import constraint_violations

__all__ = [
    "Counts",
    "Feasibility",
    "LegalMappings",
    "Space",
    "applies",
    "constraint_violations",
    "count_batch",
    "count_mappings",
    "divisors_of",
    "enumerate_mappings",
    "explain_infeasible",
    "feasible",
    "layer_space",
    "legal_mappings",
    "sample_mappings",
]
