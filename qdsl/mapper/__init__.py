"""Proven best mappings by exact search over the lattice of tile extents."""

from qdsl.mapper.objective import Objective
from qdsl.mapper.result import MapResult, Optimum
from qdsl.mapper.search import best_mapping, packing_key, recover_mapping, solve_batch

__all__ = ["MapResult", "Objective", "Optimum", "best_mapping", "packing_key", "recover_mapping", "solve_batch"]
