"""ZigZag's cost model on a qdsl mapping: the same nest on the same machine, given to its own classes.

Its search, its memory allocation and its file formats stay out of the way. Nothing here imports the package before
`evaluate` runs.
"""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from qdsl.exchange.zigzag import OPERANDS, layer_data, machine_data, roles_of
from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem


@dataclass(frozen=True)
class Moves:
    """One tensor at one level, in the four directions, over all instances.

    reads: for the level inside; updates: results of the level inside; fills: from the level outside; drains: results read
    to be sent outwards.
    """

    reads: float
    updates: float
    fills: float
    drains: float

    @property
    def total(self) -> float:
        return self.reads + self.updates + self.fills + self.drains


@dataclass(frozen=True)
class PeerEvaluation:
    """What ZigZag says of a mapping. Keys are (level, tensor).

    accesses: what it charges energy for, in accesses of a level's width; moved_bits: its count of values moved, from which
    no energy follows, times their width; held_bits: a tile in one instance; cycles: temporal steps; stalled_cycles: with
    stalls; latency: with the first transfers in and the last ones out, too.
    """

    accesses: MappingABC[tuple[str, str], Moves]
    moved_bits: MappingABC[tuple[str, str], Moves]
    energy_pj: MappingABC[tuple[str, str], Moves]
    held_bits: MappingABC[tuple[str, str], float]
    compute_energy_pj: float
    cycles: float
    stalled_cycles: float
    latency: float


def evaluate(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    mapping: Mapping,
    *,
    padding: MappingABC[str, tuple[int, int]] | None = None,
    hold_read_values: bool = False,
) -> PeerEvaluation:
    """ZigZag's numbers of a mapping of an operator with tensors I, W and O.

    Needs the package `zigzag-dse`. Of O it knows two widths: that of sums, which is the innermost memory's here, and that
    of results, the outermost one's. padding: zeros before and after an axis of I, by the name of the output dimension in
    it; hold_read_values: its option `access_same_data_considered_as_no_access`, on by default there.
    """
    layer = layer_node(accelerator, problem, bits, padding or {})
    spatial = {t: _spatial_loops(accelerator, mapping, t) for t in OPERANDS}
    temporal = {t: _temporal_loops(accelerator, mapping, t) for t in OPERANDS}
    internal = _zigzag("mapping.spatial_mapping_internal").SpatialMappingInternal(_named(spatial), layer)
    stationary = _zigzag("mapping.temporal_mapping")
    found = _zigzag("cost_model.cost_model").CostModelEvaluation(
        accelerator=machine(accelerator, problem, bits),
        layer=layer,
        spatial_mapping=internal,
        spatial_mapping_int=internal,
        temporal_mapping=stationary.TemporalMapping(_named(temporal), layer, stationary.TemporalMappingType.UNEVEN),
        access_same_data_considered_as_no_access=hold_read_values,
    )
    return _result(accelerator, found)


def _zigzag(module: str) -> Any:
    return import_module(f"zigzag.{module}")


def _named(loops: dict[str, list[list[tuple[str, int]]]]) -> Any:
    types = _zigzag("datatypes")
    return {
        types.LayerOperand(tensor): [[(types.LayerDim(dim), factor) for dim, factor in level] for level in levels]
        for tensor, levels in loops.items()
    }


def _temporal_loops(accelerator: Accelerator, mapping: Mapping, tensor: str) -> list[list[tuple[str, int]]]:
    """Per level that keeps the tensor, innermost first: the loops that its tile spans, innermost first. Loops of a level
    that does not keep it belong to the next one outside."""
    levels: list[list[tuple[str, int]]] = []
    pending: list[tuple[str, int]] = []
    for level in reversed(accelerator.levels):
        pending += _innermost_first(mapping.loops(level.name))
        if level.keeps(tensor):
            levels.append(pending)
            pending = []
    return levels


def _spatial_loops(accelerator: Accelerator, mapping: Mapping, tensor: str) -> list[list[tuple[str, int]]]:
    """Per gap between places that hold the tensor, innermost first and the compute units being the first such place: the
    loops over instances there. The last gap, outside the backing store, is empty."""
    gaps: list[list[tuple[str, int]]] = [[]]
    for part in reversed(accelerator.hierarchy):
        if isinstance(part, FanOut):
            for place in part.places:
                gaps[-1] += _innermost_first(mapping.loops(place))
        elif part.keeps(tensor):
            gaps.append([])
    return gaps


def _innermost_first(loops: tuple[Loop, ...]) -> list[tuple[str, int]]:
    return [(loop.dim, loop.factor) for loop in reversed(loops)]


def layer_node(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    padding: MappingABC[str, tuple[int, int]],
) -> Any:
    """Of an operator with tensors I, W and O."""
    data = layer_data(accelerator, problem, bits, padding, roles_of(problem), problem.operator.name)
    nothing = {"spatial_mapping": None, "memory_operand_links": OPERANDS}
    return _zigzag("parser.workload_factory").LayerNodeFactory(data, [{"name": "Conv", **nothing}]).create()


def machine(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> Any:
    data = machine_data(accelerator, problem, bits, roles_of(problem))
    return _zigzag("parser.accelerator_factory").AcceleratorFactory(data).create()


def _result(accelerator: Accelerator, found: Any) -> PeerEvaluation:
    operand = _zigzag("datatypes").LayerOperand
    kept = [
        ((level.name, tensor), operand(tensor), i)
        for tensor in OPERANDS
        for i, level in enumerate(x for x in reversed(accelerator.levels) if x.keeps(tensor))
    ]
    moved = {key: found.mapping.unit_mem_data_movement[op][i] for key, op, i in kept}
    return PeerEvaluation(
        accesses={key: _moves(found.memory_word_access[op][i]) for key, op, i in kept},
        moved_bits={key: _moved_bits(x) for key, x in moved.items()},
        energy_pj={key: _moves(found.mem_energy_breakdown_further[op][i]) for key, op, i in kept},
        held_bits={key: found.mapping.data_bit_per_level_unrolled[op][i + 1] for key, op, i in kept},
        compute_energy_pj=found.mac_energy,
        cycles=found.ideal_temporal_cycle,
        stalled_cycles=found.latency_total0,
        latency=found.latency_total2,
    )


def _moved_bits(moved: Any) -> Moves:
    attribute = _zigzag("mapping.data_movement").DataMoveAttr
    values = _moves(moved.get_attribute(attribute.DATA_ELEM_MOVE_COUNT))
    width = _moves(moved.get_attribute(attribute.DATA_PRECISION))
    return Moves(
        reads=values.reads * width.reads,
        updates=values.updates * width.updates,
        fills=values.fills * width.fills,
        drains=values.drains * width.drains,
    )


def _moves(four_ways: Any) -> Moves:
    direction = _zigzag("hardware.architecture.memory_port").DataDirection
    return Moves(
        reads=four_ways.get(direction.RD_OUT_TO_LOW),
        updates=four_ways.get(direction.WR_IN_BY_LOW),
        fills=four_ways.get(direction.WR_IN_BY_HIGH),
        drains=four_ways.get(direction.RD_OUT_TO_HIGH),
    )
