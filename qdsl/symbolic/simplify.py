"""Formulas of one loop order in their shortest form. Imports sympy."""

from __future__ import annotations

from typing import Any

import sympy

from qdsl.symbolic.symbols import CeilDiv, DistinctSums, IfInnermost, PositivePart, Revisits


def simplified(expression: Any) -> Any:
    """The expression for loops that all run more than once, as those of a mapping do: then their order alone decides
    which is innermost and what is revisited, and no condition on it is left."""
    return _simplified(sympy.sympify(expression))


def _simplified(e: Any) -> Any:
    if not e.args:
        return e
    if isinstance(e, IfInnermost):
        # of one iteration, `inside` would have been decided when the expression was built
        return sympy.Integer(0)
    if isinstance(e, Revisits):
        return _simplified(e.args[0])
    e = e.func(*(_simplified(a) for a in e.args))
    if isinstance(e, PositivePart):
        return _positive_part(e.args[0])
    if isinstance(e, CeilDiv) and e.args[0] + e.args[1] == 1:
        return sympy.Integer(0)  # the floor of 0 / b
    if isinstance(e, DistinctSums):
        return _distinct_sums(e)
    return e


def _positive_part(a: Any) -> Any:
    if a.is_nonnegative:
        return a
    return sympy.Integer(0) if a.is_nonpositive else PositivePart(a)


def _distinct_sums(e: Any) -> Any:
    """Of two terms, one of whose steps is a multiple of the other, a polynomial; as in `functions.distinct_sums`."""
    if len(e.args) != 4:
        return e
    a, n, b, m = e.args
    for step, count, multiple, other in ((a, n, b, m), (b, m, a, n)):
        ratio = multiple / step
        if ratio.is_Integer:
            sums = n * m - _positive_part(count - ratio) * (other - 1)
            return sums if sums.has(PositivePart) else sympy.expand(sums)
    return e
