"""ZigZag's own search for the mapping of a layer: its spatial mappings, its temporal orders (LOMA), its memory allocation and
its cost model, with the settings of its interface but for the objective. Needs the package `zigzag-dse`.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from importlib import import_module
from time import process_time
from typing import Any

from qdsl.model.accelerator import Accelerator
from qdsl.model.operator import Problem
from tests.peers import zigzag_model
from tests.peers.own_places import Nest, Stored, Turn


@dataclass(frozen=True)
class Searched:
    """cpu_s: processor time of the search; energy_pj: by ZigZag's model, where values stay at the port of a memory
    while they do not change (its default); nest: the mapping, None if it is no nest: registers that hold one tensor for more
    turns than the buffer holds another."""

    cpu_s: float
    energy_pj: float
    nest: Nest | None


def search(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> Searched:
    """The mapping of least energy that it finds, on a machine with one array."""
    logging.getLogger("zigzag").setLevel(logging.WARNING)
    layer = zigzag_model.layer_node(accelerator, problem, bits, {})
    machine = zigzag_model.machine(accelerator, problem, bits)
    least = _of("stages.results.reduce_stages").MinimalEnergyStage
    stages = [
        _of("stages.mapping.spatial_mapping_generation").SpatialMappingGeneratorStage,
        least,
        _of("stages.mapping.temporal_mapping_generator_stage").TemporalMappingGeneratorStage,
        _of("stages.evaluation.cost_model_evaluation").CostModelStage,
    ]
    settings = {
        "loma_lpf_limit": 6,
        "nb_mappings_generated": 3,
        "loma_show_progress_bar": False,
        "access_same_data_considered_as_no_access": True,
        "temporal_mapping_type": _of("mapping.temporal_mapping").TemporalMappingType.UNEVEN,
    }
    start = process_time()
    ((found, _),) = least(stages, accelerator=machine, layer=layer, **settings).run()
    return Searched(process_time() - start, float(found.energy_total), _nest(accelerator, found))


def _of(module: str) -> Any:
    return import_module(f"zigzag.{module}")


def _nest(accelerator: Accelerator, found: Any) -> Nest | None:
    """Places in memories outside the array come before it, the others after it; None where that changes their order."""
    temporal = _loops(found.temporal_mapping.mapping_dic_stationary)
    spatial = _loops(found.spatial_mapping.mapping_dict_origin)
    order = max(([loop for level in levels for loop in level] for levels in temporal.values()), key=len)
    (array,) = accelerator.fanouts
    outside = accelerator.hierarchy.index(array)
    places = []
    for tensor, levels in temporal.items():
        inside = 0
        kept = [x for x in reversed(accelerator.levels) if x.keeps(tensor)]
        for level, loops in zip(kept, levels, strict=True):
            inside += len(loops)
            places.append((accelerator.hierarchy.index(level) > outside, inside, Stored(level.name, tensor)))
    nest: list[Stored | Turn] = []
    left = len(order)
    turns = [Turn(d, f, axis) for axis, (d, f) in zip("xy", (x for level in spatial["O"] for x in level), strict=False)]
    for inner, inside, place in sorted(places, key=lambda x: (x[0], -x[1])):
        if inner and turns:
            nest.extend(turns)
            turns = []
        if inside > left:
            return None
        nest += (Turn(*loop) for loop in reversed(order[inside:left]))
        left = min(left, inside)
        nest.append(place)
    nest.extend(turns)
    return [*nest, *(Turn(*loop) for loop in reversed(order[:left]))]


def _loops(mapping: Any) -> dict[str, list[list[tuple[str, int]]]]:
    """Per tensor and level, innermost first: the loops there, innermost first."""
    return {
        str(tensor): [[(str(dim), round(float(factor))) for dim, factor in level] for level in levels]
        for tensor, levels in mapping.items()
    }
