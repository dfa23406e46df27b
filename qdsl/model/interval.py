"""What a formula can be when its parts lie in intervals: sound bounds, which rule out many mappings at once."""

from __future__ import annotations

from collections.abc import Callable
from math import inf, isnan
from typing import Any

from qdsl.model.constraint import Constant, Formula, Operation

Interval = tuple[float, float]
_ANYTHING: Interval = (-inf, inf)


def bounds(formula: Formula, part: Callable[[Any], Interval]) -> Interval:
    """Least and greatest value of a formula (truth is 0 or 1) over all values of its parts that are no numbers.

    The bounds may be too wide, never too narrow: rounding is monotone, so they also hold for `value_of` in floats. A number
    that may be undefined has no bounds.
    """
    if isinstance(formula, Constant):
        return formula.value, formula.value
    if isinstance(formula, Operation):
        return _operation(formula.op, [bounds(x, part) for x in formula.operands])
    return part(formula)


def _operation(op: str, operands: list[Interval]) -> Interval:
    if op == "and":
        return min(lo for lo, _ in operands), min(hi for _, hi in operands)
    if op == "or":
        return max(lo for lo, _ in operands), max(hi for _, hi in operands)
    if op == "not":
        ((lo, hi),) = operands
        return 1 - hi, 1 - lo
    if op == "neg":
        ((lo, hi),) = operands
        return -hi, -lo
    if op in ("max", "min"):
        if _ANYTHING in operands:
            return _ANYTHING
        pick = max if op == "max" else min
        return pick(lo for lo, _ in operands), pick(hi for _, hi in operands)
    if op == "in":
        (a, b), *options = operands
        each = [_comparison("==", a, b, *option) for option in options]
        return max(lo for lo, _ in each), max(hi for _, hi in each)
    (a, b), (c, d) = operands
    if op in ("<", "<=", ">", ">=", "==", "!="):
        return _comparison(op, a, b, c, d)
    if op == "+":
        return _known(a + c, b + d)
    if op == "-":
        return _known(a - d, b - c)
    if op == "*":
        return _known(a * c, a * d, b * c, b * d)
    if op == "/":
        return _ANYTHING if c <= 0 <= d else _known(a / c, a / d, b / c, b / d)
    raise ValueError(f"no operation {op}")


def _comparison(op: str, a: float, b: float, c: float, d: float) -> Interval:
    """[a, b] compared with [c, d]."""
    match op:
        case "<":
            return float(b < c), float(a < d)
        case "<=":
            return float(b <= c), float(a <= d)
        case ">" | ">=":
            return _comparison(op.replace(">", "<"), c, d, a, b)
        case "==":
            return float(a == b == c == d), float(a <= d and c <= b)
    never, sometimes = _comparison("==", a, b, c, d)
    return 1 - sometimes, 1 - never


def _known(*corners: float) -> Interval:
    return _ANYTHING if any(isnan(x) for x in corners) else (min(corners), max(corners))
