"""Lowering of a whole loop nest to counts, energy and cycles (README.md of this package)."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, replace
from math import prod

from qdsl.model.accelerator import StorageLevel
from qdsl.symbolic.functions import Count, ceil_div
from qdsl.symbolic.nest import (
    Nest,
    advances,
    distinct_tiles,
    extents,
    owned_values,
    tile_values,
    used_instances,
    visits,
)
from qdsl.symbolic.traffic import Traffic, access_energy_pj, input_traffic, output_traffic


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
    """counts: level name -> tensor name -> Lowered, levels outermost first."""

    counts: MappingABC[str, MappingABC[str, Lowered]]
    operations: Count
    temporal_cycles: Count
    compute_energy_pj: Count
    used_compute: Count

    @property
    def energy_pj(self) -> Count:
        return self.compute_energy_pj + sum(x.energy_pj for level in self.counts.values() for x in level.values())

    def demand(self, level: StorageLevel) -> tuple[Count, Count]:
        """Words that one instance of a level reads, and writes, over the run."""
        rows = self.counts[level.name].values()
        return sum(x.reads for x in rows), sum(x.fills + x.updates for x in rows)


def lower(nest: Nest, packing: MappingABC[tuple[str, str], Count]) -> LoweredNest:
    """Counts of every level and tensor.

    packing: values per word for every (level, tensor) that is kept, at least 1. With symbols as factors the result
    holds sympy expressions.
    """
    hierarchy = nest.accelerator.hierarchy
    values: dict[tuple[int, str], Traffic] = {}
    for tensor in nest.operator.tensors:
        child = nest.compute_item
        for parent in (i for i in reversed(range(len(hierarchy))) if _keeps(hierarchy[i], tensor.name)):
            tile = tile_values(tensor, extents(nest, child))
            times, moving = visits(nest, tensor, child) if child != nest.compute_item else (_steps(nest), [])
            distinct = distinct_tiles(nest, tensor, child, parent)
            if tensor.is_output:
                counts_first = child == nest.compute_item or nest.accelerator.first_output_fills
                owned = 0 if counts_first else owned_values(nest, tensor, child)
                moved = output_traffic(tile, times, distinct, owned, owned_values(nest, tensor, parent))
            else:
                moved = input_traffic(tile, times, distinct, advances(nest, tensor, child, distinct, moving))
            if child != nest.compute_item:
                values[child, tensor.name] = replace(
                    values[child, tensor.name], fills=moved.fills, forwards=moved.forwards
                )
            values[parent, tensor.name] = replace(moved, fills=0, forwards=0)
            child = parent
    counts: dict[str, dict[str, Lowered]] = {}
    for item, level in enumerate(hierarchy):
        if isinstance(level, StorageLevel):
            counts[level.name] = {
                t.name: _lowered(nest, item, level, t.name, values[item, t.name], packing[level.name, t.name])
                for t in nest.operator.tensors
                if level.keeps(t.name)
            }
    operations = prod(nest.sizes.values())
    return LoweredNest(
        counts,
        operations,
        _steps(nest),
        operations * nest.accelerator.compute.energy_pj,
        used_instances(nest, nest.compute_item),
    )


def _lowered(nest: Nest, item: int, level: StorageLevel, name: str, moved: Traffic, per_word: Count) -> Lowered:
    reads, forwards, fills, updates = (
        ceil_div(v, per_word) for v in (moved.reads, moved.forwards, moved.fills, moved.updates)
    )
    instances = used_instances(nest, item)
    words = ceil_div(tile_values(nest.operator.tensor(name), extents(nest, item)), per_word)
    energy_pj = access_energy_pj(level, reads, fills, updates) + access_energy_pj(level, forwards, 0, 0)
    return Lowered(words, reads + forwards, fills, updates, instances, energy_pj * instances)


def _keeps(part: object, tensor: str) -> bool:
    return isinstance(part, StorageLevel) and part.keeps(tensor)


def _steps(nest: Nest) -> Count:
    """Temporal iterations: operations of one compute instance, one a cycle."""
    return prod(loop.factor for loop in nest.loops if not loop.spatial)
