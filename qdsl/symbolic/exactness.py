"""How large the whole numbers of a graph of formulas can get, so that nobody trusts one that was rounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import TypeAlias

from qdsl.symbolic.trace import Graph, Node, Operand

EXACT = 2**53
"""Whole numbers below it are exact in double precision."""


@dataclass(frozen=True, slots=True)
class Bound:
    """`coefficient` times the product of inputs to some powers. powers: (position of the input, power > 0)."""

    coefficient: int
    powers: tuple[tuple[int, int], ...] = ()

    def value(self, largest: Mapping[int, int]) -> int:
        """largest: the largest value of inputs, by position."""
        size: int = self.coefficient * prod(largest[i] ** power for i, power in self.powers)
        return size


_ZERO, _ONE = Bound(0), Bound(1)
# A number lies between -low and high.
_Range: TypeAlias = tuple[Bound, Bound]


def bounds(graph: Graph, inputs: Sequence[Node], outputs: Iterable[Node], factors: int) -> list[Bound]:
    """Bounds of all whole numbers that are computed on the way to outputs, as multiples of the product of the first `factors`
    inputs.

    These are the factors of a nest: their product, the operations, is known better than the largest of each, and nearly all
    counts have each of them once. `powers` are what comes on top. Every input is at least 1.
    """
    position = {node.index: i for i, node in enumerate(inputs)}
    ranges: dict[int, _Range] = {}
    worst: dict[tuple[tuple[int, int], ...], int] = {}
    for index in graph.needed(outputs):
        operation = graph.operations[index]
        if index in position:
            ranges[index] = _ZERO, Bound(1, ((position[index], 1),))
        elif operation.whole and operation.function != "round_up":  # a double that is rounded up is exact
            ranges[index] = _range(operation.function, [_of(x, ranges) for x in operation.operands])
            for bound in ranges[index]:
                on_top = tuple((i, n) for i, power in bound.powers if (n := power - (i < factors)) > 0)
                worst[on_top] = max(worst.get(on_top, 1), bound.coefficient)
    return [Bound(coefficient, powers) for powers, coefficient in worst.items()]


def _of(x: Operand, ranges: Mapping[int, _Range]) -> _Range:
    if isinstance(x, Node):
        return ranges[x.index]
    return Bound(max(-int(x), 0)), Bound(max(int(x), 0))


def _range(function: str, x: Sequence[_Range]) -> _Range:
    lows, highs = zip(*x, strict=True)
    match function:
        case "add":
            return _sum(lows), _sum(highs)
        case "subtract":
            return _sum((lows[0], highs[1])), _sum((highs[0], lows[1]))
        case "multiply" if set(lows) == {_ZERO}:
            return _ZERO, _product(highs)
        case "multiply":
            size = _product(_sum(r) for r in x)
            return size, size
        case "positive_part":
            return _ZERO, highs[0]
        case "ceil_div" | "revisits":
            return x[0]
        case "if_innermost":
            return x[1]
        case "unless":
            return _sum(lows[1:]), _sum(highs[1:])
        case "distinct_sums":
            return _ZERO, _product(highs[1::2])
        case "common_divisor" | "larger" | "smaller":
            return _sum(lows), _sum(highs)
        case "at_most":
            return _ZERO, _ONE
    raise AssertionError(f"no bound of {function}")


def _product(bounds: Iterable[Bound]) -> Bound:
    powers: Counter[int] = Counter()
    coefficient = 1
    for bound in bounds:
        coefficient *= bound.coefficient
        powers.update(dict(bound.powers))
    return Bound(coefficient, tuple(sorted(powers.items())))


def _sum(bounds: Iterable[Bound]) -> Bound:
    powers: dict[int, int] = {}
    coefficient = 0
    for bound in bounds:
        coefficient += bound.coefficient
        for i, power in bound.powers:
            powers[i] = max(powers.get(i, 0), power)
    return Bound(coefficient, tuple(sorted(powers.items())))
