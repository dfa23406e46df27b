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
    designs = np.tile(np.array([k[-1] for k in x.kept], np.int64), (len(weights), 1))
    states = np.zeros(len(weights), np.int64)
    for step, cost, later in zip(steps, costs, to_go[1:], strict=True):
        rows, states = _followed(step, cost, later, states)
        for column, v in enumerate(step.term.variables):
            designs[:, v] = x.kept[v][step.choices[rows, column]]
    return designs


def _followed(step: Step, cost: Array, to_go: Array, states: Ints) -> tuple[Ints, Ints]:
    """(row of the step that pays the least from here on, state after it), each int64[weights]. cost: float64[rows, weights];
    to_go: float64[states after, weights]; states: int64[weights]."""
    rows, after = np.zeros_like(states), np.zeros_like(states)
    for state in np.unique(states):
        here = np.flatnonzero(states == state)
        best = np.full(len(here), np.inf)
        for source, group, target in step.moves:
            if source == state:
                found = cost[step.groups[group]][:, here]
                total = found.min(axis=0) + to_go[target, here]
                better = total < best
                best = np.where(better, total, best)
                rows[here] = np.where(better, step.groups[group].start + found.argmin(axis=0), rows[here])
                after[here] = np.where(better, target, after[here])
    return rows, after
