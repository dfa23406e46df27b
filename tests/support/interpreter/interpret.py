"""A whole run: the traffic of every tensor between all levels that keep it, then words, blocks, energy and cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.mapping import Mapping as LoopMapping
from qdsl.model.operator import Problem, Tensor
from tests.support.interpreter.nest import LoopNest, nest_of, points, tiles_of
from tests.support.interpreter.traffic import Moved, move_input, move_output

NOTHING = Moved(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Counted:
    """One tensor at one level: words per instance, energy in pJ over all used instances."""

    words: int
    reads: int
    fills: int
    updates: int
    instances: int
    energy_pj: float


@dataclass(frozen=True)
class Interpretation:
    """counts: (level name, tensor name) -> numbers. steps: temporal steps; cycles: with bandwidths, exact."""

    counts: Mapping[tuple[str, str], Counted]
    operations: int
    compute_instances: int
    steps: int
    cycles: int
    energy_pj: float


def interpret(
    accelerator: Accelerator, problem: Problem, bits: Mapping[str, int], mapping: LoopMapping
) -> Interpretation:
    """Execute a mapping. bits: width of every tensor, at most the word of each level that keeps it."""
    nest = nest_of(accelerator, problem.operator, mapping)
    counts: dict[tuple[str, str], Counted] = {}
    for tensor in problem.operator.tensors:
        counts |= _tensor(nest, tensor, bits[tensor.name])
    steps = sum(1 for _ in nest.steps())
    units = len(nest.addresses(nest.compute))
    energy_pj = steps * units * accelerator.compute.energy_pj + sum(c.energy_pj for c in counts.values())
    needed = [Fraction(steps), *(t for level in accelerator.levels for t in _transfer_cycles(level, counts))]
    return Interpretation(counts, steps * units, units, steps, ceil(max(needed)), energy_pj)


def _tensor(nest: LoopNest, tensor: Tensor, bits: int) -> dict[tuple[str, str], Counted]:
    """The levels that keep a tensor, innermost first; the innermost serves the compute units."""
    move = move_output if tensor.is_output else move_input
    counts: dict[tuple[str, str], Counted] = {}
    kept = [i for i, h in enumerate(nest.accelerator.hierarchy) if isinstance(h, StorageLevel) and h.keeps(tensor.name)]
    below = [move(nest, tensor, p, c) for p, c in zip(kept, [*kept[1:], nest.compute], strict=True)]
    for item, served, arriving in zip(kept, below, [NOTHING, *below], strict=False):
        level = nest.accelerator.hierarchy[item]
        assert isinstance(level, StorageLevel)
        counts[level.name, tensor.name] = _counted(nest, tensor, item, level, bits, served, arriving)
    return counts


def _counted(
    nest: LoopNest, tensor: Tensor, item: int, level: StorageLevel, bits: int, served: Moved, arriving: Moved
) -> Counted:
    """From values to words and accesses. What a level passes on to its neighbours is counted apart from what it serves."""
    addresses = nest.addresses(item)

    def words(values: int) -> int:
        return ceil(Fraction(values, level.word_bits // bits))

    def accesses(values: int) -> int:
        return ceil(Fraction(words(values), level.block_words))

    first = tiles_of(nest, tensor, item).at((0,) * len(nest.temporal), addresses[0])
    one_instance_pj = (
        (accesses(served.reads) + accesses(arriving.passed)) * level.energy.read_pj
        + accesses(arriving.fills) * level.energy.write_pj
        + accesses(served.updates) * level.energy.update_pj
    )
    return Counted(
        words(len(points(first))),
        words(served.reads) + words(arriving.passed),
        words(arriving.fills),
        words(served.updates),
        len(addresses),
        len(addresses) * one_instance_pj,
    )


def _transfer_cycles(level: StorageLevel, counts: Mapping[tuple[str, str], Counted]) -> list[Fraction]:
    """Cycles that the words of one instance take at its bandwidths."""
    rows = [c for (name, _), c in counts.items() if name == level.name]
    demands = [
        (sum(c.reads for c in rows), level.read_bandwidth),
        (sum(c.fills + c.updates for c in rows), level.write_bandwidth),
    ]
    return [Fraction(words) / Fraction(bandwidth) for words, bandwidth in demands if bandwidth is not None]
