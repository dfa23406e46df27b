"""Which design of a front a report recommends."""

from __future__ import annotations

import numpy as np

from qdsl.study.objectives import Values

CHOSEN_RULE = (
    "the design nearest to the ideal corner: every objective is scaled to 0 at the best and 1 at the worst value on "
    "the front, and the smallest Euclidean distance to 0 wins; ties go to the lower energy"
)


def chosen_index(values: Values) -> int:
    """Index of the design that CHOSEN_RULE picks. values: float64[designs, objectives], sorted by energy."""
    return int(np.argmin((scaled(values) ** 2).sum(axis=1)))


def scaled(values: Values) -> Values:
    """Every objective from 0 at its best to 1 at its worst value."""
    low, high = values.min(axis=0), values.max(axis=0)
    found: Values = (values - low) / np.where(high > low, high - low, 1.0)
    return found
