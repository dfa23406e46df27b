"""Lowering of a whole loop nest to counts, energy and cycles (README.md of this package)."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, replace
from math import prod

from qdsl.model.accelerator import FanOut, StorageLevel
from qdsl.model.operator import Tensor
from qdsl.symbolic import partial
from qdsl.symbolic.functions import Count, ceil_div, total
from qdsl.symbolic.nest import (
    Nest,
    advances,
    distinct_tiles,
    extents,
    fanout_tiles,
    owned_values,
    spatial_factors,
    tile_values,
    used_instances,
    visits,
)
from qdsl.symbolic.traffic import Traffic, access_energy_pj, hops, input_traffic, output_traffic
from qdsl.symbolic.widths import Packing, Widths


@dataclass(frozen=True, slots=True)
class Lowered:
    """Per (level, tensor): words per instance and energy over all instances; see `TensorCounts`."""

    words: Count
    reads: Count
    fills: Count
    updates: Count
    instances: Count
    energy_pj: Count


@dataclass(frozen=True)
class LoweredNest:
    """counts: level name -> tensor name -> Lowered, levels outermost first. network_pj: array name -> tensor name -> energy
    of moving it across the array, of arrays that state one. steps: temporal iterations. compute_cycles: without any level's
    bandwidth."""

    counts: MappingABC[str, MappingABC[str, Lowered]]
    network_pj: MappingABC[str, MappingABC[str, Count]]
    operations: Count
    steps: Count
    compute_cycles: Count
    compute_energy_pj: Count
    used_compute: Count

    @property
    def energy_pj(self) -> Count:
        """Of all accesses, moves and operations; leakage comes to it with the cycles."""
        levels = total(x.energy_pj for level in self.counts.values() for x in level.values())
        return self.compute_energy_pj + levels + total(x for t in self.network_pj.values() for x in t.values())


def lower(nest: Nest, widths: Widths) -> LoweredNest:
    """Counts of every level and tensor.

    widths: every kept (level, tensor) must fit its words. With symbols as factors the result holds sympy expressions.
    """
    hierarchy = nest.accelerator.hierarchy
    values: dict[tuple[int, str], Traffic] = {}
    network: dict[str, dict[str, Count]] = {f.name: {} for f in nest.accelerator.fanouts if f.hop_pj_per_bit}
    for tensor in nest.operator.tensors:
        child = nest.compute_item
        for parent in (i for i in reversed(range(len(hierarchy))) if _keeps(hierarchy[i], tensor.name)):
            moved = (partial.traffic if nest.partial else _traffic)(nest, tensor, child, parent)
            if child != nest.compute_item:
                values[child, tensor.name] = replace(
                    values[child, tensor.name], fills=moved.fills, forwards=moved.forwards
                )
            values[parent, tensor.name] = replace(moved, fills=0, forwards=0)
            stored = widths.packing[hierarchy[parent].name, tensor.name].stored
            for name, hop_count in _hops(nest, tensor, child, parent, moved).items():
                energy_pj = hop_count * stored * nest.accelerator.fanout(name).hop_pj_per_bit
                network[name][tensor.name] = network[name].get(tensor.name, 0) + energy_pj
            child = parent
    counts: dict[str, dict[str, Lowered]] = {}
    for item, level in enumerate(hierarchy):
        if isinstance(level, StorageLevel):
            counts[level.name] = {
                t.name: _lowered(nest, item, level, t.name, values[item, t.name], widths.packing[level.name, t.name])
                for t in nest.operator.tensors
                if level.keeps(t.name)
            }
    operations = prod(nest.sizes.values())
    steps = partial.steps(nest) if nest.partial else _steps(nest)
    return LoweredNest(
        counts,
        network,
        operations,
        steps,
        ceil_div(steps * widths.cycles[0], widths.cycles[1]),
        operations * widths.operation_pj,
        _instances(nest, nest.compute_item),
    )


def largest_tile(nest: Nest, item: int) -> dict[str, Count]:
    """Extents of the dimensions in the largest tile at an item."""
    return partial.largest_tile(nest, item) if nest.partial else extents(nest, item)


def _traffic(nest: Nest, tensor: Tensor, child: int, parent: int) -> Traffic:
    """What moves between an item and the next outer level that keeps the tensor."""
    tile = tile_values(tensor, extents(nest, child))
    times, moving = visits(nest, tensor, child) if child != nest.compute_item else (_steps(nest), [])
    distinct = distinct_tiles(nest, tensor, child, parent)
    if not tensor.is_output:
        return input_traffic(tile, times, distinct, advances(nest, tensor, child, distinct, moving))
    counts_first = child == nest.compute_item or nest.accelerator.first_output_fills
    owned = 0 if counts_first else owned_values(nest, tensor, child, child)
    return output_traffic(tile, times, distinct, owned, owned_values(nest, tensor, parent, child))


def _instances(nest: Nest, item: int) -> Count:
    return partial.used_instances(nest, item) if nest.partial else used_instances(nest, item)


def _hops(nest: Nest, tensor: Tensor, child: int, parent: int, moved: Traffic) -> dict[str, Count]:
    """How often a value of a tensor moves from one instance to the next, per array between two levels that keep it."""
    found: dict[str, Count] = {}
    served: Count = _instances(nest, parent)
    for item in range(parent + 1, child):
        fanout = nest.accelerator.hierarchy[item]
        if not isinstance(fanout, FanOut):
            continue
        factors = spatial_factors(nest, item)
        x, y = (prod(spatial_factors(nest, item, place).values()) for place in fanout.places)
        group = x * y / fanout_tiles(fanout, tensor, extents(nest, item + 1), factors)
        if fanout.hop_pj_per_bit:
            found[fanout.name] = served * (moved.reads + moved.updates) * hops(x, y, group)
            if item == child - 1:
                found[fanout.name] = found[fanout.name] + moved.forwards * _instances(nest, child)
        served = served * group
    return found


def _lowered(nest: Nest, item: int, level: StorageLevel, name: str, moved: Traffic, packing: Packing) -> Lowered:
    reads, forwards, fills, updates = (
        packing.words(v) for v in (moved.reads, moved.forwards, moved.fills, moved.updates)
    )
    instances = _instances(nest, item)
    words = level.copies(name) * packing.words(tile_values(nest.operator.tensor(name), largest_tile(nest, item)))
    energy_pj = access_energy_pj(level, reads, fills, updates) + access_energy_pj(level, forwards, 0, 0)
    return Lowered(words, reads + forwards, fills, updates, instances, energy_pj * instances)


def _keeps(part: object, tensor: str) -> bool:
    return isinstance(part, StorageLevel) and part.keeps(tensor)


def _steps(nest: Nest) -> Count:
    """Temporal iterations: operations of one compute instance, one a cycle."""
    return prod(loop.factor for loop in nest.loops if not loop.spatial)
