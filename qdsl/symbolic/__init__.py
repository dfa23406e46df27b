"""From loop nests to counts: the one place where the cost of a mapping is defined (README.md)."""

from qdsl.symbolic.evaluate import evaluate
from qdsl.symbolic.explain import Explanation, explanation
from qdsl.symbolic.legality import legality
from qdsl.symbolic.many import Evaluations, Evaluator, evaluate_many
from qdsl.symbolic.result import Evaluation, LevelCounts, TensorCounts
from qdsl.symbolic.roofline import Roofline, roofline

__all__ = [
    "Evaluation",
    "Evaluations",
    "Evaluator",
    "Explanation",
    "LevelCounts",
    "Roofline",
    "TensorCounts",
    "evaluate",
    "evaluate_many",
    "explanation",
    "legality",
    "roofline",
]
