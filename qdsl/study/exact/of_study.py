"""A study's objectives as terms."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.study.exact.term import Sum, Term, problem
from qdsl.study.objectives import PEAKS, Evaluator, Part

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
    keys = sorted(found, key=lambda key: (order[key[0]], key[1]))
    terms = [_term(evaluator, layer, found[layer, peak]) for layer, peak in keys]
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


def _term(evaluator: Evaluator, layer: str, parts: Sequence[tuple[int, Part]]) -> Term:
    """parts: (index of the objective, what it adds up)"""
    variables = tuple(sorted({v for _, part in parts for v in part.variables}))
    costs = np.zeros((*(len(evaluator.options[v]) for v in variables), len(evaluator.study.objectives)))
    for i, part in parts:
        lengths = dict(zip(part.variables, part.values.shape, strict=True))
        costs[..., i] += part.values.reshape([lengths.get(v, 1) for v in variables])
    return Term(variables, costs, layer)


def _too_many(evaluator: Evaluator, layer: str, variables: Sequence[int]) -> SpecError:
    names = ", ".join(f"`{evaluator.study.precision.variables[v].name}`" for v in variables)
    return SpecError(
        [
            Diagnostic(
                "Q0914",
                f"the exact search cannot follow {len(variables)} activations that are alive at `{layer}` together",
                evaluator.study.network.layer(layer).span,
                notes=(f"their widths can be chosen apart from each other: {names}",),
                helps=("use `search nsga2(...)`, or leave `activation_memory` out of `minimize`",),
            )
        ]
    )
