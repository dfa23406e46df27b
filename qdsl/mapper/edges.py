"""Costs of the edges of the lattice: arrays over tile extents, made by the generated kernels."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from qdsl.mapper.batch import Batch, Costing
from qdsl.mapper.bounds import plan_steps
from qdsl.mapper.lattice import Domains, Pins
from qdsl.mapper.plans import Plan
from qdsl.model.accelerator import FanOut
from qdsl.symbolic.edges import edge_kernel, words_kernel
from qdsl.symbolic.nest import covered_values, fanout_tiles, fresh_tiles, linked_dims, slide_overlap, tile_values
from qdsl.symbolic.traffic import hops
from qdsl.symbolic.widths import Packing

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array, Ints

# Energy in pJ of one bit on its way between a parent and the children, and from one child to the next.
Route = tuple[Any, float]
# The waiting children of one tensor, innermost first: (item, True while no loop at all stands above its tile).
Chain = tuple[tuple[int, bool], ...]


@dataclass(frozen=True, slots=True)
class _Grid:
    """Per dimension arrays along its own axis: extents inside the loops of an item, and how often all loops outside run
    a tile of these, or of the extents at the item. rounds: of the sliding dimension, whose extents lie on the last axis."""

    inside: dict[str, Ints]
    rounds_inside: dict[str, Ints]
    rounds_here: dict[str, Ints]
    rounds: int


@dataclass(frozen=True, slots=True)
class _Edge:
    """Traffic of a tensor between two items. x: extents of the child's tile, of the tensor's dimensions; moves: the inputs
    of the kernels after these, up to the packings; route: see `_route`."""

    tensor: int
    child: int
    parent: int
    slide: str | None
    x: MappingABC[str, Any]
    moves: tuple[Any, ...]
    route: Route | None


@dataclass
class Edges:
    """Edge costs of one plan. Axes of every array: (costing of the tensor, one per dimension of the batch)."""

    batch: Batch
    plan: Plan
    pins: Pins
    domains: Domains
    _cache: dict[Any, Array] = field(default_factory=dict)
    _grids: dict[tuple[int, str | None], _Grid] = field(default_factory=dict)
    _counts: dict[tuple[int, ...], int] = field(default_factory=dict)

    def compute_costs(self) -> Array:
        """float64[rows]: the operations and the traffic between the compute units and the levels next to them."""
        accelerator, problem = self.batch.space.accelerator, self.batch.space.problem
        compute = len(accelerator.hierarchy)
        (steps,) = plan_steps(self.batch, [self.plan]).tolist()
        total = self.batch.fixed(np.array([steps]))[:, 0]
        ones = dict.fromkeys(problem.operator.dims, 1)
        for t, tensor in enumerate(self.batch.tensors):
            parent = self.batch.parent(t, compute)
            assert parent is not None
            distinct = self._distinct(t, compute, parent, ones)
            moves = (steps, 1, 1, distinct, distinct, 0, self._owned(t, parent, ones))
            x = {d: ones[d] for d in tensor.dims}
            edge = _Edge(t, compute, parent, None, x, moves, self._route(t, compute, parent, ones))
            costings, index = self.batch.costings[t]
            total += np.array([self._cost(edge, c) for c in costings], dtype=float)[index]
        return total

    def resolved(self, t: int, chain: Chain, item: int, stationary: frozenset[str], slide: str | None) -> Array:
        """Costs of all children in the chain when the loops at `item` end their waiting.

        stationary: dimensions whose loops there leave the tile unchanged; along these axes the array runs over the
        extents at `item`, along the others over the extents inside its loops. slide: the sliding innermost dimension; its
        extents at `item` are an extra last axis. item -1 stands for no further loops.
        """
        key = (t, chain, item, stationary, slide)
        if key not in self._cache:
            self._cache[key] = self._resolved(t, chain, item, stationary, slide)
        return self._cache[key]

    def _resolved(self, t: int, chain: Chain, item: int, stationary: frozenset[str], slide: str | None) -> Array:
        tensor = self.batch.tensors[t]
        grid = self._grid(item, slide)
        sweeps: Any = 1
        slides: Any = 1
        step: Any = 1
        for d in self.batch.dims:
            if d == slide:
                last = np.array(self.domains.extents[max(item, 0)][d], dtype=np.int64)
                sweeps = sweeps * (grid.rounds // last)
                slides = last // grid.inside[d]
                step = grid.inside[d]
            else:
                sweeps = sweeps * (grid.rounds_here[d] if d in stationary else grid.rounds_inside[d])
        costings, _ = self.batch.costings[t]
        out = np.zeros([len(costings), *(len(self.domains.extents[max(item, 0) if d in stationary else item + 1][d])
                                         for d in self.batch.dims), *((len(last),) if slide else ())])  # fmt: skip
        for child, clean in chain:
            parent = self.batch.parent(t, child)
            if parent is None:
                continue
            x = {
                d: a // self.plan.between(item, child, d) if (a := grid.inside.get(d)) is not None else 1
                for d in tensor.dims
            }
            sliding = slide if clean else None
            distinct = self._distinct(t, child, parent, x)
            fresh = self._fresh(t, child, sliding, x, step, distinct)
            owned = (self._not_filled(t, child, x), self._owned(t, parent, x))
            moves = (sweeps, slides, step, distinct, fresh, *owned)
            edge = _Edge(t, child, parent, sliding, x, moves, self._route(t, child, parent, x))
            for i, costing in enumerate(costings):
                out[i] += self._cost(edge, costing)
        return out

    def _cost(self, edge: _Edge, costing: Costing) -> Any:
        """What a row counts of the traffic between a child and its parent."""
        tensor, measure, packing = self.batch.tensors[edge.tensor], costing.measure, costing.packing
        child = self.batch.level(edge.child) if edge.child in packing else None
        parent = self.batch.level(edge.parent)
        distinct, fresh = edge.moves[3:5]
        inputs = (*edge.x.values(), *edge.moves, *_packings(packing.get(edge.child), packing[edge.parent]))
        cost: Any = 0.0
        if measure.energy:
            kernel = edge_kernel(tensor, child, parent, edge.slide, fresh is not distinct, edge.route is not None)
            route_pj, neighbour_pj = edge.route or (0.0, 0.0)
            stored = packing[edge.parent].stored
            both = (self.plan.instances(edge.child), self.plan.instances(edge.parent))
            cost = cost + measure.energy * kernel.call(*inputs, *both, route_pj * stored, neighbour_pj * stored)[0]
        flows = [(f, w) for f, w in measure.flows if f.item in (edge.child, edge.parent)]
        if flows:
            counted = words_kernel(tensor, child, parent, edge.slide, fresh is not distinct).call(*inputs)
            reads, updates, fills, forwards = counted
            for flow, weight in flows:
                read, written = (reads, updates) if flow.item == edge.parent else (forwards, fills)
                cost = cost + weight * (flow.reads * read + flow.writes * written)
        return cost

    def _grid(self, item: int, slide: str | None) -> _Grid:
        key = (item, slide)
        if key not in self._grids:
            inside, here = self.domains.extents[item + 1], self.domains.extents[max(item, 0)]
            rounds = {d: self.batch.space.problem.size(d) // self.plan.above(item, d) for d in self.batch.dims}
            a = {d: self._axis(i, inside[d], slide) for i, d in enumerate(self.batch.dims)}
            e = {d: self._axis(i, here[d], slide) for i, d in enumerate(self.batch.dims)}
            self._grids[key] = _Grid(
                a,
                {d: rounds[d] // a[d] for d in a},
                {d: rounds[d] // e[d] for d in e},
                rounds[slide] if slide else 1,
            )
        return self._grids[key]

    def tile_words(self, t: int, item: int) -> Array:
        """Words of a tensor's tile at a level: int64[costing, extents...]."""
        here = self.domains.extents[item]
        x = dict.fromkeys(self.batch.space.problem.operator.dims, 1) | {
            d: self._axis(i, here[d], None) for i, d in enumerate(self.batch.dims)
        }
        values = tile_values(self.batch.tensors[t], x)
        costings, _ = self.batch.costings[t]
        shape = [len(here[d]) for d in self.batch.dims]
        return np.stack([np.broadcast_to(c.packing[item].words(values), shape) for c in costings])

    def extents(self, dim: str, item: int) -> Ints:
        """The extents of one dimension in the tiles of a level: int64, as an axis after that of the assignments."""
        if dim not in self.batch.dims:
            return np.ones(1, dtype=np.int64)
        return self._axis(self.batch.dims.index(dim), self.domains.extents[item][dim], None)[None]

    def _axis(self, index: int, extents: tuple[int, ...], slide: str | None) -> Ints:
        shape = [1] * (len(self.batch.dims) + (1 if slide else 0))
        shape[index] = len(extents)
        return np.array(extents, dtype=np.int64).reshape(shape)

    def _distinct(self, t: int, child: int, parent: int, x: dict[str, Any]) -> Any:
        """Different child tiles below one parent. Extents inside a fan-out follow from the child's tile where only
        spatial loops lie between, and from the pins elsewhere (where one is needed there is one)."""
        key = (t, child, parent)
        if key in self._counts:
            return self._counts[key]
        n: Any = 1
        for f in range(parent + 1, child):
            fanout = self.batch.space.accelerator.hierarchy[f]
            if isinstance(fanout, FanOut) and self.plan.fanouts[f]:
                n = n * self._tiles(t, child, f, fanout, x)
        if isinstance(n, int):
            # then no extent matters
            self._counts[key] = n
        return n

    def _route(self, t: int, child: int, parent: int, x: dict[str, Any]) -> Route | None:
        """What moving one bit costs between a parent and its children (extents as for `_distinct`); None if nothing."""
        hierarchy = self.batch.space.accelerator.hierarchy
        if not any(isinstance(h, FanOut) and h.hop_pj_per_bit for h in hierarchy[parent + 1 : child]):
            return None
        served: Any = 1
        energy_pj: Any = 0
        for f in range(parent + 1, child):
            fanout = hierarchy[f]
            if isinstance(fanout, FanOut):
                across, along = self.plan.used(fanout)
                group = across * along / self._tiles(t, child, f, fanout, x)
                energy_pj = energy_pj + fanout.hop_pj_per_bit * served * hops(across, along, group)
                served = served * group
        inner = hierarchy[child - 1]
        neighbour_pj = inner.hop_pj_per_bit if isinstance(inner, FanOut) else 0.0
        return energy_pj, neighbour_pj

    def _tiles(self, t: int, child: int, f: int, fanout: FanOut, x: dict[str, Any]) -> Any:
        """Different tiles below a fan-out between a child with extents `x` and its parent."""
        tensor = self.batch.tensors[t]
        inside = {d: self.pins.get((f, d), x[d] * self.plan.between(f, child, d)) if d in x else 1 for d in tensor.dims}
        return fanout_tiles(fanout, tensor, inside, self.plan.fanouts[f])

    def _fresh(self, t: int, child: int, slide: str | None, x: dict[str, Any], step: Any, distinct: Any) -> Any:
        """Of the distinct tiles those that no neighbour passes on when the sliding loop advances; `distinct` itself
        where none can."""
        fanout = self.batch.space.accelerator.hierarchy[child - 1]
        tensor = self.batch.tensors[t]
        if slide is None or not isinstance(fanout, FanOut):
            return distinct
        factors = self.plan.fanouts[child - 1]
        linked = linked_dims(fanout, tensor, slide, factors, self.plan.on_x(fanout))
        if not linked:
            return distinct
        overlap = slide_overlap(tensor, slide, x, step)
        return fresh_tiles(tensor, slide, x, factors, linked, step, overlap, distinct)

    def _not_filled(self, t: int, child: int, x: dict[str, Any]) -> Any:
        """Output values whose first visit at the child is no fill."""
        return 0 if self.batch.space.accelerator.first_output_fills else self._owned(t, child, x)

    def _owned(self, t: int, item: int, x: dict[str, Any]) -> Any:
        """Different output values in the tiles of extents `x` that one instance of an item works on. They follow from the
        plan alone but along the axes that several dimensions share, or where strides leave gaps."""
        key = (t, item)
        if key in self._counts:
            return self._counts[key]
        tensor = self.batch.tensors[t]
        if not tensor.is_output:
            return 0
        plain = {a.dims[0] for a in tensor.axes if a.is_plain}
        tile = {d: 1 if d in plain else x[d] for d in tensor.dims}
        n = covered_values(tensor, tile, {d: self._moves(d, item, tile[d]) for d in tensor.dims})
        if isinstance(n, int) and not all(isinstance(e, int) for e in x.values()):
            # the same for all the extents asked about, so no extent matters; a single one says nothing of others
            self._counts[key] = n
        return n

    def _moves(self, dim: str, item: int, inside: Any) -> list[tuple[Any, Any]]:
        """(step, iterations) of the loops that move a tile of some extent within one instance of an item. Between two
        fan-outs outside they count as one loop; where a step matters the extent inside the fan-out is pinned."""
        out: list[tuple[Any, Any]] = []
        whole = self.batch.space.problem.size(dim)
        for f in range(item):
            unrolled = self.plan.fanouts[f].get(dim, 1)
            if (f, dim) in self.pins:
                step = self.pins[f, dim] * unrolled
                out.append((step, whole // step))
                whole = self.pins[f, dim]
            else:
                whole //= unrolled
        return [*out, (inside, whole // inside)]


def _packings(child: Packing | None, parent: Packing) -> tuple[int, int, int, int]:
    """The last inputs of both kernels."""
    inner = child or Packing(1, 1, 1)
    return inner.per, parent.per, inner.bits, parent.bits
