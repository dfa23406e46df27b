"""What a mapping needs of the hardware and how much there is, for any kind of numbers: places of meshes, words of memories."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from math import prod

from qdsl.model.accelerator import FanOut, Partition, StorageLevel
from qdsl.symbolic.cost import largest_tile
from qdsl.symbolic.functions import Count, at_most, total
from qdsl.symbolic.nest import Nest, tile_values
from qdsl.symbolic.widths import Packing, Widths


@dataclass(frozen=True, slots=True)
class MeshUse:
    """Instances along an axis of a fan-out, of all that share the mesh. factors: of the loops at this fan-out alone."""

    fanout: FanOut
    axis: str
    factors: Count
    needed: Count
    available: int

    @property
    def place(self) -> str:
        return f"{self.fanout.name}.{self.axis}"


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Words of a partition of a level. rows: per tensor in it the values of a tile, their packing, and the words of all its
    copies."""

    level: StorageLevel
    partition: Partition
    rows: tuple[tuple[str, Count, Packing, Count], ...]

    @property
    def needed(self) -> Count:
        return total(words for *_, words in self.rows)

    @property
    def available(self) -> int:
        return self.partition.size_words


def mesh_uses(nest: Nest) -> Iterator[MeshUse]:
    """Of every axis of every fan-out, outermost first."""
    for axis in "xy":
        used: Count = 1
        mesh = 1
        for fanout in nest.accelerator.fanouts:
            place = f"{fanout.name}.{axis}"
            factors = prod(loop.factor for loop in nest.loops if loop.place == place)
            used, mesh = (used * factors, mesh * fanout.mesh(axis)) if fanout.pooled else (factors, fanout.mesh(axis))
            yield MeshUse(fanout, axis, factors, used, mesh)


def memory_uses(nest: Nest, packing: MappingABC[tuple[str, str], Packing]) -> Iterator[MemoryUse]:
    """Of every partition of every limited level, outermost first. packing: of every kept (level, tensor)."""
    for item, level in enumerate(nest.accelerator.hierarchy):
        if isinstance(level, StorageLevel):
            tile = largest_tile(nest, item)
            for partition in level.all_partitions:
                rows = []
                for tensor in nest.operator.tensors:
                    if level.serves(partition, tensor.name):
                        values, packed = tile_values(tensor, tile), packing[level.name, tensor.name]
                        rows.append((tensor.name, values, packed, level.copies(tensor.name) * packed.words(values)))
                yield MemoryUse(level, partition, tuple(rows))


def fits(nest: Nest, widths: Widths) -> Count:
    """1 if meshes and memories are large enough, else 0. Every tensor must fit the words of the levels that keep it."""
    uses: list[MeshUse | MemoryUse] = [*mesh_uses(nest), *memory_uses(nest, widths.packing)]
    return prod(at_most(use.needed, use.available) for use in uses)
