"""Which of many points none beats, exactly or within a factor."""

from __future__ import annotations

from collections.abc import Sequence

import moocore
import numpy as np
import numpy.typing as npt

from qdsl.study.exact.term import Array


def non_dominated(values: Array) -> npt.NDArray[np.intp]:
    """Indices, ascending, of the points that no other one beats; of equal points the first.

    values: float64[points, objectives], less is better; O(n log n) for up to three objectives.
    """
    if values.shape[1] == 1:
        return np.array([np.argmin(values[:, 0])], np.intp) if len(values) else np.empty(0, np.intp)
    if len(values) < 2:
        return np.arange(len(values))
    found: npt.NDArray[np.intp] = np.flatnonzero(moocore.is_nondominated(values, keep_weakly=False))
    return found


def covering(values: Array, step: float) -> npt.NDArray[np.intp]:
    """Indices, ascending, of points such that for every other one there is one of them that is at most `1 + step` times as
    large in every objective. values: see `non_dominated`, at least 0.

    The points are put into boxes whose sides are a factor of 1 + step; one point stays of each box that no other box beats.
    """
    with np.errstate(divide="ignore"):
        # a little smaller than allowed, so that rounding does no harm; 0 is in a box of its own, at -inf
        boxes = np.floor(np.log(values) / (np.log1p(step) * (1 - 1e-9)))
    boxes = np.where(np.isneginf(boxes), -1e18, boxes)
    return non_dominated(boxes)


def spread(values: Array, most: int, first: Sequence[int] = ()) -> npt.NDArray[np.intp]:
    """Indices, ascending, of at most so many points that lie far apart: the best in each objective, `first`, and then always
    the one farthest from those chosen. values: see `non_dominated`, scaled alike."""
    if len(values) <= most:
        return np.arange(len(values))
    chosen = list(dict.fromkeys([*first, *(int(i) for i in values.argmin(axis=0))]))[:most]
    distance = np.full(len(values), np.inf)
    for n in range(most):
        if n == len(chosen):
            chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, ((values - values[chosen[n]]) ** 2).sum(axis=1))
    return np.array(sorted(chosen), np.intp)
