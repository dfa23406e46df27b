"""Designs with the mappings of their layers, each recovered once and checked again before it is reported."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isclose

from qdsl.mapper import recover_mapping
from qdsl.mapspace import constraint_violations
from qdsl.model.mapping import Mapping
from qdsl.model.mapping_text import format_mapping
from qdsl.model.network import Layer
from qdsl.model.study import Study
from qdsl.study.keys import applying
from qdsl.study.progress import Progress
from qdsl.study.result import DesignPoint, LayerDetail, PointDetail
from qdsl.study.store import Store
from qdsl.study.tables import Bits, Tables
from qdsl.symbolic import evaluate, legality

RELATIVE_TOLERANCE = 1e-9
"""Between the energy of the search and that of the recovered mapping: the order of additions differs."""


def detail_points(
    study: Study, tables: Tables, points: Sequence[tuple[str, DesignPoint]], store: Store, progress: Progress
) -> Iterator[PointDetail]:
    """One detail per distinct design, as they are made. points: (role, design), in the order of the result; a design may
    have several roles.

    Raises RuntimeError when a recovered mapping breaks a rule or misses its energy, which would be a defect of the
    mapper.
    """
    roles: dict[tuple[int, ...], list[str]] = {}
    designs: dict[tuple[int, ...], DesignPoint] = {}
    for role, point in points:
        roles.setdefault(point.choice, []).append(role)
        designs.setdefault(point.choice, point)
    progress.mappings_planned(len(designs) * len(study.network.layers))
    known: dict[str, LayerDetail] = {}
    for choice, point in designs.items():
        layers = []
        for layer, row in zip(study.network.layers, point.layers, strict=True):
            layers.append(_layer_detail(study, tables, layer, row.bits, store, known))
            progress.mapping_done(layer.name)
        yield PointDetail(tuple(roles[choice]), point, tuple(layers))


def _layer_detail(
    study: Study, tables: Tables, layer: Layer, bits: Bits, store: Store, known: dict[str, LayerDetail]
) -> LayerDetail:
    key = tables.keys[layer.problem, bits]
    if key not in known:
        known[key] = _solved_detail(study, tables, layer, bits, store)
    same = known[key]
    operator = layer.problem.operator
    sizes = tuple(zip(operator.dims, layer.problem.sizes, strict=True))
    figures = study.accelerator.compute.reported(layer.problem, dict(bits))
    found = (same.status, same.mapping, same.evaluation, same.nest)
    return LayerDetail(layer.name, operator.name, sizes, bits, *found, figures)


def _solved_detail(study: Study, tables: Tables, layer: Layer, bits: Bits, store: Store) -> LayerDetail:
    accelerator, problem = study.accelerator, layer.problem
    optimum = tables.optimum(problem, bits)
    key = tables.keys[problem, bits]
    mapping = store.mapping(key)
    if mapping is None:
        constraints = applying(study.constraints, problem)
        mapping = recover_mapping(accelerator, problem, dict(bits), constraints, optimum)
        store.put_mapping(key, mapping)
    _recheck(study, layer, bits, mapping)
    evaluation = evaluate(accelerator, problem, dict(bits), mapping)
    if not isclose(evaluation.energy_pj, optimum.energy_pj, rel_tol=RELATIVE_TOLERANCE):
        raise RuntimeError(
            f"layer {layer.name}: the mapping needs {evaluation.energy_pj} pJ, the search found {optimum.energy_pj} pJ"
        )
    nest = format_mapping(mapping, accelerator)
    return LayerDetail(layer.name, problem.operator.name, (), bits, optimum.status, mapping, evaluation, nest)


def _recheck(study: Study, layer: Layer, bits: Bits, mapping: Mapping) -> None:
    found = [
        *legality(study.accelerator, layer.problem, dict(bits), mapping, None),
        *constraint_violations(study.constraints, study.accelerator, layer.problem, dict(bits), mapping),
    ]
    if found:
        raise RuntimeError(f"layer {layer.name}: the reported mapping is not legal: {found[0].message}")
