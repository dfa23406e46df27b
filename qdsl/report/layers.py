"""The chosen design layer by layer: bit-widths, energy by level and tensor, mappings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from qdsl.model.mapping import Mapping as LoopNest
from qdsl.model.network import Network
from qdsl.report.quantities import Unit, energy_unit, grouped
from qdsl.study.result import DesignPoint, LayerDetail, PointDetail, StudyRun
from qdsl.symbolic import Explanation, explanation

ROLES = ("weights", "inputs", "outputs")  # tensors by what they are, whatever an operator calls them
COMPUTE = "compute"
LEAKAGE = "leakage"


@dataclass(frozen=True, slots=True)
class LayerRow:
    """A layer of the chosen design. bits: (role, tensor, width) in operator order; baseline_pj: the baseline's energy, None
    without a baseline; cycles, utilization and limited_by None where the mapping was not recovered."""

    name: str
    operator: str
    sizes: str
    bits: tuple[tuple[str, str, int], ...]
    energy_pj: float
    share: float
    baseline_pj: float | None
    status: str
    operations: int
    cycles: int | None
    utilization: float | None
    limited_by: str | None


@dataclass(frozen=True, slots=True)
class LevelRow:
    """Energy at a level over all layers in pJ: by role of tensor (compute units and leakage: one part), and in the other
    designs."""

    name: str
    parts: tuple[tuple[str, float], ...]
    energy_pj: float
    share: float
    others: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Nest:
    """A mapping and all layers that use it. energy_pj, cycles: of each of them; unit: for the parts of the energy."""

    layers: tuple[str, ...]
    operator: str
    sizes: str
    bits: str
    status: str
    energy_pj: float
    cycles: int
    utilization: float
    text: str
    mapping: LoopNest
    explanation: Explanation
    unit: Unit


def layer_rows(run: StudyRun, limits: Mapping[str, str]) -> tuple[LayerRow, ...]:
    """Every layer of the chosen design, in network order. limits: what limits the layers whose mappings were recovered."""
    point = run.chosen_point
    details = {d.name: d for d in _chosen_layers(run)}
    baseline = {layer.name: layer.energy_pj for layer in run.baseline.layers} if run.baseline else {}
    whole = sum(layer.energy_pj for layer in point.layers) or 1.0
    rows = []
    for result in point.layers:
        problem = run.study.network.layer(result.name).problem
        evaluation = details[result.name].evaluation if result.name in details else None
        roles = _roles(run.study.network, result.name)
        rows.append(
            LayerRow(
                result.name,
                result.operator,
                _sizes(tuple(zip(problem.operator.dims, problem.sizes, strict=True))),
                tuple((roles[tensor], tensor, bits) for tensor, bits in result.bits),
                result.energy_pj,
                result.energy_pj / whole,
                baseline.get(result.name),
                result.status,
                problem.operations,
                evaluation.cycles if evaluation else None,
                evaluation.utilization if evaluation else None,
                limits.get(result.name),
            )
        )
    return tuple(rows)


def level_rows(run: StudyRun) -> tuple[tuple[LevelRow, ...], tuple[str, ...]]:
    """Energy of the chosen design by level, outermost first, and the names of the other designs in the columns."""
    chosen = run.detail("chosen")
    if chosen is None:
        return (), ()
    others = tuple(d for d in run.details if d is not chosen)
    by_level = energy_by_level(run.study.network, chosen)
    other_totals = [{k: sum(v.values()) for k, v in energy_by_level(run.study.network, d).items()} for d in others]
    whole = sum(sum(parts.values()) for parts in by_level.values()) or 1.0
    rows = []
    for name, parts in by_level.items():
        total = sum(parts.values())
        ordered = tuple((role, parts[role]) for role in (*ROLES, COMPUTE, LEAKAGE) if role in parts)
        rows.append(LevelRow(name, ordered, total, total / whole, tuple(t.get(name, 0.0) for t in other_totals)))
    return tuple(rows), tuple(design_name(d) for d in others)


def energy_by_level(network: Network, detail: PointDetail) -> dict[str, dict[str, float]]:
    """pJ over all layers: level -> role of tensor -> energy, outermost level first, then hops across arrays, the compute
    units, and leakage, where there is any."""
    energy: dict[str, dict[str, float]] = {}
    hops: dict[str, dict[str, float]] = {}
    compute = leakage = 0.0
    for layer in detail.layers:
        roles, weight = _roles(network, layer.name), network.layer(layer.name).weight
        for level in layer.evaluation.levels:
            parts = energy.setdefault(level.name, defaultdict(float))
            for tensor, counts in level.tensors:
                parts[roles[tensor]] += weight * counts.energy_pj
        for array, tensors in layer.evaluation.networks:
            parts = hops.setdefault(f"hops of {array}", defaultdict(float))
            for tensor, pj in tensors:
                parts[roles[tensor]] += weight * pj
        compute += weight * layer.evaluation.compute_energy_pj
        leakage += weight * layer.evaluation.leakage_pj
    return {**energy, **hops, COMPUTE: {COMPUTE: compute}, **({LEAKAGE: {LEAKAGE: leakage}} if leakage else {})}


def nests(run: StudyRun) -> tuple[Nest, ...]:
    """The chosen design's mappings in network order, each once: layers with equal sizes and bit-widths share one."""
    alike: dict[tuple[object, ...], list[LayerDetail]] = {}
    for detail in _chosen_layers(run):
        key = (detail.operator, detail.sizes, detail.bits, detail.nest)
        alike.setdefault(key, []).append(detail)
    return tuple(
        Nest(
            tuple(d.name for d in group),
            group[0].operator,
            _sizes(group[0].sizes),
            widths(group[0].bits),
            group[0].status,
            group[0].evaluation.energy_pj,
            group[0].evaluation.cycles,
            group[0].evaluation.utilization,
            group[0].nest,
            group[0].mapping,
            _explained(run, group[0]),
            energy_unit(group[0].evaluation.energy_pj),
        )
        for group in alike.values()
    )


def _explained(run: StudyRun, detail: LayerDetail) -> Explanation:
    problem = run.study.network.layer(detail.name).problem
    return explanation(run.study.accelerator, problem, dict(detail.bits), detail.mapping)


def design_name(detail: PointDetail) -> str:
    name = " and ".join(role.replace("_", " ") for role in detail.roles)
    return f"{name} {detail.point.label}".strip()


def widths(bits: tuple[tuple[str, int], ...]) -> str:
    """`W 4, I 8, O 8`."""
    return ", ".join(f"{tensor} {width}" for tensor, width in bits)


def _chosen_layers(run: StudyRun) -> tuple[LayerDetail, ...]:
    chosen = run.detail("chosen")
    return chosen.layers if chosen else ()


def _roles(network: Network, layer: str) -> dict[str, str]:
    return {
        t.name: "weights" if t.is_weight else "outputs" if t.is_output else "inputs"
        for t in network.layer(layer).problem.operator.tensors
    }


def _sizes(sizes: tuple[tuple[str, int], ...]) -> str:
    """`K 32, C 3, P 112`: dimensions of size 1 say nothing and are left out."""
    return ", ".join(f"{dim}\u00a0{grouped(size)}" for dim, size in sizes if size > 1) or "all 1"


def layer_bits(point: DesignPoint) -> dict[str, dict[str, int]]:
    """Layer -> tensor -> width."""
    return {layer.name: dict(layer.bits) for layer in point.layers}
