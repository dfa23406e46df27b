"""The order in which variables are eliminated: terms are added one after the other, and a variable goes with its last term.

Between two steps only the variables count that earlier and later terms share, the *frontier*: in a network the activations
that are still to be read. What only one term depends on, as the weights of a layer, is eliminated within it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from qdsl.study.exact.dominance import non_dominated
from qdsl.study.exact.term import Array, Ints, Sum, Term

Frontier = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """One term. before, after: frontier on its two sides. groups: of the rows of the term that no other beats with the same
    options of all frontier variables (`choices`: int64[rows, variables of the term], `costs`: float64[rows, objectives]).
    moves: (state before, group, state after), states numbered in the order of the product of options."""

    term: Term
    before: Frontier
    after: Frontier
    choices: Ints
    costs: Array
    groups: tuple[slice, ...]
    moves: tuple[tuple[int, int, int], ...]
    states: tuple[int, int]

    @cached_property
    def by_target(self) -> dict[int, list[tuple[int, int]]]:
        """(state before, group) of the moves into each state after."""
        out: dict[int, list[tuple[int, int]]] = {}
        for source, group, target in self.moves:
            out.setdefault(target, []).append((source, group))
        return out


def steps_of(x: Sum) -> tuple[Step, ...]:
    """One step per term, in order."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for i, term in enumerate(x.terms):
        for v in term.variables:
            first.setdefault(v, i)
            last[v] = i
    counts = [len(k) for k in x.kept]
    steps = []
    before: Frontier = ()
    for i, term in enumerate(x.terms):
        after = tuple(sorted({v for v in (*before, *term.variables) if last[v] > i}))
        outer = tuple(v for v in term.variables if first[v] < i or last[v] > i)
        choices, costs, groups = _grouped(term, outer)
        moves = tuple(_moves(before, outer, after, [_options(choices[g], term, outer) for g in groups], counts))
        states = (_product(before, counts), _product(after, counts))
        steps.append(Step(term, before, after, choices, costs, groups, moves, states))
        before = after
    return tuple(steps)


def _grouped(term: Term, outer: Sequence[int]) -> tuple[Ints, Array, tuple[slice, ...]]:
    """Rows of a term sorted by the options of `outer`, without those that are not legal or beaten with the same options."""
    shape = term.costs.shape[:-1]
    choices = np.stack(np.unravel_index(np.arange(int(np.prod(shape))), shape), axis=1) if shape else np.zeros((1, 0))
    costs = term.costs.reshape(-1, term.costs.shape[-1])
    legal = np.isfinite(costs).all(axis=1)
    choices, costs = choices[legal].astype(np.int64), costs[legal]
    columns = [term.variables.index(v) for v in outer]
    key = np.zeros(len(choices), np.int64)
    for c in columns:
        key = key * shape[c] + choices[:, c]
    # of equal rows the one with the last options stays
    order = np.lexsort([*(-choices.T), key])
    choices, costs, key = choices[order], costs[order], key[order]
    bounds = np.flatnonzero(np.diff(key, prepend=-1, append=-2))
    kept = [a + non_dominated(costs[a:b]) for a, b in itertools.pairwise(bounds)]
    ends = np.cumsum([0, *map(len, kept)])
    rows = np.concatenate(kept) if kept else np.empty(0, np.intp)
    return choices[rows], costs[rows], tuple(slice(int(a), int(b)) for a, b in itertools.pairwise(ends))


def _options(choices: Ints, term: Term, outer: Sequence[int]) -> dict[int, int]:
    return {v: int(choices[0, term.variables.index(v)]) for v in outer}


def _moves(
    before: Frontier, outer: Frontier, after: Frontier, groups: Sequence[dict[int, int]], counts: Sequence[int]
) -> Iterator[tuple[int, int, int]]:
    shared = [v for v in before if v in outer]
    fitting: dict[tuple[int, ...], list[int]] = {}
    for g, options in enumerate(groups):
        fitting.setdefault(tuple(options[v] for v in shared), []).append(g)
    for state, chosen in enumerate(itertools.product(*(range(counts[v]) for v in before))):
        known = dict(zip(before, chosen, strict=True))
        for g in fitting.get(tuple(known[v] for v in shared), ()):
            target = 0
            for v in after:
                target = target * counts[v] + (known[v] if v in known else groups[g][v])
            yield state, g, target


def _product(frontier: Frontier, counts: Sequence[int]) -> int:
    return int(np.prod([counts[v] for v in frontier], dtype=object)) if frontier else 1
