"""Exact Pareto fronts of whole networks where every objective adds up over the layers, by dynamic programming."""

from qdsl.study.exact.dominance import spread
from qdsl.study.exact.front import ExactFront, TooManyPoints, exact_front
from qdsl.study.exact.supported import supported_designs
from qdsl.study.exact.term import Sum, Term, problem

__all__ = ["ExactFront", "Sum", "Term", "TooManyPoints", "exact_front", "problem", "spread", "supported_designs"]
