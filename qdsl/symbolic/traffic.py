"""What moves between two neighbouring levels that keep a tensor (section "Counts" of README.md): values, words, energy.

The formulas are written once, for any kind of number: `cost` applies them to a whole nest, the mapper's edge kernels
are generated from them.
"""

from __future__ import annotations

from dataclasses import dataclass

from qdsl.model.accelerator import StorageLevel
from qdsl.symbolic.functions import Count, ceil_div


@dataclass(frozen=True, slots=True)
class Traffic:
    """Values per instance over the run: `fills` at the child; `reads` and `updates` at the parent."""

    fills: Count
    reads: Count
    updates: Count


def input_traffic(tile: Count, visits: Count, saved: Count, distinct: Count) -> Traffic:
    """An input: what arrives at a child, and the parent's reads that serve all children below it.

    tile: values of the child's tile; visits: how often it changes; saved: values kept by sliding; distinct: different
    tiles among the children of one parent.
    """
    fills = visits * tile - saved
    return Traffic(fills, fills * distinct, 0)


def output_traffic(tile: Count, visits: Count, distinct: Count, owned_child: Count, owned_parent: Count) -> Traffic:
    """The output: children write back each visit; a partial sum that returns is read and filled, a first visit is not."""
    written = visits * tile
    updates = written * distinct
    return Traffic(written - owned_child, updates - owned_parent, updates)


def access_energy_pj(level: StorageLevel, reads: Count, fills: Count, updates: Count) -> Count:
    """Energy of one instance for so many words of one tensor, in blocks of the level's width."""
    block = level.block_words
    energy = level.energy
    return (
        ceil_div(reads, block) * energy.read_pj
        + ceil_div(fills, block) * energy.write_pj
        + ceil_div(updates, block) * energy.update_pj
    )


def values_per_word(level: StorageLevel, bits: int) -> int:
    """How many values of a width share one word; a value never straddles words. 0 if it does not fit."""
    return level.word_bits // bits


def keepers(levels: tuple[StorageLevel, ...], tensor: str) -> tuple[int, ...]:
    """Indices of the levels that keep a tensor, innermost first. levels: outermost first."""
    return tuple(i for i in reversed(range(len(levels))) if levels[i].keeps(tensor))
