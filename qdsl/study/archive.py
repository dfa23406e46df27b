"""The non-dominated designs of everything a search has looked at."""

from __future__ import annotations

import moocore
import numpy as np

from qdsl.study.exact.dominance import non_dominated
from qdsl.study.objectives import Designs, Evaluator, Values


class Archive:
    """Grows by populations. Where designs have equal values, the one with the wider widths is kept: it costs
    nothing."""

    def __init__(self, evaluator: Evaluator) -> None:
        self._evaluator = evaluator
        self._values: dict[bytes, Values] = {}
        self.designs: Designs = np.empty((0, len(evaluator.options)), np.int64)
        self.values: Values = np.empty((0, len(evaluator.study.objectives)))

    def add(self, designs: Designs, values: Values) -> None:
        """Adds evaluated designs; those with an infinite value, or beyond a limit of the study, count as looked at but
        never reach the front."""
        for design, value in zip(designs, values, strict=True):
            self._values.setdefault(design.tobytes(), value)
        legal = np.isfinite(values).all(axis=1) & (self._evaluator.violation(designs) == 0)
        self.designs = np.concatenate([self.designs, designs[legal]])
        self.values = np.concatenate([self.values, values[legal]])
        if len(self.designs):
            self._reduce()

    def _reduce(self) -> None:
        widths = self._evaluator.widths(self.designs)
        # By values, then the widest in sum, then by design: an order that does not depend on arrival.
        keys = [*self.designs.T[::-1], -widths.sum(axis=1), *self.values.T[::-1]]
        order = np.lexsort(keys)
        designs, values = self.designs[order], self.values[order]
        fresh = np.ones(len(values), bool)
        fresh[1:] = (values[1:] != values[:-1]).any(axis=1)
        designs, values = designs[fresh], values[fresh]
        front = non_dominated(values)
        self.designs, self.values = designs[front], values[front]

    @property
    def evaluated(self) -> int:
        """Distinct designs looked at."""
        return len(self._values)

    @property
    def legal_designs(self) -> Designs:
        """int64[designs, variables]: the designs of `explored`, in its order."""
        rows = [np.frombuffer(d, np.int64) for d, v in self._values.items() if np.isfinite(v).all()]
        return np.array(rows, np.int64).reshape(-1, self.designs.shape[1])

    @property
    def explored(self) -> Values:
        """float64[designs, objectives]: values of every distinct legal design looked at, in order of arrival."""
        rows = [v for v in self._values.values() if np.isfinite(v).all()]
        return np.array(rows) if rows else np.empty_like(self.values)

    def hypervolume(self) -> float:
        """Of the front, see `hypervolume`."""
        return hypervolume(self._evaluator, self.values)

    def seen(self, design: Designs) -> bool:
        """Whether a design, int64[variables], has been looked at."""
        return design.tobytes() in self._values


def hypervolume(evaluator: Evaluator, values: Values) -> float:
    """Share of the box between the bounds on all designs (see Evaluator.bounds) that some points dominate, 0..1."""
    best, worst = evaluator.bounds
    # An objective that no choice changes is a point: give it the whole side, so that it does not hide the others.
    scaled = (values - best) / np.where(worst > best, worst - best, 1.0)
    inside = scaled[(scaled < 1.0).all(axis=1)]
    return float(moocore.hypervolume(np.maximum(inside, 0.0), ref=np.ones(len(best)))) if len(inside) else 0.0
