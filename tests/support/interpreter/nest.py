"""The loop nest as counters that turn: steps, instances, and where the tile of a tensor lies at each of them.

A *step* is the tuple of the indices of all temporal loops, outermost first. An *address* is the tuple of the indices of
the spatial loops outside a level; that of an instance begins with that of the instance around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Operator, Tensor

Step = tuple[int, ...]
Address = tuple[int, ...]
# First and last coordinate along each axis of a tensor.
Box = tuple[tuple[int, int], ...]
Point = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Counter:
    """One loop. stride: how far an iteration moves its dimension; item: index in the hierarchy of the level or fan-out
    where it stands; axis: 'x' or 'y' of a spatial loop, '' of a temporal one."""

    dim: str
    factor: int
    stride: int
    item: int
    axis: str


@dataclass(frozen=True)
class LoopNest:
    """temporal, spatial: the counters, outermost first. compute: the item that stands for the compute units."""

    accelerator: Accelerator
    operator: Operator
    temporal: tuple[Counter, ...]
    spatial: tuple[Counter, ...]

    @property
    def compute(self) -> int:
        return len(self.accelerator.hierarchy)

    def steps(self) -> Iterator[Step]:
        return product(*(range(c.factor) for c in self.temporal))

    def addresses(self, item: int) -> list[Address]:
        """Addresses of all instances of an item that the mapping uses."""
        return list(product(*(range(c.factor) for c in self.spatial if c.item < item)))

    def branches(self, fanout: int) -> list[Address]:
        """What one fan-out appends to the address of the instance around it, for each of its used instances."""
        return list(product(*(range(c.factor) for c in self.spatial if c.item == fanout)))


def nest_of(accelerator: Accelerator, operator: Operator, mapping: Mapping) -> LoopNest:
    """The counters of a mapping. The stride of a loop is what the loops over its dimension inside it cover."""
    written: list[tuple[str, int, int, str]] = []
    for item, part in enumerate(accelerator.hierarchy):
        axes = zip("xy", part.places, strict=True) if isinstance(part, FanOut) else [("", part.name)]
        written += [(loop.dim, loop.factor, item, axis) for axis, place in axes for loop in mapping.loops(place)]
    covered = dict.fromkeys(operator.dims, 1)
    counters: list[Counter] = []
    for dim, factor, item, axis in reversed(written):
        counters.insert(0, Counter(dim, factor, covered[dim], item, axis))
        covered[dim] *= factor
    return LoopNest(
        accelerator, operator, tuple(c for c in counters if not c.axis), tuple(c for c in counters if c.axis)
    )


@dataclass(frozen=True)
class Tiles:
    """The tiles of one tensor at one item.

    depth: so many of the temporal counters, the outermost ones, stand outside; the tile moves with them alone.
    relevant: those among them over dimensions of the tensor; innermost: the last of them that turns, None without one.
    pulls: per axis how far one iteration of each temporal, and of each spatial counter outside moves the tile.
    spans: per axis the distance from the first to the last coordinate.
    """

    depth: int
    relevant: tuple[int, ...]
    innermost: int | None
    pulls: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    spans: tuple[int, ...]

    def at(self, step: Step, address: Address) -> Box:
        """The box that an instance holds at a step."""
        box = []
        for (by_time, by_place), span in zip(self.pulls, self.spans, strict=True):
            low = sum(i * d for i, d in zip(step[: self.depth], by_time, strict=True))
            low += sum(i * d for i, d in zip(address, by_place, strict=True))
            box.append((low, low + span))
        return tuple(box)


def tiles_of(nest: LoopNest, tensor: Tensor, item: int) -> Tiles:
    """The loops at an item and inside it span the tile, those outside move it."""
    time = [c for c in nest.temporal if c.item < item]
    place = [c for c in nest.spatial if c.item < item]
    inside = [c for c in (*nest.temporal, *nest.spatial) if c.item >= item]
    pulls, spans = [], []
    for axis in tensor.axes:
        weight = {term.dim: term.coefficient for term in axis.terms}
        move = [tuple(weight.get(c.dim, 0) * c.stride for c in counters) for counters in (time, place)]
        pulls.append((move[0], move[1]))
        spans.append(sum(weight.get(c.dim, 0) * c.stride * (c.factor - 1) for c in inside))
    turning = [i for i, c in enumerate(time) if c.factor > 1]
    return Tiles(
        len(time),
        tuple(i for i in turning if time[i].dim in tensor.dims),
        turning[-1] if turning else None,
        tuple(pulls),
        tuple(spans),
    )


@lru_cache(maxsize=65536)
def points(box: Box) -> frozenset[Point]:
    """Every point of a box."""
    return frozenset(product(*(range(low, high + 1) for low, high in box)))
