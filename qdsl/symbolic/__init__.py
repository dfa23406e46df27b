"""From loop nests to counts: the one place where the cost of a mapping is defined (README.md)."""

from qdsl.symbolic.evaluate import evaluate
from qdsl.symbolic.explain import explain
from qdsl.symbolic.legality import legality
from qdsl.symbolic.result import Evaluation, LevelCounts, TensorCounts

__all__ = ["Evaluation", "LevelCounts", "TensorCounts", "evaluate", "explain", "legality"]
