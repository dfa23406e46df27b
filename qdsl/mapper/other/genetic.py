"""A genetic algorithm over mappings, through pymoo: uniform crossover, genes redrawn, the best ones survive.

It starts from mappings drawn uniformly from the legal ones. Children that are not legal count as worse than all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from qdsl.mapper.other.answer import Best, Question
from qdsl.mapper.other.genome import Genome
from qdsl.mapper.result import MapResult
from qdsl.mapspace import layer_spaces, mappings_of
from qdsl.mapspace.membership import Membership
from qdsl.model.mapper import GeneticMapper
from qdsl.model.mapping import Mapping

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qdsl.mapper.other.genome import Genes


def breed_mappings(mapper: GeneticMapper, question: Question) -> MapResult:
    """Raises SpecError for a constraint that takes too many cases."""
    spaces = layer_spaces(question.accelerator, question.problem, question.bits, question.constraints)
    legal = mappings_of(spaces, question.bits)
    best = Best(question, tuple(dict.fromkeys(limit for space in spaces for limit in space.limits)))
    first = list(islice(legal.sample(mapper.seed), mapper.population))
    if not first:
        return best.answer(exists=False)
    nursery = _Nursery(best, Genome(spaces), [Membership(space, question.bits) for space in spaces])
    if len(nursery.genome.options) == 1 or nursery.genome.options.max() == 1:
        nursery.fitness(first[:1])
        return best.answer(exists=True)
    _evolve(mapper, nursery, first)
    return best.answer(exists=True)


MOST_MATINGS = 5
"""Attempts at children that are not there already: of few mappings soon all are."""


class _Nursery:
    """Evaluates genes as mappings, and remembers the best."""

    def __init__(self, best: Best, genome: Genome, members: Sequence[Membership]) -> None:
        self.best, self.genome, self.members = best, genome, members

    def fitness(self, mappings: Sequence[Mapping]) -> npt.NDArray[np.float64]:
        """float64[mappings]: least is best, inf for what is not legal."""
        import numpy as np

        kept = np.array([any(x.contains(m) for x in self.members) for m in mappings], dtype=bool)
        scores = self.best.evaluated_scores([m for m, k in zip(mappings, kept, strict=True) if k])
        every = np.full((len(mappings), scores.shape[1]), np.inf)
        every[kept] = scores
        for mapping, score in zip(mappings, every.tolist(), strict=True):
            self.best.look_at(mapping, tuple(score))
        # where the first quantity is equal the others decide
        fitness, *others = every.T
        with np.errstate(invalid="ignore"):
            for i, values in enumerate(others):
                fitness = fitness * (1 + 1e-9 / 1000**i * np.log1p(values))
        return np.where(np.isfinite(every[:, 0]), fitness, np.inf)


def _evolve(mapper: GeneticMapper, nursery: _Nursery, first: Sequence[Mapping]) -> None:
    import numpy as np
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.config import Config
    from pymoo.core.mutation import Mutation
    from pymoo.core.problem import Problem
    from pymoo.core.repair import Repair
    from pymoo.operators.crossover.ux import UniformCrossover

    Config.warnings["not_compiled"] = False
    genome = nursery.genome

    class Mappings(Problem):  # type: ignore[misc]
        def __init__(self) -> None:
            last = genome.options - 1
            super().__init__(len(last), 1, 1, xl=np.zeros_like(last), xu=last, vtype=int)

        def _evaluate(self, x: Genes, out: dict[str, object], *args: object, **kwargs: object) -> None:
            fitness = nursery.fitness([genome.mapping(row) for row in x.astype(np.int64).tolist()])
            legal = np.isfinite(fitness)
            out["F"] = np.where(legal, fitness, np.finfo(float).max)[:, None]
            out["G"] = np.where(legal, 0.0, 1.0)[:, None]

    class Redrawn(Mutation):  # type: ignore[misc]
        """Every gene with a choice is drawn anew with probability 1 / genes, at least one of each child is."""

        def _do(self, problem: Any, X: Genes, *args: Any, random_state: Any = None, **kwargs: Any) -> Genes:
            free = np.flatnonzero(problem.xu)
            changed = random_state.random(X.shape) < 1 / len(free)
            changed[np.arange(len(X)), random_state.choice(free, len(X))] = True
            mutated: Genes = np.where(changed, random_state.integers(0, problem.xu + 1, X.shape), X)
            return mutated

    class OneWay(Repair):  # type: ignore[misc]
        """One row of genes for every mapping, so that no two of a population are the same."""

        def _do(self, problem: Any, X: Genes, **kwargs: Any) -> Genes:
            return np.array([genome.genes(genome.mapping(row)) for row in X.tolist()], dtype=np.int64)

    start = np.array([genome.genes(m) for m in first], dtype=np.int64)
    algorithm = GA(
        pop_size=mapper.population,
        sampling=start,
        crossover=UniformCrossover(),
        mutation=Redrawn(),
        repair=OneWay(),
        eliminate_duplicates=True,
    )
    algorithm.mating.n_max_iterations = MOST_MATINGS
    algorithm.setup(Mappings(), seed=mapper.seed, termination=("n_gen", mapper.generations))
    while algorithm.has_next():
        algorithm.next()
        if nursery.best.question.time_is_up:
            break
