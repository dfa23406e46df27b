"""The default operators: informed start, uniform crossover, small steps, no duplicates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.duplicate import DuplicateElimination
from pymoo.core.mutation import Mutation
from pymoo.core.sampling import Sampling
from pymoo.operators.crossover.ux import UniformCrossover

from qdsl.study.exact import Sum, spread, supported_designs
from qdsl.study.objectives import Designs, Evaluator

CROSSOVER_PROBABILITY = 0.9
WEIGHT_RANGE = 1e5
STEP_SHARE = 0.8
"""Of the mutated variables this share moves to a neighbouring width, the rest to any width."""


def default_algorithm(
    evaluator: Evaluator, known: Designs, seen: Callable[[npt.NDArray[np.int64]], bool], exact: Sum | None
) -> NSGA2:
    """known: designs to start from, besides the four extremes of narrow and wide weights and activations, and points of the
    exact front where there is one. seen: whether a design has been looked at; children are other ones. exact: the
    objectives as a sum, if they are one, of `evaluator.additive`."""
    settings = evaluator.study.search
    known = np.concatenate([known, _extremes(evaluator)])
    room = settings.population - len(np.unique(known, axis=0))
    if exact is not None and room > 0:
        known = np.concatenate([known, _of_the_front(evaluator.additive, exact, min(room, settings.population // 2))])
    return NSGA2(
        pop_size=settings.population,
        n_offsprings=settings.offspring,
        sampling=_Start(known),
        crossover=UniformCrossover(prob=CROSSOVER_PROBABILITY),
        mutation=_Steps(),
        eliminate_duplicates=_New(seen),
    )


def _of_the_front(evaluator: Evaluator, x: Sum, most: int) -> Designs:
    """Points of the exact front, spread over it: they have the least weighted sums of the objectives, relative to their
    largest, for random weights of any orders of magnitude between 1 and WEIGHT_RANGE."""
    objectives = len(x.peak)
    exponents = np.random.default_rng(evaluator.study.search.seed).uniform(
        0, np.log(WEIGHT_RANGE), (4 * most, objectives)
    )
    designs = np.unique(supported_designs(x, np.exp(exponents) / x.largest), axis=0)
    return designs[spread(evaluator.values(designs) / evaluator.spans, most)]


class _New(DuplicateElimination):  # type: ignore[misc]
    """Children that have been looked at, or come twice, are made again; the first population may have known designs."""

    def __init__(self, seen: Callable[[npt.NDArray[np.int64]], bool]) -> None:
        super().__init__()
        self._seen = seen

    def _do(self, pop: Any, other: Any, is_duplicate: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        designs = np.ascontiguousarray(pop.get("X"), np.int64)
        taken = set() if other is None else {d.tobytes() for d in np.ascontiguousarray(other.get("X"), np.int64)}
        for i, design in enumerate(designs):
            key = design.tobytes()
            is_duplicate[i] |= key in taken or (other is not None and self._seen(design))
            if other is None:
                taken.add(key)
        return is_duplicate


def _extremes(evaluator: Evaluator) -> Designs:
    """Narrow weights with wide activations, and the other way round."""
    widest = evaluator.option_counts - 1
    weights = np.array([v.role == "weights" for v in evaluator.study.precision.variables])
    return np.stack([np.where(weights, 0, widest), np.where(weights, widest, 0)])


class _Start(Sampling):  # type: ignore[misc]
    """Known designs first; then random ones, half of them near a known one."""

    def __init__(self, known: Designs) -> None:
        super().__init__()
        self._known = np.unique(known, axis=0)

    def _do(self, problem: Any, n_samples: int, *args: Any, random_state: Any = None, **kwargs: Any) -> Designs:
        missing = max(0, n_samples - len(self._known))
        anywhere = random_state.integers(problem.xl, problem.xu + 1, (missing, problem.n_var))
        near = self._known[random_state.integers(len(self._known), size=missing)]
        mixed = np.where(random_state.random(anywhere.shape) < 0.5, anywhere, near)
        half = np.arange(missing)[:, None] % 2 == 0
        designs: Designs = np.concatenate([self._known, np.where(half, anywhere, mixed)])[:n_samples]
        return designs


class _Steps(Mutation):  # type: ignore[misc]
    """Every variable changes with probability 1 / variables, at least one of each design does."""

    def _do(self, problem: Any, X: Designs, *args: Any, random_state: Any = None, **kwargs: Any) -> Designs:
        free = np.flatnonzero(problem.xu > problem.xl)
        changed = random_state.random(X.shape) < 1 / len(free)
        changed[np.arange(len(X)), random_state.choice(free, len(X))] = True
        step = random_state.choice(np.array([-1, 1]), X.shape)
        redrawn = random_state.integers(problem.xl, problem.xu + 1, X.shape)
        moved: npt.NDArray[np.int64] = np.where(random_state.random(X.shape) < STEP_SHARE, X + step, redrawn)
        mutated: Designs = np.clip(np.where(changed, moved, X), problem.xl, problem.xu)
        return mutated
