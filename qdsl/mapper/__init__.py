"""Proven best mappings by exact search over the lattice of tile extents."""

from qdsl.mapper.every_width import recover_mapping, solve_batch
from qdsl.mapper.objective import Objective
from qdsl.mapper.result import FrontResult, MapResult, Optimum
from qdsl.mapper.search import best_front, best_mapping
from qdsl.mapper.together import Part, best_together

__all__ = [
    "FrontResult",
    "MapResult",
    "Objective",
    "Optimum",
    "Part",
    "best_front",
    "best_mapping",
    "best_together",
    "recover_mapping",
    "solve_batch",
]
