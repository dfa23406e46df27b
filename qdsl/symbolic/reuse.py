"""Why a level sees as few or as many words as it does: which loops and arrays let a tensor be used again, and how much
each of them gains (sections "Visits" and "Multicast and reduction" of README.md)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod

from qdsl.model.accelerator import FanOut, StorageLevel
from qdsl.model.operator import Tensor
from qdsl.symbolic.nest import (
    Nest,
    NestLoop,
    advances,
    distinct_tiles,
    extents,
    fanout_tiles,
    owned_values,
    spatial_factors,
    tile_values,
    visits,
)
from qdsl.symbolic.traffic import Traffic, input_traffic


@dataclass(frozen=True, slots=True)
class Reason:
    """One cause of a count. kind: 'stationary', 'revisited', 'sliding', 'multicast', 'reduction', 'separate', 'forwarding' or
    'first sums'; factor: how many times fewer words move, below 1 for more, None where it is not a factor."""

    kind: str
    text: str
    factor: float | None


def reasons(nest: Nest, tensor: Tensor, item: int, reads: int) -> tuple[Reason, ...]:
    """What decides the counts of a tensor at the level `item`, which keeps it, of a nest with numbers: first how the tile
    is filled from the next level outside, then how the level serves what is inside it. reads: words read there."""
    parent, child = _neighbours(nest, tensor, item)
    filling = () if parent is None else _filling(nest, tensor, item, parent)
    return (*filling, *_serving(nest, tensor, child, item, reads))


def forwards(nest: Nest, tensor: Tensor, item: int) -> int:
    """Values that an instance of a level which keeps the tensor passes on to its neighbours."""
    parent, _ = _neighbours(nest, tensor, item)
    if parent is None or tensor.is_output:
        return 0
    return int(_moved(nest, tensor, item, parent)[1].forwards)


def _filling(nest: Nest, tensor: Tensor, item: int, parent: int) -> Iterator[Reason]:
    outside = [x for x in reversed(nest.loops) if not x.spatial and x.item < item and x.factor > 1]
    first = next((i for i, x in enumerate(outside) if x.dim in tensor.dims), len(outside))
    idle, again = outside[:first], [x for x in outside[first:] if x.dim not in tensor.dims]
    counted = f"updates of {nest.accelerator.hierarchy[parent].name}" if tensor.is_output else "fills"
    if idle:
        n = prod(x.factor for x in idle)
        yield Reason("stationary", f"the tile stays during {_named(idle)}: {n}x fewer {counted}", n)
    if again:
        n = prod(x.factor for x in again)
        yield Reason("revisited", f"the loops inside run again for each of {_named(again)}: {n}x more {counted}", 1 / n)
    if not tensor.is_output:
        whole, moved = _moved(nest, tensor, item, parent)
        if moved.fills < whole:
            gain = whole / moved.fills
            text = f"{_named(outside[:1])} fetches only what is new of each tile: {gain:.4g}x fewer fills"
            yield Reason("sliding", text, gain)


def _serving(nest: Nest, tensor: Tensor, child: int, item: int, reads: int) -> Iterator[Reason]:
    for f in range(item + 1, child):
        fanout = nest.accelerator.hierarchy[f]
        if isinstance(fanout, FanOut):
            yield from _sharing(nest, tensor, f, fanout)
    if tensor.is_output:
        if reads:
            first = owned_values(nest, tensor, item, child)
            yield Reason("first sums", f"{first:,} values begin without being read", None)
    elif child < nest.compute_item:
        _, moved = _moved(nest, tensor, child, item)
        alone = moved.fills * distinct_tiles(nest, tensor, child, item)
        if moved.reads < alone:
            text = f"neighbours pass on what they had: {alone / moved.reads:.4g}x fewer reads"
            yield Reason("forwarding", text, alone / moved.reads)


def _sharing(nest: Nest, tensor: Tensor, item: int, fanout: FanOut) -> Iterator[Reason]:
    factors = spatial_factors(nest, item)
    used, tiles = prod(factors.values()), fanout_tiles(fanout, tensor, extents(nest, item + 1), factors)
    kind, counted, sharing = (
        ("reduction", "updates", fanout.reduce) if tensor.is_output else ("multicast", "reads", fanout.multicast)
    )
    if tiles < used:
        have = f"{tiles} different tiles" if tiles > 1 else "the same tile"
        text = f"{used} instances of {fanout.name} hold {have}: {used / tiles:.4g}x fewer {counted}"
        yield Reason(kind, text, used / tiles)
    elif sharing is not None and tensor.name not in sharing and any(d not in tensor.dims for d in factors):
        yield Reason("separate", f"instances of {fanout.name} hold equal tiles, which it does not share", 1.0)


def _moved(nest: Nest, tensor: Tensor, child: int, parent: int) -> tuple[int, Traffic]:
    """Values that would fill the child if every visit fetched the whole tile of an input, and what moves."""
    tile, distinct = tile_values(tensor, extents(nest, child)), distinct_tiles(nest, tensor, child, parent)
    times, moving = visits(nest, tensor, child)
    return tile * times, input_traffic(tile, times, distinct, advances(nest, tensor, child, distinct, moving))


def _neighbours(nest: Nest, tensor: Tensor, item: int) -> tuple[int | None, int]:
    """The next outer and the next inner item that keep a tensor: None outside the outermost, then the compute units."""
    keepers = [i for i, part in enumerate(nest.accelerator.hierarchy) if _keeps(part, tensor.name)]
    place = keepers.index(item)
    return (keepers[place - 1] if place else None), [*keepers, nest.compute_item][place + 1]


def _named(loops: list[NestLoop]) -> str:
    """Outermost first. loops: innermost first."""
    return ", ".join(f"{x.dim} {x.factor} at {x.place}" for x in reversed(loops))


def _keeps(part: object, tensor: str) -> bool:
    return isinstance(part, StorageLevel) and part.keeps(tensor)
