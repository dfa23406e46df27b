"""What moves between a level and the next outer one that keeps the tensor, by doing it: values held, fetched, passed on,
written back and remembered, per instance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from qdsl.interpreter.nest import Address, Box, LoopNest, Point, Step, Tiles, points, tiles_of
from qdsl.interpreter.sharing import fanouts_between, groups
from qdsl.model.accelerator import FanOut
from qdsl.model.operator import Tensor


@dataclass(frozen=True, slots=True)
class Moved:
    """Values of the whole run and all instances: reads and updates at the parent, fills at the child. passed: what one
    child reads to pass tiles on to neighbours, on average over the different tiles, rounded down."""

    reads: int
    updates: int
    fills: int
    passed: int


def move_input(nest: LoopNest, tensor: Tensor, parent: int, child: int) -> Moved:
    """Run an input between two items; `child` may be the compute units, which hold nothing from step to step."""
    view, fanouts = tiles_of(nest, tensor, child), fanouts_between(nest, parent, child)
    reads: dict[Address, int] = dict.fromkeys(nest.addresses(parent), 0)
    fills: dict[Address, int] = dict.fromkeys(nest.addresses(child), 0)
    served = _served(nest, tensor, fanouts, view, reads)
    passed = 0  # by all groups below one parent
    held: dict[Address, Box] = {}
    before: Step | None = None
    for step in nest.steps():
        now = step[: view.depth]
        stays = before is not None and all(now[i] == before[i] for i in view.changing)
        advanced = before is not None and [i for i in range(view.depth) if now[i] != before[i]] == [view.innermost]
        before = now
        if stays and child != nest.compute:
            continue
        tiles = _tiles(view, now, fills)
        wanted = {address: points(tile) for address, tile in tiles.items()}
        given: set[Address] = set()
        if advanced and child != nest.compute and _moves_one_window(tensor, held, tiles):
            wanted = {address: wanted[address] - points(held[address]) for address in tiles}
            given = _from_neighbours(nest, tensor, child, held, tiles)
        for address in tiles:
            fills[address] += len(wanted[address])
        for around, found in served.items():
            for group in found:
                asked: dict[Box, set[Point]] = defaultdict(set)
                for address in group:
                    if address in tiles and group[0] not in given:
                        asked[tiles[address]] |= wanted[address]
                reads[around] += sum(map(len, asked.values()))
        passed += sum(len(wanted[group[0]]) for group in next(iter(served.values())) if group[0] in given)
        held = tiles
    shared = len(next(iter(served.values())))
    return Moved(_all(nest, reads), 0, _all(nest, fills), passed // shared)


def move_output(nest: LoopNest, tensor: Tensor, parent: int, child: int) -> Moved:
    """Run the output between two items. A child writes its tile back when it leaves it, and at the end; a compute unit
    delivers its value at every step. Reading is accumulating: an update of a value that the parent instance has had
    an update of before, and a tile with values that the child has held before. (With `first_output_fills` a child fills
    zeros where it has no partial sum.)"""
    zeros = nest.accelerator.first_output_fills
    view, fanouts = tiles_of(nest, tensor, child), fanouts_between(nest, parent, child)
    reads: dict[Address, int] = dict.fromkeys(nest.addresses(parent), 0)
    updates: dict[Address, int] = dict.fromkeys(reads, 0)
    produced: dict[Address, set[Point]] = defaultdict(set)
    fills: dict[Address, int] = dict.fromkeys(nest.addresses(child), 0)
    known: dict[Address, set[Point]] = defaultdict(set)
    served = _served(nest, tensor, fanouts, view, reads)

    def write_back(tiles: Mapping[Address, Box]) -> None:
        for around, found in served.items():
            for group in found:
                for tile in {tiles[address] for address in group if address in tiles}:
                    delivered = points(tile)
                    updates[around] += len(delivered)
                    reads[around] += len(delivered & produced[around])
                    produced[around] |= delivered

    held: dict[Address, Box] = {}
    before: Step | None = None
    for step in nest.steps():
        now = step[: view.depth]
        stays = before is not None and all(now[i] == before[i] for i in view.changing)
        before = now
        if stays and child != nest.compute:
            continue
        if held:
            write_back(held)
        held = _tiles(view, now, fills)
        for address, tile in held.items():
            fills[address] += len(points(tile) if zeros else points(tile) & known[address])
            known[address] |= points(tile)
    write_back(held)
    return Moved(_all(nest, reads), _all(nest, updates), _all(nest, fills), 0)


def _served(
    nest: LoopNest, tensor: Tensor, fanouts: Sequence[int], view: Tiles, parents: Iterable[Address]
) -> dict[Address, list[list[Address]]]:
    """The groups below each parent. Tiles with what lies past the ends all move alike, so those that coincide at the first
    step coincide at every one."""
    tile = partial(view.whole, (0,) * view.depth)
    return {around: groups(nest, tensor, fanouts, [around], tile) for around in parents}


def _tiles(view: Tiles, step: Step, addresses: Iterable[Address]) -> dict[Address, Box]:
    """Of the instances that have something to do."""
    tiles = {address: view.at(step, address) for address in addresses}
    return {address: tile for address, tile in tiles.items() if tile is not None}


def _moves_one_window(tensor: Tensor, old: Mapping[Address, Box], new: Mapping[Address, Box]) -> bool:
    """Whether the tiles moved along exactly one axis, one that several dimensions share."""
    address = next(iter(new))
    moved = [axis for axis, a, b in zip(tensor.axes, old[address], new[address], strict=True) if a != b]
    return len(moved) == 1 and len(moved[0].terms) > 1


def _from_neighbours(
    nest: LoopNest, tensor: Tensor, child: int, old: Mapping[Address, Box], new: Mapping[Address, Box]
) -> set[Address]:
    """Children that get their new tile from an instance of the array directly around them rather than from the parent.

    The array must forward the tensor, no value may stay in place, and the new tile of some instance must be the old one
    of the instance that is one further in a dimension unrolled on X alone. Then whatever any of them had is passed on.
    """
    part = nest.accelerator.hierarchy[child - 1]
    if not isinstance(part, FanOut) or tensor.name not in part.forward:
        return set()
    if part.multicast is not None and tensor.name not in part.multicast:
        return set()
    if any(points(new[address]) & points(old[address]) for address in new):
        return set()
    locals_ = nest.branches(child - 1)
    arrays = {address[: len(address) - len(locals_[0])] for address in new}
    given: set[Address] = set()
    for array in arrays:
        siblings = [array + local for local in locals_ if array + local in new]
        if any(new[a] == old[b] for a in siblings for b in siblings if _is_next(nest, child - 1, a, b)):
            had = {old[a] for a in siblings}
            given |= {a for a in siblings if new[a] in had}
    return given


def _is_next(nest: LoopNest, fanout: int, here: Address, there: Address) -> bool:
    """Whether `there` is one further than `here` in one dimension of the fan-out that is unrolled on X and not on Y."""
    counters = [c for c in nest.spatial if c.item <= fanout]
    distance: dict[str, int] = defaultdict(int)
    for c, a, b in zip(counters, here, there, strict=True):
        distance[c.dim] += (b - a) * c.stride
    apart = [dim for dim, d in distance.items() if d]
    if len(apart) != 1:
        return False
    loops = [c for c in counters if c.item == fanout and c.dim == apart[0] and c.factor > 1]
    return distance[apart[0]] == min(c.stride for c in loops) and all(c.axis == "x" for c in loops)


def _all(nest: LoopNest, counts: Mapping[Address, int]) -> int:
    """The sum over all instances. They are all alike, unless a dimension has an end before its loops do."""
    assert nest.ends or len(set(counts.values())) == 1
    return sum(counts.values())
