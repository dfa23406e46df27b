"""Counts of nests in which the last iterations of loops may be partial (section "Imperfect factors" of README.md).

Instances have different amounts to do, so all of them are counted together, with integers only. The values that move are a
product over the axes of a tensor, of a sum over the tiles along each axis, and over the other dimensions, of how many
iterations run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import takewhile
from math import prod

from qdsl.model.accelerator import FanOut, StorageLevel
from qdsl.model.operator import Axis, Tensor
from qdsl.symbolic.functions import ceil_div, distinct_sums
from qdsl.symbolic.nest import (
    Nest,
    NestLoop,
    axis_extent,
    extents,
    fanout_tiles,
    fresh_tiles,
    linked_dims,
    sliding_axis,
    spatial_factors,
    step_of,
)
from qdsl.symbolic.tilings import Extents, combinations, extent_along, loops_over, total
from qdsl.symbolic.traffic import Traffic


def largest_tile(nest: Nest, item: int) -> dict[str, int]:
    """Extents of the first tile at an item, which is the largest."""
    return {d: min(e, nest.sizes[d]) for d, e in extents(nest, item).items()}


def steps(nest: Nest) -> int:
    """Temporal iterations that run."""
    return combinations(nest, nest.operator.dims, nest.compute_item, lambda loop: loop.spatial)


def used_instances(nest: Nest, item: int) -> int:
    """Instances of an item that ever do something."""
    return combinations(nest, nest.operator.dims, item, lambda loop: not loop.spatial)


def traffic(nest: Nest, tensor: Tensor, child: int, parent: int) -> Traffic:
    """What moves between an item and the next outer level that keeps the tensor: the mean of the instances, rounded up."""
    moved = totals(nest, tensor, child, parent)
    children, parents = used_instances(nest, child), used_instances(nest, parent)
    return Traffic(ceil_div(moved.fills, children), 0, ceil_div(moved.reads, parents), ceil_div(moved.updates, parents))


def totals(nest: Nest, tensor: Tensor, child: int, parent: int) -> Traffic:
    """What moves, of all instances together."""
    shared = [i for i in range(parent + 1, child) if _shares(nest.accelerator.hierarchy[i], tensor)]
    held, served = _moved(nest, tensor, child, ()), _moved(nest, tensor, child, shared)
    if not tensor.is_output:
        return Traffic(held, 0, served, 0)
    zeros = nest.accelerator.first_output_fills
    fills = held - (0 if zeros else _owned(nest, tensor, child, child))
    return Traffic(fills, 0, served - _owned(nest, tensor, parent, child), served)


def obstacles(nest: Nest) -> Iterator[str]:
    """Why a nest cannot be counted here; nothing if it can."""
    output = nest.operator.output
    for axis in output.axes:
        partial = [d for d in axis.dims if prod(x.factor for x in nest.loops if x.dim == d) > nest.sizes[d]]
        if len(axis.dims) > 1 and partial:
            yield f"tiles of `{output.name}` overlap along `{partial[0]}`"
    for tensor in nest.operator.inputs:
        for child in range(1, nest.compute_item):
            if _passes_on(nest, tensor, child):
                yield f"`{nest.accelerator.hierarchy[child - 1].name}` passes tiles of `{tensor.name}` on"


def _moved(nest: Nest, tensor: Tensor, child: int, shared: Collection[int]) -> int:
    """Values that the instances of an item exchange with the outside; those that several have in common below the fan-outs
    `shared` count once."""
    outside = _temporal(nest, child) if child != nest.compute_item else []
    stationary = list(takewhile(lambda loop: loop.dim not in tensor.dims, outside))
    irrelevant = [d for d in nest.operator.dims if d not in tensor.dims]
    moved = combinations(nest, irrelevant, child, lambda loop: loop in stationary or loop.item in shared)
    innermost = outside[0] if outside and not tensor.is_output else None
    window = sliding_axis(tensor, innermost.dim) if innermost else None
    for axis in tensor.axes:
        if innermost and axis is window:
            moved *= _slid(nest, axis, child, shared, innermost)
        else:
            moved *= total(nest, axis, child, extent_along(axis), shared)
    return moved


def _slid(nest: Nest, axis: Axis, child: int, shared: Collection[int], innermost: NestLoop) -> int:
    """Values along an axis on which the innermost loop outside slides a window: the whole at its first iteration, then
    what is new."""
    whole = extent_along(axis)
    stays = extents(nest, child)[innermost.dim] - step_of(nest, innermost)

    def new(tile: Extents) -> int:
        return whole(tile) - max(0, whole({**tile, innermost.dim: stays}))

    def first(loop: NestLoop) -> bool:
        return loop is innermost

    at_first = total(nest, axis, child, whole, shared, first)
    return at_first + total(nest, axis, child, new, shared) - total(nest, axis, child, new, shared, first)


def _owned(nest: Nest, tensor: Tensor, item: int, child: int) -> int:
    """Different values of the output in the tiles of `child` below each instance of an item, of all instances together."""
    irrelevant = [d for d in nest.operator.dims if d not in tensor.dims]
    owned = combinations(nest, irrelevant, item, lambda loop: not loop.spatial)
    for axis in tensor.axes:
        if len(axis.terms) == 1:
            # its tiles lie apart, and each belongs to one instance
            owned *= total(nest, axis, child, extent_along(axis))
        else:
            owned *= _covered(nest, axis, item, child)
    return owned


def _covered(nest: Nest, axis: Axis, item: int, child: int) -> int:
    """`_owned` along one axis whose tiles may overlap and are all full."""
    sums, instances = [(1, axis_extent(axis, extents(nest, child)))], 1
    for term in axis.terms:
        for loop in loops_over(nest, term.dim, child):
            if loop.spatial and loop.item < item:
                instances *= loop.factor
            else:
                sums.append((term.coefficient * step_of(nest, loop), loop.factor))
    return instances * int(distinct_sums(sums))


def _temporal(nest: Nest, item: int) -> list[NestLoop]:
    """Temporal loops of more than one iteration outside an item, innermost first."""
    return [x for x in reversed(nest.loops) if not x.spatial and x.item < item and x.factor > 1]


def _shares(part: object, tensor: Tensor) -> bool:
    if not isinstance(part, FanOut):
        return False
    names = part.reduce if tensor.is_output else part.multicast
    return names is None or tensor.name in names


def _passes_on(nest: Nest, tensor: Tensor, child: int) -> bool:
    """Whether instances of a level have tiles for their neighbours when the innermost loop outside advances."""
    fanout, level = nest.accelerator.hierarchy[child - 1 : child + 1]
    outside = _temporal(nest, child)
    if not isinstance(fanout, FanOut) or not isinstance(level, StorageLevel) or not outside:
        return False
    factors = spatial_factors(nest, child - 1)
    linked = linked_dims(fanout, tensor, outside[0].dim, factors, spatial_factors(nest, child - 1, fanout.places[0]))
    if not linked or not level.keeps(tensor.name):
        return False
    tile, step = extents(nest, child), step_of(nest, outside[0])
    tiles = fanout_tiles(fanout, tensor, tile, factors)
    return bool(fresh_tiles(tensor, outside[0].dim, tile, factors, linked, step, 0, tiles) < tiles)
