"""How much of a memory the tiles there take."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from typing import Any

from qdsl.model.accelerator import StorageLevel
from qdsl.model.operator import Problem
from qdsl.symbolic.nest import tile_values
from qdsl.symbolic.widths import packing_at

# Per tensor the words of its tile at a level, as a number or an array of numbers; only of tensors that the level keeps.
Words = MappingABC[str, Any]


def words_of_tiles(
    level: StorageLevel, problem: Problem, bits: MappingABC[str, int], extents: MappingABC[str, Any]
) -> dict[str, Any]:
    """Words of every tile that a level keeps; tensors too wide for its words are left out."""
    found = {}
    for tensor in problem.operator.tensors:
        if level.keeps(tensor.name):
            packing = packing_at(level, tensor.name, problem, bits)
            if packing.per:
                found[tensor.name] = level.copies(tensor.name) * packing.words(tile_values(tensor, extents))
    return found


def share_taken(level: StorageLevel, tensor: str | None, words: Words) -> Any:
    """What `occupancy` means (see `Occupancy`), from the words of a level's tiles."""
    if tensor is not None and tensor not in words:
        return 0.0
    taken = sum(words.values()) if tensor is None else words[tensor]
    return taken / words_of(level, tensor)


def words_of(level: StorageLevel, tensor: str | None) -> int:
    """What a share is taken of: the words that a tensor could take, or all words of a level."""
    parts = level.all_partitions
    return sum(p.size_words for p in parts if tensor is None or level.serves(p, tensor))
