"""What moves between a level and the next outer one that keeps the tensor, by doing it: values held, fetched, passed on,
written back and remembered, per instance."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from qdsl.model.accelerator import FanOut
from qdsl.model.operator import Tensor
from tests.support.interpreter.nest import Address, Box, LoopNest, Point, Step, points, tiles_of
from tests.support.interpreter.sharing import fanouts_between, representatives


@dataclass(frozen=True, slots=True)
class Moved:
    """Values of the whole run: reads and updates of one instance of the parent, fills of one instance of the child, and
    reads of one instance of the child to pass tiles on to its neighbours."""

    reads: int
    updates: int
    fills: int
    passed: int


def move_input(nest: LoopNest, tensor: Tensor, parent: int, child: int) -> Moved:
    """Run an input between two items; `child` may be the compute units, which hold nothing from step to step."""
    view, fanouts = tiles_of(nest, tensor, child), fanouts_between(nest, parent, child)
    reads: dict[Address, int] = dict.fromkeys(nest.addresses(parent), 0)
    fills: dict[Address, int] = dict.fromkeys(nest.addresses(child), 0)
    passed = 0
    held: dict[Address, Box] = {}
    before: Step | None = None
    for step in nest.steps():
        now = step[: view.depth]
        stays = before is not None and all(now[i] == before[i] for i in view.relevant)
        advanced = before is not None and [i for i in range(view.depth) if now[i] != before[i]] == [view.innermost]
        before = now
        if stays and child != nest.compute:
            continue
        tiles = {address: view.at(step, address) for address in fills}
        wanted = {address: points(tile) for address, tile in tiles.items()}
        given: set[Address] = set()
        if advanced and child != nest.compute and _moves_one_window(tensor, held, tiles):
            wanted = {address: wanted[address] - points(held[address]) for address in tiles}
            given = _from_neighbours(nest, tensor, child, held, tiles)
        for address in tiles:
            fills[address] += len(wanted[address])
        for around in reads:
            served = representatives(nest, tensor, fanouts, around, tiles)
            reads[around] += sum(len(wanted[address]) for address in served if address not in given)
        passed += sum(len(wanted[address]) for address in given)
        held = tiles
    return Moved(_same(reads), 0, _same(fills), passed // len(fills))


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

    def write_back(tiles: Mapping[Address, Box]) -> None:
        for around in reads:
            for address in representatives(nest, tensor, fanouts, around, tiles):
                delivered = points(tiles[address])
                updates[around] += len(delivered)
                reads[around] += len(delivered & produced[around])
                produced[around] |= delivered

    held: dict[Address, Box] = {}
    before: Step | None = None
    for step in nest.steps():
        now = step[: view.depth]
        stays = before is not None and all(now[i] == before[i] for i in view.relevant)
        before = now
        if stays and child != nest.compute:
            continue
        if held:
            write_back(held)
        held = {address: view.at(step, address) for address in fills}
        for address, tile in held.items():
            fills[address] += len(points(tile) if zeros else points(tile) & known[address])
            known[address] |= points(tile)
    write_back(held)
    return Moved(_same(reads), _same(updates), _same(fills), 0)


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
        siblings = [array + local for local in locals_]
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


def _same(counts: Mapping[Address, int]) -> int:
    """The count of every instance; they are all alike, else a count per instance would have no meaning."""
    (count,) = set(counts.values())
    return count
