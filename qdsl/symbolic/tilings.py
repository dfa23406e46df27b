"""Tiles of nests whose loops go past the sizes of dimensions, counted without visiting them.

The tiles of a dimension are numbered by the indices of the loops outside them as the digits of a mixed radix. They exist up
to the last one, which may be smaller. So how many of them some digits reach, while the others are 0, is found digit by
digit: as long as all digits are those of the last tile, the next one decides; once one of them was below, the others are
free.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from collections.abc import Mapping as MappingABC
from itertools import product
from math import prod

from qdsl.model.accelerator import FanOut
from qdsl.model.operator import Axis, Term
from qdsl.symbolic.functions import ceil_div
from qdsl.symbolic.nest import Nest, NestLoop, axis_extent, extents, step_of

Extents = MappingABC[str, int]
# Says of which loops only the first iteration is looked at.
Still = Callable[[NestLoop], bool]
# Where a tile lies among those that instances hold at once: how far from the first, along some arrays.
Position = tuple[int, ...]
# Full tiles that instances hold at once, and the last tile if it is among them.
Held = tuple[tuple[Position, ...], Position | None]


def nothing(_: NestLoop) -> bool:
    """No loop is still."""
    return False


def combinations(nest: Nest, dims: Collection[str], item: int, still: Still = nothing) -> int:
    """Combinations of the indices of the loops over some dimensions outside an item that run."""
    return prod(sum(_held(nest, d, item, still, ()).values()) for d in dims)


def extent_along(axis: Axis) -> Callable[[Extents], int]:
    """The function from the extents of a tile's dimensions to its extent along an axis."""
    return lambda tile: int(axis_extent(axis, tile))


def total(
    nest: Nest,
    axis: Axis,
    item: int,
    value: Callable[[Extents], int],
    shared: Collection[int] = (),
    still: Still = nothing,
) -> int:
    """Sum over all tiles along one axis that instances of an item work on. value: of a tile with the given extents.

    Below the fan-outs `shared` tiles that coincide count once, with the largest of their values.
    """
    arrays = _diagonal(nest, axis, item, shared)
    held = [_held(nest, d, item, still, arrays) for d in axis.dims]
    sizes = [(extents(nest, item)[d], _last_extent(nest, d, item)) for d in axis.dims]
    found = 0
    for at_once in product(*(h.items() for h in held)):
        tiles: dict[tuple[Position, int], int] = {}
        members = [_members(h, t, *n) for (h, _), t, n in zip(at_once, axis.terms, sizes, strict=True)]
        for choice in product(*members):
            tile = {d: extent for d, (_, extent) in zip(axis.dims, choice, strict=True)}
            where = tuple(map(sum, zip(*(distance for distance, _ in choice), strict=True)))
            key = where, int(axis_extent(axis, tile))
            tiles[key] = max(value(tile), tiles.get(key, 0))
        found += prod(times for _, times in at_once) * sum(tiles.values())
    return found


def _diagonal(nest: Nest, axis: Axis, item: int, shared: Collection[int]) -> list[int]:
    """The fan-outs among `shared` whose instances can have the same tile because several dimensions of an axis differ."""
    unrolled = Counter(i for d in axis.dims for i in {loop.item for loop in loops_over(nest, d, item)})
    parts = [(i, nest.accelerator.hierarchy[i]) for i in shared if unrolled[i] > 1]
    return [i for i, part in parts if isinstance(part, FanOut) and not part.separate_diagonals]


def _members(held: Held, term: Term, full: int, last: int) -> list[tuple[Position, int]]:
    """The tiles of a dimension held at once: how far each is along the axis, and its extent."""
    positions, end = held
    tiles = [*((p, full) for p in positions), *([] if end is None else [(end, last)])]
    return [(tuple(term.coefficient * n for n in p), extent) for p, extent in tiles]


def _held(nest: Nest, dim: str, item: int, still: Still, arrays: Sequence[int]) -> Counter[Held]:
    """How often instances hold which tiles of a dimension at once. Of the loops outside the item those at `arrays` tell
    instances apart, the others moments (and instances elsewhere)."""
    held: Counter[Held] = Counter({((), (0,) * len(arrays)): 1})
    for loop, digit in _digits(nest, dim, item):
        after: Counter[Held] = Counter()
        for (full, last), times in held.items():
            below = full if last is None else (*full, last)
            if still(loop):
                after[(below, None) if digit else (full, last)] += times
            elif loop.item in arrays:
                moves = [tuple(k * step_of(nest, loop) * (a == loop.item) for a in arrays) for k in range(loop.factor)]
                lower = [] if last is None else [_plus(last, move) for move in moves[:digit]]
                moved = tuple(_plus(p, move) for p in full for move in moves)
                after[(*moved, *lower), None if last is None else _plus(last, moves[digit])] += times
            elif last is None:
                after[full, None] += times * loop.factor
            else:
                after[below, None] += times * digit
                after[full, last] += times
                after[full, None] += times * (loop.factor - 1 - digit)
        held = Counter({h: n for h, n in after.items() if n and h != ((), None)})
    return held


def _plus(one: Position, other: Position) -> Position:
    return tuple(a + b for a, b in zip(one, other, strict=True))


def loops_over(nest: Nest, dim: str, item: int) -> list[NestLoop]:
    """The loops over a dimension outside an item, outermost first."""
    return [loop for loop in nest.loops if loop.dim == dim and loop.item < item]


def _digits(nest: Nest, dim: str, item: int) -> list[tuple[NestLoop, int]]:
    """The loops over a dimension outside an item, outermost first, with their indices at the last tile."""
    rest = _tiles(nest, dim, item) - 1
    found: list[tuple[NestLoop, int]] = []
    for loop in reversed(loops_over(nest, dim, item)):
        rest, digit = divmod(rest, loop.factor)
        found.append((loop, digit))
    return found[::-1]


def _tiles(nest: Nest, dim: str, item: int) -> int:
    return int(ceil_div(nest.sizes[dim], extents(nest, item)[dim]))


def _last_extent(nest: Nest, dim: str, item: int) -> int:
    return int(nest.sizes[dim] - (_tiles(nest, dim, item) - 1) * extents(nest, item)[dim])
