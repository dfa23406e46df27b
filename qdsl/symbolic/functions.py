"""The few functions that counts need besides + - *, for three kinds of numbers at once.

Python integers (exact, any size: `eval`), numpy arrays (the mapper's kernels) and sympy expressions (`explain`, code
generation) go through the same formulas of this package; here each function picks the form for its arguments.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import gcd
from typing import Any

# An int, a numpy integer array, or a sympy expression.
Count = Any


def ceil_div(a: Count, b: Count) -> Count:
    """ceil(a / b) for a >= 0, b >= 1, without floating point."""
    if _symbolic(a, b):
        from qdsl.symbolic.symbols import CeilDiv

        return CeilDiv(a, b)
    return -(-a // b)


def revisits(factor: Count, inside: Count) -> Count:
    """How often an irrelevant loop of `factor` iterations changes a tile when the relevant loops inside it have
    `inside` iterations together: not at all (1) while there are none, at each iteration otherwise."""
    if _symbolic(factor, inside):
        from qdsl.symbolic.symbols import Revisits

        return Revisits(factor, inside)
    if isinstance(inside, int):
        return factor if inside > 1 else 1
    import numpy as np

    return np.where(inside > 1, factor, 1)


def if_innermost(inside: Count, value: Count) -> Count:
    """`value` if all loops inside have one iteration (`inside` == 1), else 0."""
    if _symbolic(inside, value):
        from qdsl.symbolic.symbols import IfInnermost

        return IfInnermost(inside, value)
    if isinstance(inside, int):
        return value if inside == 1 else 0
    import numpy as np

    return np.where(inside == 1, value, 0)


def positive_part(a: Count) -> Count:
    """max(a, 0)."""
    if _symbolic(a):
        from qdsl.symbolic.symbols import PositivePart

        return PositivePart(a)
    if isinstance(a, int):
        return max(a, 0)
    import numpy as np

    return np.maximum(a, 0)


def distinct_sums(terms: Sequence[tuple[Count, Count]]) -> Count:
    """How many different values sum(step_i * k_i), 0 <= k_i < count_i takes: the distinct tile offsets along one axis.

    One term: its count. Two: count_1 * count_2 less the pairs that meet an earlier pair again when one index moves by
    the other's step. More terms are enumerated.
    """
    if not terms:
        return 1
    if len(terms) == 1:
        return terms[0][1]
    flat = [x for term in terms for x in term]
    if _symbolic(*flat):
        from qdsl.symbolic.symbols import DistinctSums

        return DistinctSums(*flat)
    if all(isinstance(x, int) for x in flat):
        return _distinct_sums(tuple(terms))
    import numpy as np

    if len(terms) == 2:
        (a, n), (b, m) = terms
        g = np.gcd(a, b)
        return n * m - np.maximum(n - b // g, 0) * np.maximum(m - a // g, 0)
    columns = np.broadcast_arrays(*flat)
    rows, inverse = np.unique(np.stack([c.ravel() for c in columns]), axis=1, return_inverse=True)
    counts = [_distinct_sums(tuple(zip(r[::2], r[1::2], strict=True))) for r in rows.T.tolist()]
    return np.asarray(counts, dtype=np.int64)[inverse.reshape(-1)].reshape(columns[0].shape)


def fresh_sums(shift: Count, linked: int, terms: Sequence[tuple[Count, Count]]) -> Count:
    """How many of the distinct sums are new after all of them moved by `shift`, if a neighbour one step along one of the
    first `linked` terms had the others before (`shift` equals that term's step); all of them if there is no such term."""
    flat = [x for term in terms for x in term]
    if _symbolic(shift, *flat):
        from qdsl.symbolic.symbols import FreshSums

        return FreshSums(shift, linked, *flat)
    everything = distinct_sums(terms)
    fresh = everything
    for i, (step, count) in enumerate(terms[:linked]):
        longer = distinct_sums([*terms[:i], (step, count + 1), *terms[i + 1 :]]) - everything
        if all(isinstance(x, int) for x in (shift, *flat)):
            fresh = longer if step == shift and count > 1 else fresh
        else:
            import numpy as np

            fresh = np.where((np.asarray(step) == shift) & (np.asarray(count) > 1), longer, fresh)
    return fresh


def unless(condition: Count, value: Count, otherwise: Count) -> Count:
    """`value` where `condition` is 0, else `otherwise`."""
    if _symbolic(condition, value, otherwise):
        from qdsl.symbolic.symbols import Unless

        return Unless(condition, value, otherwise)
    if isinstance(condition, int):
        return value if condition == 0 else otherwise
    import numpy as np

    return np.where(np.asarray(condition) == 0, value, otherwise)


@lru_cache(maxsize=65536)
def _distinct_sums(terms: tuple[tuple[int, int], ...]) -> int:
    terms = tuple((step, count) for step, count in terms if count > 1)
    if len(terms) <= 1:
        return terms[0][1] if terms else 1
    if len(terms) == 2:
        (a, n), (b, m) = terms
        g = gcd(a, b)
        return n * m - max(0, n - b // g) * max(0, m - a // g)
    sums = {0}
    for step, count in terms:
        sums = {s + step * k for s in sums for k in range(count)}
    return len(sums)


def _symbolic(*values: Count) -> bool:
    return any(hasattr(v, "free_symbols") for v in values)
