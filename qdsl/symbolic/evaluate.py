"""Numbers of one mapping: the lowered counts with integers in place of symbols."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from math import ceil

from qdsl.model.accelerator import Accelerator
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Operator, Problem
from qdsl.symbolic.cost import LoweredNest, lower
from qdsl.symbolic.nest import nest_of
from qdsl.symbolic.result import Evaluation, LevelCounts, TensorCounts
from qdsl.symbolic.traffic import values_per_word


def evaluate(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mapping: Mapping) -> Evaluation:
    """Exact counts, energy in pJ and cycles of a legal mapping.

    bits: width of every tensor; each must fit the word of every level that keeps the tensor (see `legality`).
    """
    lowered = lower(nest_of(accelerator, problem, mapping), packing(accelerator, problem.operator, bits))
    levels = tuple(
        LevelCounts(
            name,
            tuple(
                (t, TensorCounts(x.words, x.reads, x.fills, x.updates, x.instances, float(x.energy_pj)))
                for t, x in rows.items()
            ),
        )
        for name, rows in lowered.counts.items()
    )
    return Evaluation(
        levels=levels,
        operations=lowered.operations,
        compute_energy_pj=float(lowered.compute_energy_pj),
        utilization=lowered.used_compute / accelerator.compute_instances,
        cycles=cycles(accelerator, lowered),
        energy_pj=float(lowered.energy_pj),
    )


def packing(accelerator: Accelerator, operator: Operator, bits: MappingABC[str, int]) -> dict[tuple[str, str], int]:
    """Values per word of every kept (level, tensor)."""
    return {
        (level.name, t.name): values_per_word(level, bits[t.name])
        for level in accelerator.levels
        for t in operator.tensors
        if level.keeps(t.name)
    }


def cycles(accelerator: Accelerator, lowered: LoweredNest) -> int:
    """Temporal steps, stretched by the level whose bandwidth is exceeded most.

    The stretch is a ratio of words per step in double precision, as the reference tool computes it; where the quotient
    is a whole number this can be one cycle above it.
    """
    steps = lowered.temporal_cycles
    slowdown = 1.0
    for level in accelerator.levels:
        rows = lowered.counts[level.name].values()
        read_rate = sum(x.reads / steps for x in rows)
        write_rate = sum((x.fills + x.updates) / steps for x in rows)
        for bandwidth, rate in ((level.read_bandwidth, read_rate), (level.write_bandwidth, write_rate)):
            if bandwidth is not None and rate > bandwidth:
                slowdown = min(slowdown, bandwidth / rate)
    return ceil(float(steps) / slowdown)
