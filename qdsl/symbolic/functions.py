"""The few functions that counts need besides + - *, for four kinds of numbers at once.

Python numbers (exact, any size: `eval`), numpy arrays (the mapper's kernels), sympy expressions (`explain`, those kernels)
and nodes of a graph (`trace`, the kernels of whole evaluations) go through the same formulas of this package; here each
function picks the form for its arguments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache, reduce
from math import ceil, gcd
from operator import add
from typing import Any

from qdsl.symbolic.trace import Node

# An int, a numpy integer array, a sympy expression or a node. (In energies and times a float in place of the int.)
Count = Any


def ceil_div(a: Count, b: Count) -> Count:
    """ceil(a / b) for a >= 0, b >= 1, without floating point."""
    if type(a) is int and type(b) is int:
        return -(-a // b)
    form = _form("ceil_div", a, b)
    return -(-a // b) if form is None else form


def revisits(factor: Count, inside: Count) -> Count:
    """How often an irrelevant loop of `factor` iterations changes a tile when the relevant loops inside it have
    `inside` iterations together: not at all (1) while there are none, at each iteration otherwise."""
    if (form := _form("revisits", factor, inside)) is not None:
        return form
    if isinstance(inside, int):
        return factor if inside > 1 else 1
    import numpy as np

    return np.where(inside > 1, factor, 1)


def if_innermost(inside: Count, value: Count) -> Count:
    """`value` if all loops inside have one iteration (`inside` == 1), else 0."""
    if (form := _form("if_innermost", inside, value)) is not None:
        return form
    if isinstance(inside, int):
        return value if inside == 1 else 0
    import numpy as np

    return np.where(inside == 1, value, 0)


def positive_part(a: Count) -> Count:
    """max(a, 0)."""
    if (form := _form("positive_part", a)) is not None:
        return form
    if isinstance(a, int):
        return max(a, 0)
    import numpy as np

    return np.maximum(a, 0)


def distinct_sums(terms: Sequence[tuple[Count, Count]]) -> Count:
    """How many different values sum(step_i * k_i), 0 <= k_i < count_i takes: the distinct tile offsets along one axis.

    One term: its count. Two: count_1 * count_2 less the pairs that meet an earlier pair again when one index moves by
    the other's step. Of more terms those that go on evenly or lie apart are taken together; the rest is enumerated.
    """
    if not terms:
        return 1
    if len(terms) == 1:
        return terms[0][1]
    flat = [x for term in terms for x in term]
    if all(isinstance(x, int) for x in flat):
        return _distinct_sums(tuple(terms))
    if len(terms) == 2 and not any(map(_is_sympy, flat)):
        (a, n), (b, m) = terms
        g = _common_divisor(a, b)
        return n * m - positive_part(n - ceil_div(b, g)) * positive_part(m - ceil_div(a, g))
    if (form := _form("distinct_sums", *flat)) is not None:
        return form
    import numpy as np

    columns = np.broadcast_arrays(*flat)
    rows, inverse = np.unique(np.stack([c.ravel() for c in columns]), axis=1, return_inverse=True)
    counts = [_distinct_sums(tuple(zip(r[::2], r[1::2], strict=True))) for r in rows.T.tolist()]
    return np.asarray(counts, dtype=np.int64)[inverse.reshape(-1)].reshape(columns[0].shape)


def fresh_sums(shift: Count, linked: int, terms: Sequence[tuple[Count, Count]]) -> Count:
    """How many of the distinct sums are new after all of them moved by `shift`, if a neighbour one step along one of the
    first `linked` terms had the others before (`shift` equals that term's step); all of them if there is no such term."""
    flat = [x for term in terms for x in term]
    if any(map(_is_sympy, (shift, *flat))):
        return _form("fresh_sums", shift, linked, *flat)
    everything = distinct_sums(terms)
    fresh = everything
    for i, (step, count) in enumerate(terms[:linked]):
        longer = distinct_sums([*terms[:i], (step, count + 1), *terms[i + 1 :]]) - everything
        fresh = unless(step - shift, unless(if_innermost(count, 1), longer, fresh), fresh)
    return fresh


def unless(condition: Count, value: Count, otherwise: Count) -> Count:
    """`value` where `condition` is 0, else `otherwise`."""
    if (form := _form("unless", condition, value, otherwise)) is not None:
        return form
    if isinstance(condition, int):
        return value if condition == 0 else otherwise
    import numpy as np

    return np.where(np.asarray(condition) == 0, value, otherwise)


def at_most(a: Count, b: Count) -> Count:
    """1 if a <= b, else 0."""
    form = _form("at_most", a, b)
    return int(a <= b) if form is None else form


def smaller(a: Count, b: Count) -> Count:
    form = _form("smaller", a, b)
    return min(a, b) if form is None else form


def larger(a: Count, b: Count) -> Count:
    form = _form("larger", a, b)
    return max(a, b) if form is None else form


def round_up(a: Count) -> Count:
    """The least integer that is not below."""
    form = _form("round_up", a)
    return ceil(a) if form is None else form


def real(a: Count) -> Count:
    """A floating-point number."""
    form = _form("real", a)
    return float(a) if form is None else form


def total(values: Iterable[Count]) -> Count:
    """The sum, one value after the other: of floating-point numbers `sum` is rounded otherwise in some versions of Python."""
    return reduce(add, values, 0)


@lru_cache(maxsize=65536)
def _distinct_sums(terms: tuple[tuple[int, int], ...]) -> int:
    left = _joined(terms)
    apart = 1
    while len(left) > 2 and left[-1][0] > sum(step * (count - 1) for step, count in left[:-1]):
        apart *= left.pop()[1]
    if len(left) <= 1:
        return apart * (left[0][1] if left else 1)
    if len(left) == 2:
        (a, n), (b, m) = left
        g = gcd(a, b)
        return apart * (n * m - max(0, n - b // g) * max(0, m - a // g))
    sums = 1  # bit i is set if i is a sum
    for step, count in left:
        copies = 1
        while copies < count:
            more = min(copies, count - copies)
            sums |= sums << step * more
            copies += more
    return apart * sums.bit_count()


def _joined(terms: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Terms with the same sums, by ascending step: one that goes on evenly where another ends, or before, is part of it."""
    out: list[tuple[int, int]] = []
    for step, count in sorted(x for x in terms if x[1] > 1):
        for i, (unit, n) in enumerate(out):
            if step % unit == 0 and step <= unit * n:
                out[i] = unit, n + step // unit * (count - 1)
                break
        else:
            out.append((step, count))
    return out


def _common_divisor(a: Count, b: Count) -> Count:
    if (form := _form("common_divisor", a, b)) is not None:
        return form
    import numpy as np

    return np.gcd(a, b)


def _form(function: str, *values: Count) -> Count | None:
    """A function as an expression, where a value is one; None for numbers."""
    for value in values:
        if isinstance(value, Node):
            return value.graph.apply(function, *values)
        if _is_sympy(value):
            from qdsl.symbolic import symbols

            return symbols.FORMS[function](*values)
    return None


def _is_sympy(value: Count) -> bool:
    return hasattr(value, "free_symbols")
