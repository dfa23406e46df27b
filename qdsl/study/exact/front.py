"""The whole front: partial sums that none beats, step by step, and the choices they were made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import expm1, log1p

import numpy as np
import numpy.typing as npt

from qdsl.study.exact.dominance import covering, non_dominated
from qdsl.study.exact.steps import Step, steps_of
from qdsl.study.exact.term import TIE_DIGITS, Array, Ints, Sum
from qdsl.study.exact.to_go import least_to_go

MOST_POINTS = 1_000_000
"""Partial sums kept after one step. More take too long to go on with."""
FEW_POINTS = 2_000
AT_ONCE = 2_000_000

Kept = npt.NDArray[np.int32]


class TooManyPoints(Exception):
    """Too many partial sums are on the front. label: of the term after which they are."""

    def __init__(self, label: str, points: int) -> None:
        super().__init__(label)
        self.label, self.points = label, points


@dataclass(frozen=True)
class ExactFront:
    """designs: int64[points, variables], option indices. values: float64[points, objectives], rounded as in `term`.

    epsilon: for every design at all there is one here that is at most 1 + epsilon times as large in every objective; 0:
    the front itself. candidates: sums compared on the way; widest: most partial sums kept after a step.
    """

    designs: Ints
    values: Array
    epsilon: float
    candidates: int
    widest: int


@dataclass(frozen=True)
class _Stage:
    """Partial sums after a step. starts: of each state's among the rows of `values`; parent: row of the stage before; via:
    row of the step."""

    starts: npt.NDArray[np.int64]
    values: Array
    parent: Kept
    via: Kept

    def of(self, state: int) -> slice:
        return slice(int(self.starts[state]), int(self.starts[state + 1]))


def exact_front(
    x: Sum,
    epsilon: float = 0.0,
    few: int = FEW_POINTS,
    most: int = MOST_POINTS,
    done: Callable[[int, int, int], None] = lambda step, steps, points: None,
) -> ExactFront:
    """All designs that none beats, one for each vector of totals; with epsilon > 0 fewer that come near all of them.

    A thinned step keeps, for each partial sum, one in the same state that is at most 1 + d times as large *together with the
    least that any completion adds*: then every completion of the one is within 1 + d of the same completion of the other,
    and the factors of all steps multiply. So the d of all steps multiply to at most 1 + epsilon.

    few: partial sums after a step that are not thinned out; what they would use of epsilon is kept for larger steps.
    done(step, steps, points) is called after each step. Raises TooManyPoints if more than `most` are left after one.
    """
    steps = steps_of(x)
    to_go = least_to_go(steps, [s.costs for s in steps], x.peak)
    stages = [_Stage(np.array([0, 1]), np.zeros((1, len(x.peak))), np.zeros(1, np.int32), np.zeros(1, np.int32))]
    left = log1p(epsilon)
    candidates = widest = 0
    for i, step in enumerate(steps):
        thin = expm1(left / (len(steps) - i))
        stage, compared, thinned = _after(x, stages[-1], step, to_go[i + 1], thin, few, most)
        left -= log1p(thin) if thinned else 0.0
        stages.append(stage)
        candidates, widest = candidates + compared, max(widest, len(stage.values))
        done(i + 1, len(steps), len(stage.values))
    used = expm1(log1p(epsilon) - left)
    points = non_dominated(np.round(stages[-1].values / x.largest * 2.0**TIE_DIGITS))
    return ExactFront(_designs(x, steps, stages, points), stages[-1].values[points], used, candidates, widest)


def _after(
    x: Sum, stage: _Stage, step: Step, to_go: Array, thin: float, few: int, most: int
) -> tuple[_Stage, int, bool]:
    """(what is kept after a step, sums compared, whether it was thinned out)"""
    found = []
    compared = total = 0
    for target in range(step.states[1]):
        if not np.isfinite(to_go[target]).all():
            found.append(_Block.empty(len(x.peak)))
            continue
        block, n = _into(x, stage, step, target)
        compared, total = compared + n, total + len(block.values)
        found.append(block)
        if not thin and total > most:
            raise TooManyPoints(step.term.label, total)
    if thinned := thin > 0 and total > few:
        found = [b.at(covering(x.join(b.values, to_go[s]), thin)) if len(b.values) else b for s, b in enumerate(found)]
        if (total := sum(len(b.values) for b in found)) > most:
            raise TooManyPoints(step.term.label, total)
    starts = np.cumsum([0, *(len(b.values) for b in found)])
    whole = _Block.joined(found)
    return _Stage(starts, whole.values, whole.parent, whole.via), compared, thinned


@dataclass(frozen=True)
class _Block:
    """Partial sums in one state, see `_Stage`."""

    values: Array
    parent: Kept
    via: Kept

    @classmethod
    def empty(cls, objectives: int) -> _Block:
        return cls(np.empty((0, objectives)), np.empty(0, np.int32), np.empty(0, np.int32))

    @classmethod
    def joined(cls, blocks: Sequence[_Block]) -> _Block:
        return cls(
            np.concatenate([b.values for b in blocks]),
            np.concatenate([b.parent for b in blocks]),
            np.concatenate([b.via for b in blocks]),
        )

    def at(self, rows: npt.NDArray[np.intp]) -> _Block:
        return _Block(self.values[rows], self.parent[rows], self.via[rows])


def _into(x: Sum, stage: _Stage, step: Step, target: int) -> tuple[_Block, int]:
    """(partial sums in a state after a step that none beats, sums compared)"""
    waiting = [_Block.empty(len(x.peak))]
    size = compared = 0
    for source, group in step.by_target.get(target, ()):
        before, rows = stage.of(source), step.groups[group]
        sums = x.join(stage.values[before, None, :], step.costs[None, rows, :])
        n, k = sums.shape[:2]
        parent = np.repeat(np.arange(before.start, before.stop, dtype=np.int32), k)
        via = np.tile(np.arange(rows.start, rows.stop, dtype=np.int32), n)
        waiting.append(_Block(sums.reshape(n * k, len(x.peak)), parent, via))
        size, compared = size + n * k, compared + n * k
        if size > AT_ONCE:
            waiting = [_best(waiting)]
            size = len(waiting[0].values)
    return _best(waiting), compared


def _best(blocks: Sequence[_Block]) -> _Block:
    block = _Block.joined(blocks)
    return block.at(non_dominated(block.values))


def _designs(x: Sum, steps: Sequence[Step], stages: Sequence[_Stage], points: npt.NDArray[np.intp]) -> Ints:
    """Option indices of some points of the last stage."""
    options = np.tile(np.array([k[-1] for k in x.kept], np.int64), (len(points), 1))
    at = points
    for step, stage in zip(reversed(steps), reversed(stages[1:]), strict=True):
        chosen = step.choices[stage.via[at]]
        for column, v in enumerate(step.term.variables):
            options[:, v] = x.kept[v][chosen[:, column]]
        at = stage.parent[at].astype(np.intp)
    return options
