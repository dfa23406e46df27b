"""Points of the front that a weighted sum of the objectives leads to: quickly found, one for each choice of weights."""

from __future__ import annotations

import numpy as np

from qdsl.study.exact.steps import Step, steps_of
from qdsl.study.exact.term import Array, Ints, Sum
from qdsl.study.exact.to_go import least_to_go


def supported_designs(x: Sum, weights: Array) -> Ints:
    """int64[weights, variables]: the design with the least weighted sum of totals, for each row of weights; no rows if
    nothing is legal.

    weights: float64[n, objectives], positive: then each design is on the front. Only for objectives that are sums.
    """
    if x.peak.any():
        raise ValueError("a weighted sum with a peak does not add up over the terms")
    steps = steps_of(x)
    costs = [step.costs @ weights.T for step in steps]
    to_go = least_to_go(steps, costs, np.zeros(len(weights), bool))
    if not np.isfinite(to_go[0]).all():
        return np.empty((0, len(x.kept)), np.int64)
    return np.stack([_follow(x, steps, [c[:, n] for c in costs], [t[:, n] for t in to_go]) for n in range(len(weights))])


def _follow(x: Sum, steps: tuple[Step, ...], costs: list[Array], to_go: list[Array]) -> Ints:
    """The design that pays the least from the first step on. costs: float64[rows] per step; to_go: float64[states]."""
    design = np.array([k[-1] for k in x.kept], np.int64)
    state = 0
    for step, cost, later in zip(steps, costs, to_go[1:], strict=True):
        options = [
            (later[target] + cost[rows].min(), rows.start + int(cost[rows].argmin()), target)
            for source, group, target in step.moves
            if source == state
            for rows in (step.groups[group],)
        ]
        _, row, state = min(options)
        for column, v in enumerate(step.term.variables):
            design[v] = x.kept[v][step.choices[row, column]]
    return design
