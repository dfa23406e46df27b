"""The legal orders of the loops of one level: how many there are, and which one has a given rank.

For given loops every order constraint is a set of precedences ("stands outside"), so the legal orders are the linear
extensions of a partial order over at most a handful of dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from functools import lru_cache
from math import factorial

from qdsl.model.constraint import Order


@lru_cache(maxsize=16384)
def order_count(present: frozenset[str], orders: tuple[Order, ...]) -> int:
    """How many orders of loops over these dimensions satisfy all constraints; 1 without loops."""
    outside = _outside(present, orders)
    return factorial(len(present)) if not any(outside.values()) else _completions(outside, frozenset(), {})


@lru_cache(maxsize=16384)
def order_at(present: frozenset[str], orders: tuple[Order, ...], rank: int) -> tuple[str, ...]:
    """The legal order with a rank from 0 to `order_count` - 1 in alphabetical succession, outermost loop first."""
    outside = _outside(present, orders)
    known: dict[frozenset[str], int] = {}
    order: tuple[str, ...] = ()
    while len(order) < len(present):
        placed = frozenset(order)
        for dim in sorted(present - placed):
            if outside[dim] <= placed:
                ways = _completions(outside, placed | {dim}, known)
                if rank < ways:
                    order = (*order, dim)
                    break
                rank -= ways
        else:
            raise IndexError("no legal order has this rank")
    return order


def _outside(present: frozenset[str], orders: tuple[Order, ...]) -> dict[str, set[str]]:
    """Per dimension those whose loops must stand outside its loop."""
    outside: dict[str, set[str]] = {d: set() for d in present}
    for order in orders:
        listed = [d for d in order.dims if d in present]
        others = present - set(listed)
        for i, d in enumerate(listed):
            outside[d].update(listed[:i])
            if order.anchor == "innermost":
                outside[d] |= others
            elif order.anchor == "outermost":
                for other in others:
                    outside[other].add(d)
    return outside


def _completions(outside: MappingABC[str, set[str]], placed: frozenset[str], known: dict[frozenset[str], int]) -> int:
    """How many ways there are to go on inwards when the dimensions in `placed` already have their loop."""
    if len(placed) == len(outside):
        return 1
    if placed not in known:
        nexts = [d for d, needed in outside.items() if d not in placed and needed <= placed]
        known[placed] = sum(_completions(outside, placed | {d}, known) for d in nexts)
    return known[placed]
