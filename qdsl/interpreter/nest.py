"""The loop nest as counters that turn: steps, instances, and where the tile of a tensor lies at each of them.

A *step* is the tuple of the indices of all temporal loops, outermost first. An *address* is the tuple of the indices of
the spatial loops outside a level; that of an instance begins with that of the instance around it. Where the loops over a
dimension go past its size, what lies there is not done: a step or an instance with nothing else to do is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from operator import mul

from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.mapping import Mapping as LoopMapping
from qdsl.model.operator import Operator, Problem, Tensor

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
    """temporal, spatial: the counters, outermost first. ends: sizes of the dimensions whose loops go past them. compute: the
    item that stands for the compute units."""

    accelerator: Accelerator
    operator: Operator
    temporal: tuple[Counter, ...]
    spatial: tuple[Counter, ...]
    ends: tuple[tuple[str, int], ...]

    @property
    def compute(self) -> int:
        return len(self.accelerator.hierarchy)

    def runs(self, step: Step, address: Address) -> bool:
        """Whether any iteration inside the loops that have these indices lies within the sizes. step, address: may be those
        of outer loops alone."""
        return all(self.first(dim, step, address) < end for dim, end in self.ends)

    def first(self, dim: str, step: Step, address: Address) -> int:
        """The smallest index of a dimension inside the loops that have these indices."""
        turned = (*zip(self.temporal, step, strict=False), *zip(self.spatial, address, strict=False))
        return sum(i * c.stride for c, i in turned if c.dim == dim)

    def steps(self) -> Iterator[Step]:
        """Those at which the first instance, which has the smallest indices, has something to do."""
        return (s for s in product(*(range(c.factor) for c in self.temporal)) if self.runs(s, ()))

    def addresses(self, item: int) -> list[Address]:
        """Addresses of all instances of an item that ever have something to do."""
        every = product(*(range(c.factor) for c in self.spatial if c.item < item))
        return [address for address in every if self.runs((), address)]

    def branches(self, fanout: int) -> list[Address]:
        """What one fan-out appends to the address of the instance around it, for each of its used instances."""
        return list(product(*(range(c.factor) for c in self.spatial if c.item == fanout)))


def nest_of(accelerator: Accelerator, problem: Problem, mapping: LoopMapping) -> LoopNest:
    """The counters of a mapping. The stride of a loop is what the loops over its dimension inside it cover. A padded
    problem has no end but that of its loops."""
    operator = problem.operator
    written: list[tuple[str, int, int, str]] = []
    for item, part in enumerate(accelerator.hierarchy):
        axes = zip("xy", part.places, strict=True) if isinstance(part, FanOut) else [("", part.name)]
        written += [(loop.dim, loop.factor, item, axis) for axis, place in axes for loop in mapping.loops(place)]
    covered = dict.fromkeys(operator.dims, 1)
    counters: list[Counter] = []
    for dim, factor, item, axis in reversed(written):
        counters.insert(0, Counter(dim, factor, covered[dim], item, axis))
        covered[dim] *= factor
    sizes = zip(operator.dims, problem.sizes, strict=True)
    ends = tuple((d, n) for d, n in sizes if covered[d] > n and mapping.imperfect == "partial")
    return LoopNest(
        accelerator, operator, tuple(c for c in counters if not c.axis), tuple(c for c in counters if c.axis), ends
    )


@dataclass(frozen=True)
class Tiles:
    """The tiles of one tensor at one item.

    depth: so many of the temporal counters, the outermost ones, stand outside; the tile moves with them alone.
    changing: those of them that change the tile when they turn: over a dimension of the tensor, or around such a counter,
    which begins again then; innermost: the last that turns, None without one.
    pulls: per axis how far one iteration of each temporal, and of each spatial counter outside moves the tile.
    spans: per axis the distance from the first to the last coordinate. extents: of the dimensions that have an end.
    """

    nest: LoopNest
    tensor: Tensor
    depth: int
    changing: tuple[int, ...]
    innermost: int | None
    pulls: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]
    spans: tuple[int, ...]
    extents: Mapping[str, int]

    def at(self, step: Step, address: Address) -> Box | None:
        """The box that an instance holds at a step, None if it has nothing to do in it."""
        if not self.nest.ends:
            return self.whole(step, address)
        outside = step[: self.depth]
        if not self.nest.runs(outside, address):
            return None
        past = {
            dim: max(0, self.nest.first(dim, outside, address) + self.extents[dim] - end) for dim, end in self.nest.ends
        }
        return tuple(
            (low, high - sum(t.coefficient * past.get(t.dim, 0) for t in axis.terms))
            for axis, (low, high) in zip(self.tensor.axes, self.whole(step, address), strict=True)
        )

    def whole(self, step: Step, address: Address) -> Box:
        """The box with what lies past the ends."""
        box = []
        for (by_time, by_place), span in zip(self.pulls, self.spans, strict=True):
            low = sum(map(mul, step, by_time)) + sum(map(mul, address, by_place))
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
    relevant = [i for i in turning if time[i].dim in tensor.dims]
    extents = {d: 1 + sum(c.stride * (c.factor - 1) for c in inside if c.dim == d) for d, _ in nest.ends}
    return Tiles(
        nest,
        tensor,
        len(time),
        tuple(i for i in turning if relevant and i <= relevant[-1]),
        turning[-1] if turning else None,
        tuple(pulls),
        tuple(spans),
        extents,
    )


@lru_cache(maxsize=65536)
def points(box: Box) -> frozenset[Point]:
    """Every point of a box."""
    return frozenset(product(*(range(low, high + 1) for low, high in box)))
