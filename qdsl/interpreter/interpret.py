"""A whole run: the traffic of every tensor between all levels that keep it, then words, blocks, energy and cycles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from qdsl.interpreter.nest import LoopNest, nest_of, points, tiles_of
from qdsl.interpreter.traffic import Moved, move_input, move_output
from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.mapping import Mapping as LoopMapping
from qdsl.model.operator import Problem, Tensor

NOTHING = Moved(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Counted:
    """One tensor at one level: words per instance (the mean, rounded up), energy in pJ over all used instances.

    totals: values read, filled and updated by all instances."""

    words: int
    reads: int
    fills: int
    updates: int
    instances: int
    energy_pj: float
    totals: tuple[int, int, int]


@dataclass(frozen=True)
class Interpretation:
    """counts: (level name, tensor name) -> numbers. steps: temporal steps; cycles: with bandwidths, exact. energy_pj: of
    accesses and operations; what networks and leakage add is not counted here."""

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
    accelerator = accelerator.resolved(mapping.bypass)
    nest = nest_of(accelerator, problem, mapping)
    counts: dict[tuple[str, str], Counted] = {}
    for tensor in problem.operator.tensors:
        counts |= _tensor(nest, problem, tensor, bits)
    steps = sum(1 for _ in nest.steps())
    units = len(nest.addresses(nest.compute))
    operations = sum(nest.runs(step, unit) for step in nest.steps() for unit in nest.addresses(nest.compute))
    energy_pj = operations * accelerator.compute.operation_pj(problem, bits) + sum(c.energy_pj for c in counts.values())
    computing = ceil(steps * accelerator.compute.cycles_per_operation(problem, bits))
    needed = [Fraction(computing), *(t for level in accelerator.levels for t in _transfer_cycles(level, counts))]
    return Interpretation(counts, operations, units, steps, ceil(max(needed)), energy_pj)


def _tensor(
    nest: LoopNest, problem: Problem, tensor: Tensor, bits: Mapping[str, int]
) -> dict[tuple[str, str], Counted]:
    """The levels that keep a tensor, innermost first; the innermost serves the compute units."""
    move = move_output if tensor.is_output else move_input
    counts: dict[tuple[str, str], Counted] = {}
    kept = [i for i, h in enumerate(nest.accelerator.hierarchy) if isinstance(h, StorageLevel) and h.keeps(tensor.name)]
    below = [move(nest, tensor, p, c) for p, c in zip(kept, [*kept[1:], nest.compute], strict=True)]
    for item, served, arriving in zip(kept, below, [NOTHING, *below], strict=False):
        level = nest.accelerator.hierarchy[item]
        assert isinstance(level, StorageLevel)
        stored = level.stored_bits(tensor.name, problem, bits)
        counts[level.name, tensor.name] = _counted(nest, tensor, item, level, stored, served, arriving)
    return counts


def _counted(
    nest: LoopNest, tensor: Tensor, item: int, level: StorageLevel, stored: int, served: Moved, arriving: Moved
) -> Counted:
    """From values of `stored` bits to words and accesses. What a level passes on to its neighbours is counted apart from what
    it serves."""
    addresses = nest.addresses(item)

    def words(values: int) -> int:
        if level.dense:
            return ceil(Fraction(values * stored, level.word_bits))
        return ceil(Fraction(values, level.word_bits // stored))

    def accesses(values: int) -> int:
        return ceil(Fraction(words(values), level.block_words))

    reads, fills, updates = (
        ceil(Fraction(total, len(addresses))) for total in (served.reads, arriving.fills, served.updates)
    )
    passed = arriving.passed
    first = tiles_of(nest, tensor, item).at((0,) * len(nest.temporal), addresses[0])
    assert first is not None
    one_instance_pj = (
        (accesses(reads) + accesses(passed)) * level.energy.read_pj
        + accesses(fills) * level.energy.write_pj
        + accesses(updates) * level.energy.update_pj
    )
    return Counted(
        level.copies(tensor.name) * words(len(points(first))),
        words(reads) + words(passed),
        words(fills),
        words(updates),
        len(addresses),
        len(addresses) * one_instance_pj,
        (served.reads, arriving.fills, served.updates),
    )


def _transfer_cycles(level: StorageLevel, counts: Mapping[tuple[str, str], Counted]) -> list[Fraction]:
    """Cycles that the words of one instance take at each of its ports."""
    found = []
    for port in level.all_ports:
        rows = [c for (name, tensor), c in counts.items() if name == level.name and level.serves(port, tensor)]
        for words, bandwidth in (
            (sum(c.reads for c in rows), port.read),
            (sum(c.fills + c.updates for c in rows), port.write),
        ):
            if bandwidth is not None:
                found.append(Fraction(words) / Fraction(bandwidth))
    return found
