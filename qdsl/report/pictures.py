"""The figures of a report, from a run."""

from __future__ import annotations

from dataclasses import dataclass

from qdsl.report.accuracy import error_picture
from qdsl.report.explored import hardware_picture
from qdsl.report.figures import Figure, FrontMark, LayerColumn, StackedRow, convergence, front, layer_columns, stacked
from qdsl.report.figures.style import shade_class, step_class
from qdsl.report.layers import COMPUTE, LEAKAGE, ROLES, level_rows
from qdsl.report.legal import Legal, legal
from qdsl.report.points import PointRow, Units, decibels, error_text, facts, point_rows, reference_rows
from qdsl.report.quantities import Unit
from qdsl.report.rooflines import Rooflines, rooflines
from qdsl.report.winners import Winners, winners
from qdsl.study.result import DesignPoint, StudyRun


@dataclass(frozen=True)
class Pictures:
    """errors: None where none are measured. levels, rooflines: None when the chosen design's mappings were not recovered.
    convergence: None without a generation."""

    front: Figure
    errors: Figure | None
    layers: Figure
    levels: Figure | None
    rooflines: Rooflines | None
    legal: Legal
    convergence: Figure | None
    hardware: Figure | None
    winners: tuple[Winners, ...]

    def files(self) -> dict[str, Figure]:
        """File name -> figure, for reports that keep them beside the text."""
        named = {
            "front.svg": self.front,
            "error.svg": self.errors,
            "layers.svg": self.layers,
            "levels.svg": self.levels,
            "roofline.svg": self.rooflines.pictures[0][1] if self.rooflines else None,
            "legal.svg": self.legal.heat,
            "gain.svg": self.legal.gain,
            "convergence.svg": self.convergence,
            "hardware.svg": self.hardware,
            **{f"least_{w.what}.svg": w.picture for w in self.winners},
        }
        return {name: figure for name, figure in named.items() if figure is not None}


def pictures(run: StudyRun, units: Units) -> Pictures:
    history = [(g.number, g.hypervolume) for g in run.history]
    return Pictures(
        _front(run, units),
        error_picture(run, units),
        _layers(run, units.energy),
        _levels(run, units.energy),
        rooflines(run),
        legal(run),
        convergence(history) if history else None,
        hardware_picture(run, units),
        winners(run),
    )


def selection_data(run: StudyRun, units: Units) -> dict[str, object]:
    """What the page's script needs to show any point of the front: widths per decision, energy per layer, texts."""
    return {
        "chosen": run.chosen,
        "steps": {str(bits): step_class(bits, width_options(run)) for bits in width_options(run)},
        "points": [
            {
                "bits": list(point.choice),
                "energy": [float(f"{units.energy.value(layer.energy_pj):.4g}") for layer in point.layers],
                "facts": [value for _, value in facts(row, units)],
                "roles": ", ".join(row.roles),
            }
            for point, row in zip(run.front, point_rows(run), strict=True)
        ],
    }


def _front(run: StudyRun, units: Units) -> Figure:
    shades = [shade for row in point_rows(run) if (shade := _shade(row)) is not None]

    def mark(row: PointRow, label: str) -> FrontMark:
        name = f"uniform {row.label}" if row.label else f"point {row.number}"
        title = f"{name}: {units.energy.text(row.energy_pj)}, {units.memory.text(row.memory_bits)}"
        shade = ""
        if row.error is not None:
            title += f", error {error_text(row.error)}"
        elif row.noise_db is not None:
            title += f", noise {decibels(row.noise_db)}"
        if (value := _shade(row)) is not None:
            shade = shade_class(value, shades)
        return FrontMark(units.memory.value(row.memory_bits), units.energy.value(row.energy_pj), label, title, shade)

    points = [mark(row, "") for row in point_rows(run)]
    references = [mark(row, row.label) for row in reference_rows(run)]
    x_title, y_title = f"weight memory, {units.memory.symbol}", f"energy, {units.energy.symbol}"
    shade_title = f"darker: less {'error' if 'error' in run.chosen_point.objectives else 'noise'}" if shades else ""
    return front(points, references, run.chosen, x_title, y_title, _explored(run, units), shade_title)


def _shade(row: PointRow) -> float | None:
    """What darker points have less of."""
    return row.noise_db if row.error is None else row.error


def _explored(run: StudyRun, units: Units) -> list[tuple[float, float]]:
    objectives = run.study.objectives
    if not {"energy", "weight_memory"} <= set(objectives):
        return []
    x, y = objectives.index("weight_memory"), objectives.index("energy")
    return [(units.memory.value(values[x]), units.energy.value(values[y])) for values in run.explored]


def _layers(run: StudyRun, unit: Unit) -> Figure:
    baseline = {layer.name: layer.energy_pj for layer in run.baseline.layers} if run.baseline else {}
    tensors = [[t for t in layer.problem.operator.inputs if not t.is_weight] for layer in run.study.network.layers]
    inputs = max((len(t) for t in tensors), default=1)
    columns = []
    for result, activations in zip(run.chosen_point.layers, tensors, strict=True):
        weights = [t.name for t in run.study.network.layer(result.name).problem.operator.weights]
        names = [*weights[:1], *([""] if not weights else []), *(t.name for t in activations)]
        cells = tuple(_cell(run, result.name, name) for name in names)
        base = baseline.get(result.name)
        columns.append(
            LayerColumn(
                result.name,
                unit.value(result.energy_pj),
                None if base is None else unit.value(base),
                cells + (None,) * (1 + inputs - len(cells)),
            )
        )
    rows = ("weights", "inputs", *(f"inputs {n}" for n in range(2, inputs + 1)))
    designs = [*run.front, *([run.baseline] if run.baseline else [])]
    top = max((unit.value(layer.energy_pj) for p in designs for layer in p.layers), default=1.0)
    return layer_columns(columns, rows[: 1 + inputs], width_options(run), top, f"energy per layer, {unit.symbol}")


def _cell(run: StudyRun, layer: str, tensor: str) -> tuple[str, int, bool] | None:
    """Key, width and whether it was given, of a layer's tensor in the chosen design."""
    decision = dict(dict(run.study.precision.assignment)[layer]).get(tensor, -1)
    if decision == -1:
        return None
    bits = _width(run, run.chosen_point, decision)
    fixed = decision is None or len(run.study.precision.variables[decision].options) == 1
    return "" if decision is None else str(decision), bits, fixed


def _width(run: StudyRun, point: DesignPoint, decision: int | None) -> int:
    return run.study.precision.output_bits if decision is None else point.choice[decision]


def width_options(run: StudyRun) -> tuple[int, ...]:
    """Every bit-width that some tensor may have, ascending."""
    widths = {bits for variable in run.study.precision.variables for bits in variable.options}
    return tuple(sorted(widths | {run.study.precision.output_bits}))


def _levels(run: StudyRun, unit: Unit) -> Figure | None:
    rows, _ = level_rows(run)
    bars = [StackedRow(row.name, tuple((role, unit.value(pj)) for role, pj in row.parts)) for row in rows]
    rest = (COMPUTE, LEAKAGE) if any(row.name == LEAKAGE for row in rows) else (COMPUTE,)
    return stacked(bars, (*ROLES, *rest), f"energy, {unit.symbol}", COMPUTE) if bars else None
