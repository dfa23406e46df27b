"""The legal orders of the loops of one level: how many there are, which one has a given rank, how many differ in counts.

For given loops every order constraint is a set of precedences ("stands outside"), so the legal orders are the linear
extensions of a partial order over at most a handful of dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from functools import lru_cache
from math import factorial

from qdsl.model.constraint import Order


@dataclass(frozen=True, slots=True)
class Waiting:
    """A tensor whose tile waits below a level for a relevant loop. slides: dimensions that slide its window if their loop
    is the innermost one."""

    relevant: frozenset[str]
    slides: frozenset[str]


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


def order_by(
    present: frozenset[str], orders: tuple[Order, ...], urgency: MappingABC[str, float]
) -> tuple[str, ...] | None:
    """The legal order, outermost loop first, in which of the loops that may come next the least urgent one does; None if no
    order is legal."""
    if not orders:
        return tuple(sorted(present, key=lambda d: (urgency[d], d)))
    outside = _outside(present, orders)
    order: tuple[str, ...] = ()
    while len(order) < len(present):
        nexts = [d for d in present.difference(order) if outside[d] <= {*order}]
        if not nexts:
            return None
        order = (*order, min(nexts, key=lambda d: (urgency[d], d)))
    return order


@lru_cache(maxsize=65536)
def class_count(present: frozenset[str], orders: tuple[Order, ...], waiting: tuple[Waiting, ...]) -> int:
    """How many classes the legal orders make, of which there must be one. Orders are of one class if for every waiting
    tensor the same loops stand inside the innermost relevant one, and if the same loop, if any, slides windows.

    Grows all orders from inside until no tensor waits; what follows then makes no difference.
    """
    outside = _outside(present, orders)
    inside = {d: {e for e in present if d in outside[e]} for d in present}
    sliding = frozenset[str]().union(*(w.slides for w in waiting))
    changed = tuple(w for w in dict.fromkeys(waiting) if w.relevant & present)
    # loops so far, tensors that still wait, what tells classes apart: the loops so far whenever a tensor stopped waiting
    grown = {(frozenset[str](), frozenset(range(len(changed))), frozenset[object]())}
    classes = set()
    while grown:
        loops, still, told = grown.pop()
        if not still:
            classes.add(told)
            continue
        for d in present - loops:
            if inside[d] <= loops:
                moved = {i for i in still if d in changed[i].relevant}
                more = {(i, loops) for i in moved} | ({d} if not loops and d in sliding else set())
                grown.add((loops | {d}, still - moved, told | more))
    return len(classes)


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
