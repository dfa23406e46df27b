"""The space of mappings: constraints, what is allowed where, and why nothing may be left."""

from qdsl.mapspace.conflict import explain_infeasible
from qdsl.mapspace.counting import Counts, count_batch, count_mappings, count_under
from qdsl.mapspace.feasibility import Feasibility, admits, feasible
from qdsl.mapspace.narrowing import layer_spaces
from qdsl.mapspace.options import Decision, decide_widths
from qdsl.mapspace.sampling import LegalMappings, enumerate_mappings, legal_mappings, mappings_of, sample_mappings
from qdsl.mapspace.space import Space, applies, divisors_of
from qdsl.mapspace.sweep import TimeUp
from qdsl.mapspace.violations import constraint_violations

__all__ = [
    "Counts",
    "Decision",
    "Feasibility",
    "LegalMappings",
    "Space",
    "TimeUp",
    "admits",
    "applies",
    "constraint_violations",
    "count_batch",
    "count_mappings",
    "count_under",
    "decide_widths",
    "divisors_of",
    "enumerate_mappings",
    "explain_infeasible",
    "feasible",
    "layer_spaces",
    "legal_mappings",
    "mappings_of",
    "sample_mappings",
]
