"""NSGA-II over the bit-widths, through pymoo. Two sets of operators: `default`, and `seed` of the paper this started
from."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from pymoo.algorithms.moo.nsga2 import NSGA2
from pymoo.config import Config
from pymoo.core.problem import Problem

from qdsl.study.archive import Archive
from qdsl.study.default_operators import default_algorithm
from qdsl.study.exact import Sum
from qdsl.study.objectives import Designs, Evaluator
from qdsl.study.result import Generation
from qdsl.study.seed_operators import seed_algorithm

Config.warnings["not_compiled"] = False


def search(
    evaluator: Evaluator, archive: Archive, exact: Sum | None = None, seeds: Designs | None = None
) -> Iterator[Generation]:
    """Runs the study's search and yields after every generation; the archive then holds all it has looked at.

    The first generation is the initial population. Equal seeds give equal runs. A space with a single design ends at
    once, and so does a search that finds no design it has not got. The widest, narrowest and uniform designs are
    always looked at, and so are the seeds. exact: the objectives of `evaluator.additive` as a sum, from which the default
    operators take points of the front to start with.
    """
    known = uniform_designs(evaluator)
    if evaluator.measures:
        evaluator.measured(known, whole=True)  # they are reported, however bad they are
    if seeds is not None:
        known = np.unique(np.concatenate([seeds, known]), axis=0)
    archive.add(known, evaluator.values(known))
    settings = evaluator.study.search
    if evaluator.option_counts.prod(dtype=object) == 1:
        yield _generation(1, evaluator, archive)
        return
    algorithm = _algorithm(evaluator, known, archive, exact)
    algorithm.setup(_BitWidths(evaluator, archive), seed=settings.seed, termination=("n_gen", settings.generations))
    while algorithm.has_next():
        algorithm.next()
        yield _generation(algorithm.n_gen - 1, evaluator, archive)


def uniform_designs(evaluator: Evaluator) -> Designs:
    """One design per width that any variable offers, ascending: every variable at its widest option not above the
    width, or its narrowest one. The last row is the widest design; equal rows appear once."""
    widths = sorted({int(w) for options in evaluator.options for w in options})
    rows = [[max(int(np.searchsorted(o, w, "right")) - 1, 0) for o in evaluator.options] for w in widths]
    return np.array(list(dict.fromkeys(map(tuple, rows))) or [()], np.int64).reshape(-1, len(evaluator.options))


def _algorithm(evaluator: Evaluator, known: Designs, archive: Archive, exact: Sum | None) -> NSGA2:
    if evaluator.study.search.operators == "seed":
        return seed_algorithm(evaluator, known)
    return default_algorithm(evaluator, known, archive.seen, exact if exact and not exact.peak.any() else None)


def _generation(number: int, evaluator: Evaluator, archive: Archive) -> Generation:
    return Generation(number, archive.evaluated, len(archive.designs), archive.hypervolume())


class _BitWidths(Problem):  # type: ignore[misc]
    """Option indices as integer variables; one constraint: see `Evaluator.violation`."""

    def __init__(self, evaluator: Evaluator, archive: Archive) -> None:
        counts = evaluator.option_counts
        super().__init__(
            n_var=len(counts),
            n_obj=len(evaluator.study.objectives),
            n_ieq_constr=1,
            xl=np.zeros(len(counts), int),
            xu=counts - 1,
            vtype=int,
        )
        self._evaluator = evaluator
        self._archive = archive

    def _evaluate(self, x: Designs, out: dict[str, object], *args: object, **kwargs: object) -> None:
        designs = np.ascontiguousarray(x, np.int64)
        values = self._evaluator.values(designs)
        self._archive.add(designs, values)
        out["F"] = np.where(np.isfinite(values), values, self._evaluator.bounds[1])
        out["G"] = self._evaluator.violation(designs)[:, None]
