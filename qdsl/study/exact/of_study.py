"""A study's objectives as terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.study.exact.term import Array, Sum, Term, problem
from qdsl.study.objectives import PEAKS, Evaluator, Part
from qdsl.study.tables import LayerTable

MOST_COMBINATIONS = 2_000_000


def sum_of(evaluator: Evaluator) -> Sum:
    """Terms in network order: what each layer adds, and apart from that the activations alive while it runs.

    Raises SpecError if these have too many combinations of widths.
    """
    names = evaluator.study.objectives
    found: dict[tuple[str, bool], list[tuple[int, Part]]] = {}
    for i, name in enumerate(names):
        for part in _alive(evaluator) if name in PEAKS else evaluator.parts(name):
            found.setdefault((part.layer, name in PEAKS), []).append((i, part))
    order = {layer.name: i for i, layer in enumerate(evaluator.study.network.layers)}
    for table in evaluator.tables:
        found.setdefault((table.layer, False), [])
    legal = {table.layer: table for table in evaluator.tables}
    keys = sorted(found, key=lambda key: (order[key[0]], key[1]))
    terms = [_term(evaluator, layer, found[layer, peak], None if peak else legal.get(layer)) for layer, peak in keys]
    return problem(terms, [int(n) for n in evaluator.option_counts], [name in PEAKS for name in names])


def _alive(evaluator: Evaluator) -> Iterable[Part]:
    for layer, activations in evaluator.alive:
        variables = tuple(sorted({v for v, _ in activations if v is not None}))
        shape = [len(evaluator.options[v]) for v in variables]
        if np.prod(shape, dtype=object) > MOST_COMBINATIONS:
            raise _too_many(evaluator, layer, variables)
        values = np.zeros(shape)
        for variable, n in activations:
            axes = [-1 if v == variable else 1 for v in variables]
            values += (n * evaluator.widths_of(variable)).reshape(axes)
        yield Part(layer, variables, values)


def _term(evaluator: Evaluator, layer: str, parts: Sequence[tuple[int, Part]], legal: LayerTable | None = None) -> Term:
    """parts: (index of the objective, what it adds up); legal: a table whose energy is inf where the layer has no mapping."""
    variables = tuple(sorted({v for _, part in parts for v in part.variables} | set(legal.variables if legal else ())))
    shape = [len(evaluator.options[v]) for v in variables]
    costs = np.zeros((*shape, len(evaluator.study.objectives)))
    for i, part in parts:
        costs[..., i] += _over(variables, part.variables, part.values)
    if legal:
        energy = np.broadcast_to(_over(variables, legal.variables, legal.energy_pj), shape)
        costs[np.isinf(energy)] = np.inf
    return Term(variables, costs, layer)


def _over(variables: Sequence[int], own: Sequence[int], values: Array) -> Array:
    """Values with an axis for each of more variables, of length 1 where they do not depend on it."""
    lengths = dict(zip(own, np.shape(values), strict=True))
    return np.reshape(values, [lengths.get(v, 1) for v in variables])


def _too_many(evaluator: Evaluator, layer: str, variables: Sequence[int]) -> SpecError:
    names = ", ".join(f"`{evaluator.study.precision.variables[v].name}`" for v in variables)
    return SpecError(
        [
            Diagnostic(
                "Q0920",
                f"the exact search cannot follow {len(variables)} activations that are alive at `{layer}` together",
                evaluator.study.network.layer(layer).span,
                notes=(f"their widths can be chosen apart from each other: {names}",),
                helps=("use `search nsga2(...)`, or leave `activation_memory` out of `minimize`",),
            )
        ]
    )
