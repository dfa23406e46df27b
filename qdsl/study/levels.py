"""What a study estimates before it maps: two rough levels, in closed form, that stand in for energy and cycles.

*Coarse* knows the network alone. *Mid* adds what a data sheet says of the machine: how many compute units, how much memory on
the chip, the words of the backing store. Both are reconstructions in the spirit of HW-Flow (Fasfous et al., ACM TECS 20(5s),
2021, and LITES 8(1), 2022), whose formulas were not published.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, nan

import numpy as np

from qdsl.model.accelerator import Accelerator
from qdsl.model.network import Layer
from qdsl.model.operator import Problem, Tensor
from qdsl.model.study import Study
from qdsl.study.tables import Bits, LayerTable, variables_of, width_rows

Widths = Mapping[str, int]


def bit_operations(problem: Problem, bits: Widths) -> float:
    """Operations times the widths of all their inputs: of a layer with weights MACs * weight bits * activation bits."""
    total = float(problem.operations)
    for tensor in problem.operator.inputs:
        total *= bits[tensor.name]
    return total


def fractional_operations(accelerator: Accelerator, problem: Problem, bits: Widths) -> float:
    """Cycles of one compute unit that is never idle: operations over those per cycle at these widths."""
    return float(problem.operations * accelerator.compute.cycles_per_operation(problem, bits))


@dataclass(frozen=True, slots=True)
class Estimate:
    """energy_pj, cycles: of a layer on the machine of the data sheet; words: through the backing store; intensity:
    operations per word, the computation-to-communication ratio."""

    energy_pj: float
    cycles: float
    words: int
    intensity: float


def roofline_estimate(accelerator: Accelerator, problem: Problem, bits: Widths) -> Estimate:
    """All compute units work, and the words that must pass the backing store do so at its bandwidth; the slower one decides.

    One operand stays on the chip in as few parts as the on-chip memory of C bits allows, and for each of them the others
    stream: words are `min over X of X + O + ceil(bits of X / C) * (the other inputs)`. So every value passes once where one
    operand fits.
    """
    store = accelerator.levels[0]
    words = {t.name: _words(accelerator, problem, t, bits) for t in problem.operator.tensors}
    inputs = [t.name for t in problem.operator.inputs]
    out = words[problem.operator.output.name]
    capacity = accelerator.capacity_bits
    read = min(
        words[x] + _parts(problem, x, bits, capacity) * sum(words[other] for other in inputs if other != x)
        for x in inputs
    )
    compute = fractional_operations(accelerator, problem, bits) / accelerator.compute_instances
    reading = read / store.read_bandwidth if store.read_bandwidth else 0.0
    writing = out / store.write_bandwidth if store.write_bandwidth else 0.0
    energy = problem.operations * accelerator.compute.operation_pj(problem, bits)
    energy += (
        ceil(read / store.block_words) * store.energy.read_pj + ceil(out / store.block_words) * store.energy.update_pj
    )
    return Estimate(energy, max(compute, reading, writing), read + out, problem.operations / (read + out))


def estimated_tables(study: Study, level: str) -> tuple[LayerTable, ...]:
    """Tables of a rough level, in network order: pJ and, where they count, cycles; of the coarse level bit operations in
    place of pJ, and no cycles."""
    known: dict[tuple[Problem, Bits], tuple[float, float]] = {}
    estimate = _ESTIMATES[level]
    tables = []
    for layer in study.network.layers:
        for row in width_rows(study, layer):
            if (layer.problem, row.bits) not in known:
                known[layer.problem, row.bits] = estimate(study.accelerator, layer.problem, dict(row.bits))
        tables.append(_table(study, layer, known))
    return tuple(tables)


def _table(study: Study, layer: Layer, known: Mapping[tuple[Problem, Bits], tuple[float, float]]) -> LayerTable:
    variables = tuple(sorted({v for v in variables_of(study, layer).values() if v is not None}))
    shape = tuple(len(study.precision.variables[v].options) for v in variables)
    energy_pj, cycles = np.empty(shape), np.empty(shape)
    for row in width_rows(study, layer):
        costs = known[layer.problem, row.bits]
        energy_pj[row.options], cycles[row.options] = (layer.weight * x for x in costs)
    return LayerTable(layer.name, variables, energy_pj, cycles if study.timed else None)


def _words(accelerator: Accelerator, problem: Problem, tensor: Tensor, bits: Widths) -> int:
    """Of a tensor in the backing store."""
    store = accelerator.levels[0]
    width = store.stored_bits(tensor.name, problem, bits)
    values = problem.values(tensor)
    return ceil(values * width / store.word_bits) if store.dense else ceil(values / (store.word_bits // width))


def _parts(problem: Problem, tensor: str, bits: Widths, capacity: int) -> int:
    """In how many parts a tensor goes through the memory on the chip; bit by bit if there is none."""
    values = next(problem.values(t) for t in problem.operator.tensors if t.name == tensor)
    return ceil(values * bits[tensor] / max(capacity, 1))


def _coarse(_: Accelerator, problem: Problem, bits: Widths) -> tuple[float, float]:
    return bit_operations(problem, bits), nan


def _mid(accelerator: Accelerator, problem: Problem, bits: Widths) -> tuple[float, float]:
    found = roofline_estimate(accelerator, problem, bits)
    return found.energy_pj, found.cycles


_ESTIMATES: Mapping[str, Callable[[Accelerator, Problem, Widths], tuple[float, float]]] = {
    "coarse": _coarse,
    "mid": _mid,
}
