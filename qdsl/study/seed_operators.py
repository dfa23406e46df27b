"""The operators of Klhufek, Safar, Mrazek, Vasicek, Sekanina (DDECS 2024), as their published code has them.

A gene is the pair (activation width, weight width) of one layer and is inherited whole. Where several layers read one
activation, its width belongs to the gene of the first of them; in their chains every layer has its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.core.infill import InfillCriterion
from pymoo.core.population import Population
from pymoo.core.survival import Survival
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

from qdsl.study.objectives import Designs, Evaluator, Values

INHERIT_PROBABILITY = 0.95
"""A gene comes from one of the two parents, otherwise it gets the widest options."""
MUTATION_PROBABILITY = 0.1
"""A child has one random gene redrawn uniformly."""


def seed_algorithm(evaluator: Evaluator, known: Designs) -> NSGA2:
    """known: the uniform designs, which are the whole initial population even where fewer than the population size."""
    settings = evaluator.study.search
    return NSGA2(
        pop_size=settings.population,
        n_offsprings=settings.offspring,
        sampling=known,
        mating=_PairMating(genes(evaluator)),
        survival=CrowdingRemoval(evaluator.spans),
        eliminate_duplicates=False,
    )


def genes(evaluator: Evaluator) -> tuple[npt.NDArray[np.int64], ...]:
    """Indices of the variables that are inherited together, one array per layer, in layer order."""
    by_layer: dict[str, list[int]] = {}
    for index, variable in enumerate(evaluator.study.precision.variables):
        by_layer.setdefault(variable.layers[0], []).append(index)
    return tuple(np.array(v) for v in by_layer.values())


class _PairMating(InfillCriterion):  # type: ignore[misc]
    """Two distinct parents drawn uniformly, one child each time."""

    def __init__(self, genes: tuple[npt.NDArray[np.int64], ...]) -> None:
        super().__init__()
        self._genes = genes

    def _do(self, problem: Any, pop: Any, n_offsprings: int, random_state: Any = None, **kwargs: Any) -> Any:
        parents = pop.get("X")
        return Population.new(X=np.stack([self._child(problem, parents, random_state) for _ in range(n_offsprings)]))

    def _child(self, problem: Any, parents: Designs, random: Any) -> npt.NDArray[np.int64]:
        two = parents[random.choice(len(parents), 2, replace=len(parents) < 2)]
        child: npt.NDArray[np.int64] = problem.xu.astype(np.int64)
        for gene in self._genes:
            if random.random() < INHERIT_PROBABILITY:
                child[gene] = two[random.integers(2)][gene]
        if random.random() < MUTATION_PROBABILITY:
            gene = self._genes[random.integers(len(self._genes))]
            child[gene] = random.integers(problem.xl[gene], problem.xu[gene] + 1)
        return child


class CrowdingRemoval(Survival):  # type: ignore[misc]
    """Whole fronts first; the last one loses its most crowded design one at a time, distances recomputed after each.

    spans: float64[objectives], positive: what counts as 1; the paper's are the values of the widest design.
    """

    def __init__(self, spans: npt.NDArray[np.float64]) -> None:
        super().__init__(filter_infeasible=True)
        self._spans = spans

    def _do(self, problem: Any, pop: Any, *args: Any, n_survive: int | None = None, **kwargs: Any) -> Any:
        values = pop.get("F") / self._spans
        kept: list[int] = []
        for rank, front in enumerate(NonDominatedSorting().do(values, n_stop_if_ranked=n_survive)):
            room = (len(pop) if n_survive is None else n_survive) - len(kept)
            chosen = thin_out(values, front, room)
            for index, distance in zip(chosen, crowding(values[chosen]), strict=True):
                pop[index].set("rank", rank)
                pop[index].set("crowding", distance)
            kept.extend(int(i) for i in chosen)
        return pop[kept]


def thin_out(values: Values, front: npt.NDArray[np.int64], room: int) -> npt.NDArray[np.int64]:
    """At most `room` members of a front. values: float64[designs, objectives], scaled; front: indices of its rows."""
    while len(front) > room:
        front = np.delete(front, int(np.argmin(crowding(values[front]))))
    return front


def crowding(values: Values) -> npt.NDArray[np.float64]:
    """float64[designs]: per objective the distance between the two neighbours, summed; infinite at both extremes."""
    distance = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        distance[order[[0, -1]]] = np.inf
        distance[order[1:-1]] += column[order[2:]] - column[order[:-2]]
    return distance
