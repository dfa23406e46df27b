"""The loop nest of a mapping on an accelerator, with numbers or with symbols as factors, and what follows from its shape:
extents, tiles, visits, distinct tiles, used instances (sections "Tiles", "Visits" and "Multicast" of README.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from math import prod

from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Axis, Operator, Problem, Tensor
from qdsl.symbolic.functions import Count, ceil_div, distinct_sums, fresh_sums, positive_part, revisits, unless
from qdsl.symbolic.traffic import Advance

Extents = MappingABC[str, Count]


@dataclass(frozen=True, slots=True)
class NestLoop:
    """item: index into `accelerator.hierarchy` of the level or fan-out where the loop stands."""

    dim: str
    factor: Count
    item: int
    spatial: bool
    place: str


@dataclass(frozen=True)
class Nest:
    """loops: outermost first. sizes: iterations over every dimension of the operator. partial: whether the loops may go past
    them, and what lies there is left out; `partial.py` counts such nests, the functions below take them for the whole."""

    accelerator: Accelerator
    operator: Operator
    sizes: MappingABC[str, Count]
    loops: tuple[NestLoop, ...]
    partial: bool = False

    @property
    def compute_item(self) -> int:
        """Index that stands for the compute units, inside everything."""
        return len(self.accelerator.hierarchy)


def nest_of(accelerator: Accelerator, problem: Problem, mapping: Mapping) -> Nest:
    """The nest of a mapping, with its integer factors. That of a padded one is the nest of the padded problem."""
    loops = [
        NestLoop(loop.dim, loop.factor, item, spatial, place)
        for item, place, spatial in places(accelerator)
        for loop in mapping.loops(place)
    ]
    partial = mapping.imperfect == "partial"
    sizes = {d: problem.size(d) if partial else mapping.covered(d) for d in problem.operator.dims}
    return Nest(accelerator, problem.operator, sizes, tuple(loops), partial)


def symbolic_nest(accelerator: Accelerator, operator: Operator, orders: MappingABC[str, Iterable[str]]) -> Nest:
    """The nest with one symbol per loop. orders: place -> dimensions of its loops, outermost first."""
    from qdsl.symbolic.symbols import loop_symbol

    loops = []
    for item, place, spatial in places(accelerator):
        met: dict[str, int] = {}
        for dim in orders.get(place, ()):
            met[dim] = met.get(dim, 0) + 1
            loops.append(NestLoop(dim, loop_symbol(dim, place, met[dim]), item, spatial, place))
    sizes = {dim: prod(loop.factor for loop in loops if loop.dim == dim) for dim in operator.dims}
    return Nest(accelerator, operator, sizes, tuple(loops))


def places(accelerator: Accelerator) -> list[tuple[int, str, bool]]:
    """(item, place, is spatial) of every place, outermost first."""
    out: list[tuple[int, str, bool]] = []
    for item, part in enumerate(accelerator.hierarchy):
        if isinstance(part, FanOut):
            out.extend((item, place, True) for place in part.places)
        else:
            out.append((item, part.name, False))
    return out


def extents(nest: Nest, item: int) -> dict[str, Count]:
    """Extent of every dimension in the tile held at `item`: the loops there and inside."""
    return {
        d: prod(loop.factor for loop in nest.loops if loop.item >= item and loop.dim == d) for d in nest.operator.dims
    }


def axis_extent(axis: Axis, tile: Extents) -> Count:
    """1 + sum c_i * (e_i - 1)."""
    return 1 + sum(t.coefficient * (tile[t.dim] - 1) for t in axis.terms)


def tile_values(tensor: Tensor, tile: Extents) -> Count:
    """Values in the tile of a tensor whose dimensions have the given extents."""
    return prod(axis_extent(axis, tile) for axis in tensor.axes)


def covered_values(tensor: Tensor, tile: Extents, moves: MappingABC[str, Sequence[tuple[Count, Count]]]) -> Count:
    """Different values of a tensor in its tile at all the places that some loops move it to: boxes, which may overlap.

    moves: of every dimension the (step, factor) of these loops; the steps are those of loops around the tile.
    """
    n: Count = 1
    for axis in tensor.axes:
        extent = axis_extent(axis, tile)
        loops = [(t.coefficient * step, factor) for t in axis.terms for step, factor in moves[t.dim]]
        if len(axis.terms) == 1:
            # a step is at least the extent of the dimension, so the boxes lie apart
            n = n * extent * prod(factor for _, factor in loops)
        else:
            n = n * distinct_sums([(1, extent), *loops])
    return n


def sliding_axis(tensor: Tensor, dim: str) -> Axis | None:
    """The axis along which a loop over `dim` slides a window of the tensor: the only axis with `dim`, shared with
    another dimension. None when the loop cannot leave an overlap."""
    axes = [axis for axis in tensor.axes if dim in axis.dims]
    return axes[0] if len(axes) == 1 and len(axes[0].terms) > 1 else None


def slide_overlap(tensor: Tensor, dim: str, tile: Extents, step: Count) -> Count:
    """Values of a tile that stay when a loop over `dim`, each of whose iterations covers `step` of it, advances."""
    axis = sliding_axis(tensor, dim)
    if axis is None:
        return 0
    coefficient = next(t.coefficient for t in axis.terms if t.dim == dim)
    others = prod(axis_extent(a, tile) for a in tensor.axes if a is not axis)
    return others * positive_part(axis_extent(axis, tile) - coefficient * step)


def visits(nest: Nest, tensor: Tensor, item: int) -> tuple[Count, list[tuple[NestLoop, Count, Count]]]:
    """How often the tile of a tensor held at `item` changes in the run of one instance, and, of an input, the loops that
    move its tile along an axis with several dimensions: (loop, product of the loops inside it, how often it runs
    if these have one iteration each).

    The temporal loops outside are walked innermost first. An irrelevant loop counts only if a relevant loop with more
    than one iteration lies inside it.
    """
    outside = [loop for loop in reversed(nest.loops) if not loop.spatial and loop.item < item]
    weights: list[Count] = []
    relevant_inside: Count = 1
    for loop in outside:
        if loop.dim in tensor.dims:
            weights.append(loop.factor)
            relevant_inside = relevant_inside * loop.factor
        else:
            weights.append(revisits(loop.factor, relevant_inside))
    moving = []
    inside: Count = 1
    for i, loop in enumerate(outside):
        if not tensor.is_output and sliding_axis(tensor, loop.dim) is not None:
            moving.append((loop, inside, prod(weights[i + 1 :])))
        inside = inside * loop.factor
    return prod(weights), moving


def advances(
    nest: Nest, tensor: Tensor, child: int, distinct: Count, moving: Iterable[tuple[NestLoop, Count, Count]]
) -> list[Advance]:
    """What the loops found by `visits` leave in place when one of them is innermost."""
    tile = extents(nest, child)
    out = []
    for loop, inside, sweeps in moving:
        step = step_of(nest, loop)
        overlap = slide_overlap(tensor, loop.dim, tile, step)
        fresh = distinct
        fanout = nest.accelerator.hierarchy[child - 1]
        if isinstance(fanout, FanOut):
            factors = spatial_factors(nest, child - 1)
            linked = linked_dims(fanout, tensor, loop.dim, factors, spatial_factors(nest, child - 1, fanout.places[0]))
            if linked:
                fresh = fresh_tiles(tensor, loop.dim, tile, factors, linked, step, overlap, distinct)
        out.append(Advance(inside, sweeps, loop.factor, overlap, fresh))
    return out


def linked_dims(fanout: FanOut, tensor: Tensor, dim: str, factors: Extents, on_x: Extents) -> tuple[str, ...]:
    """Dimensions along which neighbours on the X axis of a fan-out can have tiles for each other when a loop over `dim`
    advances: unrolled on X alone, on the same axis of the tensor. Empty if the fan-out does not forward (and share) it.
    """
    axis = sliding_axis(tensor, dim)
    shared = fanout.multicast is None or tensor.name in fanout.multicast
    if axis is None or tensor.name not in fanout.forward or not shared or fanout.separate_diagonals:
        return ()
    return tuple(d for d in axis.dims if d != dim and d in on_x and factors[d] == on_x[d])


def fresh_tiles(
    tensor: Tensor,
    dim: str,
    inside: Extents,
    factors: Extents,
    linked: tuple[str, ...],
    step: Count,
    overlap: Count,
    distinct: Count,
) -> Count:
    """Of the distinct tiles below one parent, those that no neighbour along a linked dimension had before a loop over
    `dim` advanced by `step`. Whole tiles are passed on, not parts of windows that overlap in place."""
    axis = sliding_axis(tensor, dim)
    if axis is None:
        return distinct
    coefficient = next(t.coefficient for t in axis.terms if t.dim == dim)
    unrolled = sorted((t for t in axis.terms if t.dim in factors), key=lambda t: t.dim not in linked)
    terms = [(t.coefficient * inside[t.dim], factors[t.dim]) for t in unrolled]
    # the different sums are a factor of the distinct tiles, so the division is exact
    others = ceil_div(distinct, distinct_sums(terms))
    return unless(overlap, others * fresh_sums(coefficient * step, len(linked), terms), distinct)


def distinct_tiles(nest: Nest, tensor: Tensor, child: int, parent: int) -> Count:
    """Different tiles of a tensor among the instances of `child` below one instance of `parent`, fan-out by fan-out."""
    n: Count = 1
    for item in range(parent + 1, child):
        fanout = nest.accelerator.hierarchy[item]
        if isinstance(fanout, FanOut):
            n = n * fanout_tiles(fanout, tensor, extents(nest, item + 1), spatial_factors(nest, item))
    return n


def fanout_tiles(fanout: FanOut, tensor: Tensor, inside: Extents, factors: Extents) -> Count:
    """Different tiles among the used instances of one fan-out. inside: extents of what one instance works on.

    Instances whose tiles coincide are served by one read (or reduced into one update), also when they coincide
    because the affine indices do; where the fan-out cannot share the tensor, every instance counts.
    """
    sharing = fanout.reduce if tensor.is_output else fanout.multicast
    if sharing is not None and tensor.name not in sharing:
        return prod(factors.values())
    if fanout.separate_diagonals:
        return prod(n for d, n in factors.items() if d in tensor.dims)
    n: Count = 1
    for axis in tensor.axes:
        terms = [(t.coefficient * inside[t.dim], factors[t.dim]) for t in axis.terms if t.dim in factors]
        n = n * distinct_sums(terms)
    return n


def spatial_factors(nest: Nest, item: int, place: str | None = None) -> dict[str, Count]:
    """Factor per dimension of the spatial loops at a fan-out (X and Y together, or one place); only dimensions with a
    loop."""
    out: dict[str, Count] = {}
    for loop in nest.loops:
        if loop.item == item and place in (None, loop.place):
            out[loop.dim] = out.get(loop.dim, 1) * loop.factor
    return out


def used_instances(nest: Nest, item: int) -> Count:
    """Instances of an item that take part: the spatial loops outside it."""
    return prod(loop.factor for loop in nest.loops if loop.spatial and loop.item < item)


def owned_values(nest: Nest, tensor: Tensor, item: int, child: int) -> Count:
    """Different values in the tiles that the instances of `child` below one instance of `item` ever hold. `child` may be
    `item` itself."""
    around = [x for x in nest.loops if x.item < child and (not x.spatial or x.item >= item)]
    moves = {d: [(step_of(nest, x), x.factor) for x in around if x.dim == d] for d in tensor.dims}
    return covered_values(tensor, extents(nest, child), moves)


def step_of(nest: Nest, loop: NestLoop) -> Count:
    """Extent of the loop's dimension that one of its iterations covers."""
    index = next(i for i, other in enumerate(nest.loops) if other is loop)
    return prod(other.factor for other in nest.loops[index + 1 :] if other.dim == loop.dim)
