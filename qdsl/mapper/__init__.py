"""Proven best mappings by exact search over the lattice of tile extents."""

from qdsl.mapper.objective import Objective
from qdsl.mapper.result import MapResult, Optimum
from qdsl.mapper.search import best_mapping, recover_mapping, solve_batch
from qdsl.mapper.together import Part, best_together

__all__ = [
    "MapResult",
    "Objective",
    "Optimum",
    "Part",
    "best_mapping",
    "best_together",
    "recover_mapping",
    "solve_batch",
]
