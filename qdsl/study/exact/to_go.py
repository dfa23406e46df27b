"""The least that remains to be paid from every state, each objective or weighted sum of them by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from qdsl.study.exact.steps import Step
from qdsl.study.exact.term import Array

Rows = npt.NDArray[np.int64]


def least_to_go(steps: Sequence[Step], costs: Sequence[Array], peak: npt.NDArray[np.bool_]) -> list[Array]:
    """Before each step and after the last: float64[states, columns], inf where nothing legal follows.

    costs: float64[rows of the step, columns]; peak: bool[columns], True where the largest cost counts and not the sum.
    """
    out = [np.zeros((1, len(peak)))]
    for step, found in zip(reversed(steps), reversed(costs), strict=True):
        later = out[-1]
        least = np.array([found[g].min(axis=0) for g in step.groups]).reshape(-1, len(peak))
        now = np.full((step.states[0], len(peak)), np.inf)
        if step.moves:
            source, group, target = np.array(step.moves).T
            total = np.where(peak, np.maximum(least[group], later[target]), least[group] + later[target])
            np.minimum.at(now, source, total)
        out.append(now)
    return out[::-1]
