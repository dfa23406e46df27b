"""What is to be added up: costs that few variables have together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DIGITS = 48
"""Costs are rounded to 2^-48 of the largest total: then sums are exact in any order."""
TIE_DIGITS = 38
"""Totals of designs that differ by less than 2^-38 of the largest one are equal: rounding of costs can make as much."""


@dataclass(frozen=True)
class Term:
    """variables: ascending indices. costs: float64[*options of each variable, objectives], at least 0; inf where the
    choice is not legal. label: what it belongs to, for messages."""

    variables: tuple[int, ...]
    costs: Array
    label: str = ""


@dataclass(frozen=True)
class Sum:
    """Terms to be added up in their order. counts: options of every variable. peak: bool[objectives], True where the
    total is the largest cost and not the sum. kept: the options of every variable that the terms still offer."""

    terms: tuple[Term, ...]
    counts: tuple[int, ...]
    peak: npt.NDArray[np.bool_]
    kept: tuple[Ints, ...]

    @property
    def largest(self) -> Array:
        """float64[objectives]: no total is more; positive."""
        tops = [
            np.where(np.isfinite(t.costs), t.costs, 0.0).reshape(-1, len(self.peak)).max(axis=0) for t in self.terms
        ]
        found = reduce(self.join, tops, np.zeros(len(self.peak)))
        return np.where(found > 0, found, 1.0)

    def join(self, a: Array, b: Array) -> Array:
        """Totals of parts. a, b: float64[..., objectives]"""
        total: Array = np.where(self.peak, np.maximum(a, b), a + b)
        return total


def problem(terms: Sequence[Term], counts: Sequence[int], peak: Sequence[bool]) -> Sum:
    """Rounded terms without options that another one replaces at no cost."""
    everything = Sum(tuple(terms), tuple(counts), np.array(peak, bool), tuple(np.arange(n) for n in counts))
    return _without_replaceable(_rounded(everything))


def _rounded(x: Sum) -> Sum:
    quantum = 2.0 ** (np.ceil(np.log2(x.largest)) - DIGITS)
    return replace(x, terms=tuple(replace(t, costs=np.round(t.costs / quantum) * quantum) for t in x.terms))


def _without_replaceable(x: Sum) -> Sum:
    """Drops an option if another one of the same variable costs no more in any term, whatever the other variables are:
    a front keeps its values. Of options that cost the same the last one stays."""
    terms, kept = list(x.terms), list(x.kept)
    for v in range(len(x.counts)):
        concerned = [i for i, t in enumerate(terms) if v in t.variables]
        flat = [
            np.moveaxis(terms[i].costs, terms[i].variables.index(v), 0).reshape(len(kept[v]), -1) for i in concerned
        ]
        if not flat:
            kept[v] = kept[v][-1:]
            continue
        stay = _irreplaceable(np.concatenate(flat, axis=1))
        kept[v] = kept[v][stay]
        for i in concerned:
            t = terms[i]
            terms[i] = replace(t, costs=np.take(t.costs, stay, axis=t.variables.index(v)))
    return replace(x, terms=tuple(terms), kept=tuple(kept))


def _irreplaceable(costs: Array) -> list[int]:
    """costs: float64[options, places]"""
    stay: list[int] = []
    for o in reversed(range(len(costs))):
        if not any((costs[p] <= costs[o]).all() for p in stay):
            stay = [p for p in stay if not ((costs[o] <= costs[p]).all())]
            stay.append(o)
    return sorted(stay)
