"""Numbers of one mapping: the lowered counts with integers in place of symbols."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC

from qdsl.model.accelerator import Accelerator
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic.cost import LoweredNest, lower
from qdsl.symbolic.functions import Count, larger, real, round_up, smaller, total
from qdsl.symbolic.nest import Nest, nest_of
from qdsl.symbolic.result import Evaluation, LevelCounts, TensorCounts
from qdsl.symbolic.widths import Widths, widths_of


def evaluate(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mapping: Mapping) -> Evaluation:
    """Exact counts, energy in pJ and cycles of a legal mapping.

    bits: width of every tensor; each must fit the word of every level that keeps the tensor (see `legality`).
    Raises SpecError where a formula of the accelerator is undefined at these widths.
    """
    accelerator = accelerator.resolved(mapping.bypass)
    return evaluate_nest(
        nest_of(accelerator, problem, mapping), widths_of(accelerator, problem, bits), problem.operations
    )


def evaluate_nest(nest: Nest, widths: Widths, needed: Count) -> Evaluation:
    """The evaluation for any kind of numbers: it holds what nest and widths hold. needed: operations of the problem."""
    accelerator = nest.accelerator
    lowered = lower(nest, widths)
    levels = tuple(
        LevelCounts(
            name,
            tuple(
                (t, TensorCounts(x.words, x.reads, x.fills, x.updates, x.instances, real(x.energy_pj)))
                for t, x in rows.items()
            ),
        )
        for name, rows in lowered.counts.items()
    )
    networks = tuple(
        (name, tuple((t, real(pj)) for t, pj in tensors.items())) for name, tensors in lowered.network_pj.items()
    )
    took = cycles(accelerator, lowered)
    leakage_pj = accelerator.leakage_pj * took
    return Evaluation(
        levels=levels,
        networks=networks,
        operations=lowered.operations,
        compute_energy_pj=real(lowered.compute_energy_pj),
        leakage_pj=leakage_pj,
        utilization=lowered.used_compute / accelerator.compute_instances,
        useful=needed / (lowered.steps * lowered.used_compute),
        compute_cycles=lowered.compute_cycles,
        cycles=took,
        energy_pj=real(lowered.energy_pj + leakage_pj),
    )


def cycles(accelerator: Accelerator, lowered: LoweredNest) -> Count:
    """Cycles of the compute units, stretched by the port whose bandwidth is exceeded most.

    The stretch is a ratio of words per cycle in double precision, as the reference tool computes it; where the quotient
    is a whole number this can be one cycle above it.
    """
    least = lowered.compute_cycles
    slowdown: Count = 1.0
    for level in accelerator.levels:
        for port in level.all_ports:
            rows = [x for name, x in lowered.counts[level.name].items() if level.serves(port, name)]
            read_rate = total(x.reads / least for x in rows)
            write_rate = total((x.fills + x.updates) / least for x in rows)
            for bandwidth, rate in ((port.read, read_rate), (port.write, write_rate)):
                if bandwidth is not None:
                    slowdown = smaller(slowdown, bandwidth / larger(rate, bandwidth))
    return round_up(real(least) / slowdown)
