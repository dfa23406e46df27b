"""How many mappings are legal: of every layer over its bit-widths, and without each of the constraints."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial

from qdsl.diagnostics import SpecError
from qdsl.mapspace import TimeUp, count_under
from qdsl.model.operator import Problem
from qdsl.model.study import Study
from qdsl.study.keys import applying, digest, question
from qdsl.study.result import LayerCounts, LegalCounts
from qdsl.study.store import Store
from qdsl.study.width_grid import Bits, WidthGrid, width_grid

LIMIT_S = 30.0
"""Time allowed for all counts of a study."""


def count_legal(study: Study, store: Store, limit_s: float = LIMIT_S) -> LegalCounts:
    """Counts layer by layer while there is time, those aside that the store knows. Layers that ask the same are counted
    once. limit_s: 0 for those that the store knows.
    """
    late = f"the {limit_s:g} s allowed for all counts were over" if limit_s else "the run was interrupted"
    deadline = time.perf_counter() + limit_s
    ends = _ends(study)
    if study.accelerator.compute.layers:
        none = (0,) * len(ends)
        why = "the cost of a layer is that of any mapping"
        all_layers = tuple((layer.name, why) for layer in study.network.layers)
        return LegalCounts((), tuple(ends), none, none, (none,) * len(study.constraints), all_layers)
    questions: dict[tuple[Problem, WidthGrid, tuple[Bits, ...]], list[str]] = {}
    for layer in study.network.layers:
        at_ends = tuple(tuple(bits[layer.name].items()) for bits in ends.values())
        questions.setdefault((layer.problem, width_grid(study, layer), at_ends), []).append(layer.name)
    layers = []
    uncounted: list[tuple[str, str]] = []
    sums = [[0] * len(ends) for _ in ("legal", "free", *study.constraints)]
    for (problem, grid, at_ends), names in questions.items():
        try:
            mappings, *under = _known(study, store, problem, grid.bits, at_ends, deadline)
        except TimeUp:
            uncounted += [(name, late) for name in names]
            continue
        except SpecError as error:  # a constraint that can be searched under, but not counted
            uncounted += [(name, error.diagnostics[0].message) for name in names]
            continue
        layers.append(LayerCounts(tuple(names), problem.operator.name, grid, mappings))
        sums = [[n + len(names) * m for n, m in zip(*row, strict=True)] for row in zip(sums, under, strict=True)]
    legal, free, *without = map(tuple, sums)
    return LegalCounts(tuple(layers), tuple(ends), legal, free, tuple(without), tuple(uncounted))


def _ends(study: Study) -> dict[str, dict[str, dict[str, int]]]:
    """Name of an end of the options -> layer -> tensor -> width."""
    options = [v.options for v in study.precision.variables]
    widest, narrowest = (study.precision.layer_bits(tuple(o[end] for o in options)) for end in (-1, 0))
    return {"widest": widest} | ({"narrowest": narrowest} if narrowest != widest else {})


def _known(
    study: Study, store: Store, problem: Problem, grid: Sequence[Bits], ends: Sequence[Bits], deadline: float
) -> list[tuple[int, ...]]:
    """`_counts` from the store, or for it."""
    # `question` leaves out the order of the constraints, and those that do not apply
    order = [(c.text, c.scope.includes(problem)) for c in study.constraints]
    key = digest(["counts", question(study.accelerator, problem, study.constraints), order, grid, ends])
    rows = store.counts(key)
    if rows is None:
        rows = _counts(study, problem, grid, ends, deadline)
        store.put_counts(key, rows)
    return rows


def _counts(
    study: Study, problem: Problem, grid: Sequence[Bits], ends: Sequence[Bits], deadline: float
) -> list[tuple[int, ...]]:
    """Mappings of one layer over a grid; then at the ends under all constraints, under none, and without each one."""
    constraints = applying(study.constraints, problem)
    ask = partial(count_under, study.accelerator, problem, deadline=deadline)
    (over_grid,) = ask([dict(bits) for bits in grid], [constraints])
    without = [[c for c in constraints if c is not dropped] for dropped in study.constraints]
    return [over_grid, *ask([dict(bits) for bits in ends], [constraints, (), *without])]
