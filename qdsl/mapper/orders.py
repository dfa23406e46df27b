"""Loop orders of one level, collapsed into the few classes that differ in cost.

Of the loops at a level only two things matter to a tensor whose tile is waiting below: which irrelevant loops lie
contiguously innermost (they do not change the tile), and whether the innermost loop slides a window of it. All
stationary sets of one order are prefixes of it, so a class is a prefix, innermost first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from qdsl.model.constraint import Order


@dataclass(frozen=True, slots=True)
class Waiting:
    """A tensor whose tile waits for a relevant loop. slides: dimensions that slide its window when innermost; forwarded:
    whether neighbours may pass its tiles on then, which can be dearer than reading them again."""

    name: str
    relevant: frozenset[str]
    slides: frozenset[str] = frozenset()
    forwarded: bool = False


@dataclass(frozen=True, slots=True)
class OrderClass:
    """active: dimensions that may have a loop; prefix: the innermost ones, innermost first; the rest is arbitrary as far
    as `completed` allows. stationary: per waiting tensor the length of the prefix that leaves its tile unchanged."""

    active: frozenset[str]
    prefix: tuple[str, ...]
    stationary: tuple[int, ...]
    slide: str | None


@lru_cache(maxsize=4096)
def order_classes(
    allowed: frozenset[str], waiting: tuple[Waiting, ...], orders: tuple[Order, ...]
) -> tuple[OrderClass, ...]:
    """The undominated classes over loops of `allowed` dimensions. With free orders every dimension may be active at
    once: a loop of one iteration costs nothing. Under order constraints its absence can permit a better order, so every
    active set is tried."""
    constrained = allowed if any(o.anchor for o in orders) else frozenset(d for o in orders for d in o.dims) & allowed
    free = allowed - constrained
    found: dict[tuple[object, ...], OrderClass] = {}
    for size in range(len(constrained), -1, -1):
        for subset in combinations(sorted(constrained), size):
            active = free | frozenset(subset)
            if not _consistent(active, orders):
                continue
            for c in _prefixes(active, waiting, orders):
                signature = (active, c.slide, tuple(frozenset(c.prefix[:n]) for n in c.stationary))
                found.setdefault(signature, c)
    classes = list(found.values())
    forwarding = frozenset(d for w in waiting if w.forwarded for d in w.slides)

    def dominated(i: int, c: OrderClass) -> bool:
        others = (o for j, o in enumerate(classes) if j != i and (o.slide == c.slide or o.slide not in forwarding))
        return any(_dominates(o, c, classes.index(o) < i) for o in others)

    return tuple(c for i, c in enumerate(classes) if not dominated(i, c))


def completed(c: OrderClass, orders: tuple[Order, ...]) -> tuple[str, ...]:
    """A whole legal order of the active dimensions that begins with the prefix, innermost first."""
    sequence = list(c.prefix)
    while len(sequence) < len(c.active):
        sequence.append(min(d for d in c.active - set(sequence) if _may_follow(d, sequence, c.active, orders)))
    return tuple(sequence)


def _prefixes(active: frozenset[str], waiting: tuple[Waiting, ...], orders: tuple[Order, ...]) -> Iterator[OrderClass]:
    def extend(prefix: tuple[str, ...], still: frozenset[int], lengths: tuple[int, ...]) -> Iterator[OrderClass]:
        nexts = [d for d in sorted(active - set(prefix)) if _may_follow(d, prefix, active, orders)]
        going = False
        for d in nexts:
            stay = frozenset(i for i in still if d not in waiting[i].relevant)
            first_slides = not prefix and any(d in w.slides for w in waiting)
            if stay or first_slides:
                grown = tuple(n + 1 if i in stay else n for i, n in enumerate(lengths))
                yield from extend((*prefix, d), stay, grown)
            going = going or not (stay or first_slides)
        if going or not nexts:
            slide = prefix[0] if prefix and any(prefix[0] in w.slides for w in waiting) else None
            yield OrderClass(active, prefix, lengths, slide)

    yield from extend((), frozenset(range(len(waiting))), (0,) * len(waiting))


def _consistent(active: frozenset[str], orders: tuple[Order, ...]) -> bool:
    """Whether the loops can be ordered at all. A legal prefix can then be completed: the demands are precedences."""
    sequence: list[str] = []
    while len(sequence) < len(active):
        nexts = [d for d in active - set(sequence) if _may_follow(d, sequence, active, orders)]
        if not nexts:
            return False
        sequence.append(min(nexts))
    return True


def _may_follow(
    dim: str, inner: tuple[str, ...] | list[str], active: frozenset[str], orders: tuple[Order, ...]
) -> bool:
    """Whether `dim` may come next outside `inner` under every order constraint (whose lists are outermost first)."""
    for order in orders:
        listed = [d for d in order.dims if d in active]
        unplaced = [d for d in listed if d not in inner]
        if dim in unplaced and unplaced[-1] != dim:
            return False
        if order.anchor == "innermost" and unplaced and dim not in unplaced:
            return False
        if order.anchor == "outermost" and dim in listed and any(d not in inner and d not in listed for d in active):
            return False
    return True


def _dominates(a: OrderClass, b: OrderClass, earlier: bool) -> bool:
    """Whether every choice of loops in class b costs at least as much as the same choice in class a."""
    if not b.active <= a.active or b.slide not in (None, a.slide):
        return False
    sets_a = [frozenset(a.prefix[:n]) & b.active for n in a.stationary]
    sets_b = [frozenset(b.prefix[:n]) for n in b.stationary]
    if not all(y <= x for x, y in zip(sets_a, sets_b, strict=True)):
        return False
    strictly = a.active != b.active or a.slide != b.slide or sets_a != sets_b
    return strictly or earlier
