"""Exact Pareto fronts of whole networks where every objective adds up over the layers, by dynamic programming."""

from qdsl.study.exact.front import ExactFront, TooManyPoints, exact_front
from qdsl.study.exact.supported import supported_designs
from qdsl.study.exact.term import Term

__all__ = ["ExactFront", "Term", "TooManyPoints", "exact_front", "supported_designs"]
