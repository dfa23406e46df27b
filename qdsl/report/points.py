"""Designs as rows of the report: what each costs, compared with the baseline, and how wide its values are on average."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qdsl.model.network import Layer, Network
from qdsl.report.quantities import NARROW, Unit, change, compared, energy_unit, grouped, memory_unit, percent
from qdsl.study.result import DesignPoint, StudyRun


@dataclass(frozen=True, slots=True)
class Units:
    """One unit per kind of quantity in a whole report."""

    energy: Unit
    memory: Unit


@dataclass(frozen=True, slots=True)
class PointRow:
    """A design. number: 1-based place on the front, 0 for a reference; roles: why it stands out; weight_bits, input_bits:
    mean width of a value, weighted by the sizes of the tensors (None: there are none); noise_db: None unless the study
    minimises it. hardware: its configuration as text, '' if no parameter is searched; error, test_error: per cent, None
    unless they are measured; others: (name, value) of the other objectives that it minimises."""

    number: int
    label: str
    roles: tuple[str, ...]
    energy_pj: float
    memory_bits: float
    energy_change: str
    memory_change: str
    weight_bits: float | None
    input_bits: float | None
    noise_db: float | None
    hardware: str
    error: float | None
    test_error: float | None
    others: tuple[tuple[str, str], ...] = ()


def units(run: StudyRun) -> Units:
    """Units that suit the largest design of the report."""
    designs = [*run.front, *run.references, *([run.baseline] if run.baseline else [])]
    return Units(
        energy_unit(max(p.energy_pj for p in designs)), memory_unit(max(p.weight_memory_bits for p in designs))
    )


def point_rows(run: StudyRun) -> tuple[PointRow, ...]:
    """The front, ascending energy."""
    return tuple(_row(run, p, i + 1, _roles(run, i)) for i, p in enumerate(run.front))


def reference_rows(run: StudyRun) -> tuple[PointRow, ...]:
    """Uniform widths, narrowest first."""
    return tuple(_row(run, p, 0, ("baseline",) if _same(p, run.baseline) else ()) for p in run.references)


def facts(row: PointRow, unit: Units) -> tuple[tuple[str, str], ...]:
    """(name, value) of what there is to say about a point; the same names in the same order for every point of a run."""
    said = [("hardware", row.hardware)] if row.hardware else []
    said.append(("energy", unit.energy.text(row.energy_pj)))
    if row.energy_change:
        said.append(("energy against baseline", row.energy_change))
    said.append(("weight memory", unit.memory.text(row.memory_bits)))
    if row.memory_change:
        said.append(("memory against baseline", row.memory_change))
    said += row.others
    if row.error is not None:
        said += [("error", error_text(row.error)), ("test error", error_text(row.test_error))]
    if row.noise_db is not None:
        said.append(("quantisation noise", decibels(row.noise_db)))
    said.append(("mean width of a weight", _bits(row.weight_bits)))
    said.append(("mean width of an input", _bits(row.input_bits)))
    return tuple(said)


def answer(run: StudyRun, unit: Units) -> str:
    """The result in one sentence."""
    point, base, study = run.chosen_point, run.baseline, run.study
    widths = set(point.choice)
    kind = "Mixed bit-widths" if len(widths) > 1 else f"Uniform {widths.pop()}-bit values" if widths else "Values"
    memory = f"{unit.memory.text(point.weight_memory_bits)} of weights"
    machine = study.accelerator.name + (f" ({study.hardware[point.hardware].text})" if study.hardware else "")
    where = f"{kind} let {study.network.name} run on {machine} with {unit.energy.text(point.energy_pj)}"
    if base is None:
        return f"{where} and {memory}."
    name = base.label or "the widest bit-widths"
    less_energy = compared(point.energy_pj, base.energy_pj)
    less_memory = compared(point.weight_memory_bits, base.weight_memory_bits)
    return f"{where}, {less_energy} than at {name}, and {memory}, {less_memory}.".replace(
        "as much than at", "as much as at"
    )


def remarks(run: StudyRun) -> tuple[str, ...]:
    """What a reader must know to trust the sentence above."""
    said = []
    if not run.complete:
        said.append("The run was interrupted: the front below is what was found until then.")
    if len(run.front) == 1:
        said.append(
            f"The front is a single design: none of the {grouped(run.counts.evaluated)} designs evaluated is better "
            f"in {' or '.join(o.replace('_', ' ') for o in run.study.objectives)}."
        )
    unproven = sum(layer.status != "optimal" for layer in run.chosen_point.layers)
    said.append(
        f"{unproven} of {len(run.chosen_point.layers)} mappings are the best found, without a proof that none is better."
        if unproven
        else "Every layer's mapping is proven optimal: no legal mapping needs less energy in this cost model."
    )
    return tuple(said)


def _row(run: StudyRun, point: DesignPoint, number: int, roles: tuple[str, ...]) -> PointRow:
    base = run.baseline
    weight_bits, input_bits = mean_widths(run.study.network, point)
    return PointRow(
        number,
        point.label,
        roles,
        point.energy_pj,
        point.weight_memory_bits,
        change(point.energy_pj, base.energy_pj) if base else "",
        change(point.weight_memory_bits, base.weight_memory_bits) if base else "",
        weight_bits,
        input_bits,
        point.objectives["noise"] if "noise" in run.study.objectives else None,
        run.study.hardware[point.hardware].text if run.study.hardware else "",
        point.objectives.get("error"),
        point.test_error,
        tuple(_other(run, point)),
    )


def _roles(run: StudyRun, index: int) -> tuple[str, ...]:
    roles = ["chosen"] if index == run.chosen else []
    roles += ["least energy"] if index == 0 else []
    # of equals the first: it needs least energy
    least = min(range(len(run.front)), key=lambda i: run.front[i].weight_memory_bits)
    return tuple(roles + (["least weight memory"] if index == least else []))


def _same(point: DesignPoint, other: DesignPoint | None) -> bool:
    return other is not None and point.choice == other.choice


def mean_widths(network: Network, point: DesignPoint) -> tuple[float | None, float | None]:
    """Mean bits of a weight and of an input value over all layers, weighted by the number of values."""
    bits = {layer.name: dict(layer.bits) for layer in point.layers}
    return _mean(network.layers, bits, weights=True), _mean(network.layers, bits, weights=False)


def _mean(layers: tuple[Layer, ...], bits: dict[str, dict[str, int]], weights: bool) -> float | None:
    pairs = [
        (layer.problem.values(t), bits[layer.name][t.name])
        for layer in layers
        for t in layer.problem.operator.inputs
        if t.is_weight == weights
    ]
    values = sum(n for n, _ in pairs)
    return sum(n * b for n, b in pairs) / values if values else None


def _other(run: StudyRun, point: DesignPoint) -> Iterator[tuple[str, str]]:
    for name in run.study.objectives:
        if name == "activation_memory":
            yield "activations alive, at most", memory_unit(point.objectives[name]).text(point.objectives[name])
        elif name == "latency":
            yield "latency, layer after layer", f"{grouped(point.objectives[name])}{NARROW}cycles"
        elif name == "sensitivity":
            yield "sensitivity", f"{point.objectives[name]:.4g}"
        elif name == "edp":
            yield "energy-delay product", f"{point.objectives[name]:.4g}{NARROW}pJ·cycles"


def error_text(error: float | None) -> str:
    """Of an error in per cent."""
    return "—" if error is None else percent(error / 100, 2)


def decibels(noise_db: float) -> str:
    return f"{grouped(noise_db, 1)}{NARROW}dB"


def _bits(mean: float | None) -> str:
    return "—" if mean is None else f"{grouped(mean, 2)}{NARROW}bit"
