"""What moves between two neighbouring levels that keep a tensor (section "Counts" of README.md): values, words, energy.

The formulas are written once, for any kind of number: `cost` applies them to a whole nest, the mapper's edge kernels
are generated from them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qdsl.model.accelerator import StorageLevel
from qdsl.symbolic.functions import Count, ceil_div, if_innermost


@dataclass(frozen=True, slots=True)
class Traffic:
    """Values per instance over the run: `fills` and, passed on to neighbours, `forwards` at the child; `reads` and
    `updates` at the parent."""

    fills: Count
    forwards: Count
    reads: Count
    updates: Count


@dataclass(frozen=True, slots=True)
class Advance:
    """One loop that may be the innermost outside a tile, and what its advance leaves in place.

    inside: product of the loops inside it (it is innermost if that is 1); sweeps: how often it runs; iterations: its
    factor; overlap: values of the tile that stay; fresh: of the distinct tiles below one parent, those that no
    neighbour had in the iteration before (all of them where nothing is forwarded).
    """

    inside: Count
    sweeps: Count
    iterations: Count
    overlap: Count
    fresh: Count


def input_traffic(tile: Count, visits: Count, distinct: Count, advances: Iterable[Advance]) -> Traffic:
    """An input: what arrives at a child, and the parent's reads that serve all children below it.

    tile: values of the child's tile; visits: how often it changes; distinct: different tiles among the children of
    one parent. What neighbours forward costs each child, on average and rounded down, as many reads.
    """
    fills = visits * tile
    forwarded: Count = 0
    forwards: Count = 0
    for x in advances:
        again = x.sweeps * (x.iterations - 1)
        fills = fills - if_innermost(x.inside, again * x.overlap)
        passed = again * tile * (distinct - x.fresh)
        forwarded = forwarded + if_innermost(x.inside, passed)
        forwards = forwards + if_innermost(x.inside, ceil_div(passed - distinct + 1, distinct))
    return Traffic(fills, forwards, fills * distinct - forwarded, 0)


def output_traffic(tile: Count, visits: Count, distinct: Count, owned_child: Count, owned_parent: Count) -> Traffic:
    """The output: children write back each visit; a partial sum that returns is read and filled, a first visit is not."""
    written = visits * tile
    updates = written * distinct
    return Traffic(written - owned_child, 0, updates - owned_parent, updates)


def access_energy_pj(level: StorageLevel, reads: Count, fills: Count, updates: Count) -> Count:
    """Energy of one instance for so many words of one tensor, in blocks of the level's width."""
    block = level.block_words
    energy = level.energy
    return (
        ceil_div(reads, block) * energy.read_pj
        + ceil_div(fills, block) * energy.write_pj
        + ceil_div(updates, block) * energy.update_pj
    )


def hops(x: Count, y: Count, group: Count) -> Count:
    """Moves of a value across the x * y used instances of an array, on average, to a group of instances or back: from the
    edge to the first of them, then along the others."""
    return (x + y) / 2 + group - 1
