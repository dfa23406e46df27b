"""Which loops the levels have so far, as an automaton whose weights are numbers of loop orders, or of their classes.

An order matters to a tensor at a level only while its tile waits there: while no relevant loop stands between the level
and the next one inside that keeps it. Decisions go inwards, so this is assumed first and held against the loops that
follow; of all assumptions just one comes true.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise, product
from typing import Literal

from qdsl.mapspace.loop_orders import Waiting, class_count, order_count
from qdsl.mapspace.space import Space
from qdsl.model.constraint import Order
from qdsl.model.operator import Tensor
from qdsl.symbolic.nest import sliding_axis

Weighing = Literal["placements", "classes", "mappings"]
"""What a choice of loops counts for: once, or as often as there are classes of its orders, or orders."""

# What stands between a level and the next one inside that keeps a tensor: a relevant loop (or no level keeps it), other
# loops only, no loop.
MOVED, WAITING, NEXT = range(3)
_FUTURES = frozenset((MOVED, WAITING, NEXT))

# (assumptions after a level, weight); assumptions: a digit of base 8 per tensor, whose bits are the futures ruled out.
Outcome = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Tile:
    """A tensor as seen from a level. future: what is known to stand further inside, None if that is still open."""

    relevant: frozenset[str]
    slides: frozenset[str]
    future: int | None


@dataclass(frozen=True)
class LevelLoops:
    """A level with its decisions. Sets of loops are bits, in the order of the dimensions."""

    dims: tuple[str, ...]
    orders: tuple[Order, ...]
    tiles: tuple[Tile, ...]
    weighing: Weighing

    def steps(self, decided: int, loops: int, assumed: int, more: bool) -> Iterator[tuple[int, int, int]]:
        """(loops, assumptions, weight) after the decision of a dimension. decided: the number of earlier ones at the level;
        more: with a loop of more than one iteration. Sets of loops that all further decisions treat alike are one."""
        loops |= more << decided
        if decided + 1 == len(self.dims):
            yield from ((0, after, weight) for after, weight in self._outcomes(assumed)[loops])
        else:
            yield self._merged(decided + 1, assumed)[loops], assumed, 1

    def _merged(self, decided: int, assumed: int) -> tuple[int, ...]:
        """Per set of the first `decided` loops the first set that all completions treat alike."""
        if (decided, assumed) not in self._known_merged:
            outcomes = self._outcomes(assumed)
            first: dict[tuple[tuple[Outcome, ...], ...], int] = {}
            # completions differ in the higher bits, so they are every 2^decided-th outcome
            self._known_merged[decided, assumed] = tuple(
                first.setdefault(outcomes[loops :: 1 << decided], loops) for loops in range(1 << decided)
            )
        return self._known_merged[decided, assumed]

    def _outcomes(self, assumed: int) -> tuple[tuple[Outcome, ...], ...]:
        """Per set of loops what follows from it; nothing if no order is legal or an assumption is wrong."""
        if assumed not in self._known_outcomes:
            sets = (frozenset(d for k, d in enumerate(self.dims) if s >> k & 1) for s in range(1 << len(self.dims)))
            self._known_outcomes[assumed] = tuple(tuple(self._outcomes_of(present, assumed)) for present in sets)
        return self._known_outcomes[assumed]

    def _outcomes_of(self, present: frozenset[str], assumed: int) -> Iterator[Outcome]:
        orders = order_count(present, self.orders)
        if not orders:
            return
        if self.weighing != "classes":
            yield 0, orders if self.weighing == "mappings" else 1
            return
        found: Counter[int] = Counter()
        for chosen in product(*(_futures(t, present, assumed >> 3 * i & 7) for i, t in enumerate(self.tiles))):
            waiting = tuple(
                Waiting(t.relevant, t.slides if future == NEXT else frozenset())
                for t, (future, _) in zip(self.tiles, chosen, strict=True)
                if future != MOVED
            )
            after = sum(excluded << 3 * i for i, (_, excluded) in enumerate(chosen))
            found[after] += class_count(present, self.orders, waiting)
        yield from sorted(found.items())

    @cached_property
    def _known_outcomes(self) -> dict[int, tuple[tuple[Outcome, ...], ...]]:
        return {}

    @cached_property
    def _known_merged(self) -> dict[tuple[int, int], tuple[int, ...]]:
        return {}


def level_loops(space: Space, positions: Sequence[tuple[str, str]], weighing: Weighing) -> dict[str, LevelLoops]:
    """Per level with decisions its loops. positions: (place, dimension) of all decisions, outermost first."""
    levels = space.accelerator.levels
    here = [i for i, level in enumerate(levels) if any(place == level.name for place, _ in positions)]
    found = {}
    for i, after in pairwise([*here, len(levels)]):
        tiles = []
        for tensor in space.problem.operator.tensors:
            keeper = next((k for k, level in enumerate(levels) if k > i and level.keeps(tensor.name)), None)
            future = MOVED if keeper is None else NEXT if keeper <= after else None
            tiles.append(Tile(frozenset(tensor.dims), _sliding(space, tensor), future))
        name = levels[i].name
        dims = tuple(d for place, d in positions if place == name)
        found[name] = LevelLoops(dims, space.orders.get(name, ()), tuple(tiles), weighing)
    return found


def _sliding(space: Space, tensor: Tensor) -> frozenset[str]:
    """Dimensions a loop over which may slide a window of a tensor: another one of the same axis has several values."""
    found = []
    for d in () if tensor.is_output else tensor.dims:
        axis = sliding_axis(tensor, d)
        if axis is not None and any(space.problem.size(other) > 1 for other in axis.dims if other != d):
            found.append(d)
    return frozenset(found)


def _futures(tile: Tile, present: frozenset[str], excluded: int) -> list[tuple[int, int]]:
    """(future, futures excluded from now on) of a tensor above a level with these loops: one entry per group of futures
    that its orders treat alike and that earlier assumptions admit."""
    relevant = present & tile.relevant

    def from_outside(future: int) -> int:
        """What a level outside has between it and the tile if the future of this one is known."""
        return MOVED if relevant else min(future, WAITING) if present else future

    possible = {f for f in _FUTURES if not excluded >> from_outside(f) & 1}
    if tile.future is not None:
        return [(tile.future, 0)] if tile.future in possible else []
    if not relevant:
        groups = [possible]
    elif present & tile.slides:
        groups = [possible & {f} for f in _FUTURES]
    else:
        groups = [possible & {MOVED}, possible & {WAITING, NEXT}]
    return [(min(group), sum(1 << f for f in _FUTURES - group)) for group in groups if group]
