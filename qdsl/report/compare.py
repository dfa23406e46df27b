"""Several runs beside each other: what differs in what was asked, and in what came out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from qdsl.report.asked import option_rows
from qdsl.report.figures import Figure, Front, fronts
from qdsl.report.figures.style import DARK, FIGURE_CSS, LIGHT, SERIES, variables
from qdsl.report.points import decibels, error_text
from qdsl.report.quantities import change, energy_unit, memory_unit
from qdsl.report.templating import render
from qdsl.report.write import FORMATS, write_file
from qdsl.study.result import DesignPoint, StudyRun

MOST = SERIES
"""Runs that are told apart by colour."""


@dataclass(frozen=True, slots=True)
class Row:
    """One run. chosen: its chosen design; equal: the design of least energy that is no worse than the first run's chosen one
    in all other common objectives, None if it found none; found: designs on its front."""

    name: str
    run: StudyRun
    chosen: DesignPoint
    equal: DesignPoint | None
    found: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """objectives: that all runs minimise; energy and weight memory, which are known of every design, if there are none.
    differences: (what, its text in each run) where these are not all alike;
    beaten: per run the share of its front that a design of each run beats in the common objectives."""

    rows: tuple[Row, ...]
    objectives: tuple[str, ...]
    differences: tuple[tuple[str, tuple[str, ...]], ...]
    beaten: tuple[tuple[float, ...], ...]


def compare(runs: Sequence[tuple[str, StudyRun]]) -> Comparison:
    """runs: at least one, with names that differ."""
    first = runs[0][1]
    shared = tuple(o for o in first.study.objectives if all(o in r.study.objectives for _, r in runs))
    objectives = shared or ("energy", "weight_memory")
    others = [o for o in objectives if o != "energy"]
    limit = first.chosen_point
    rows = []
    for name, run in runs:
        designs = [*run.front, *run.references]
        fit = [p for p in designs if all(p.objectives[o] <= limit.objectives[o] for o in others)]
        rows.append(Row(name, run, run.chosen_point, min(fit, key=lambda p: p.energy_pj, default=None), len(run.front)))
    return Comparison(tuple(rows), objectives, _differences(rows), _beaten(rows, objectives))


def write_comparison(
    runs: Sequence[tuple[str, StudyRun]],
    out_dir: Path,
    formats: tuple[str, ...] = FORMATS,
    templates: Path | None = None,
) -> tuple[Path, ...]:
    """Writes `compare.html` and/or `compare.md` with `fronts.svg` and returns the paths of the pages. runs: (name, run), at
    least one and at most MOST. Raises SpecError as `write_report` does."""
    found = compare(runs)
    figure = _figure(found)
    contents = _view(found, figure)
    pages: dict[str, Callable[[], dict[str, str]]] = {
        "html": lambda: {"compare.html": render("compare.html.j2", contents, templates)},
        "markdown": lambda: {
            "compare.md": render("compare.md.j2", contents, templates),
            "fronts.svg": figure.standalone(),
        },
    }
    written = [pages[name]() for name in dict.fromkeys(formats)]
    for files in written:
        for name, text in files.items():
            write_file(out_dir / name, text)
    return tuple(out_dir / next(iter(files)) for files in written)


def _view(found: Comparison, figure: Figure) -> dict[str, object]:
    points = [p for row in found.rows for p in (row.chosen, row.equal) if p]
    energy = energy_unit(max(p.energy_pj for p in points))
    memory = memory_unit(max(p.weight_memory_bits for p in points))
    return {
        "comparison": found,
        "first": found.rows[0],
        "others": [o.replace("_", " ") for o in found.objectives if o != "energy"],
        "energy": energy,
        "memory": memory,
        "change": change,
        "third": _third(found),
        "worth": _worth,
        "figure": figure,
        "rooflines": None,  # the style sheet has tabs for those of a study
        "light": Markup(variables(LIGHT)),
        "dark": Markup(variables(DARK)),
        "figure_css": Markup(FIGURE_CSS),
    }


def _third(found: Comparison) -> tuple[str, ...]:
    """Common objectives besides energy and weight memory."""
    return tuple(o for o in found.objectives if o not in ("energy", "weight_memory"))


def _worth(point: DesignPoint, objective: str) -> str:
    value = point.objectives[objective]
    if objective == "noise":
        return decibels(value)
    return error_text(value) if objective == "error" else f"{value:.6g}"


def _figure(found: Comparison) -> Figure:
    points = [p for row in found.rows for p in row.run.front]
    energy = energy_unit(max(p.energy_pj for p in points))
    memory = memory_unit(max(p.weight_memory_bits for p in points))
    drawn = [
        Front(
            row.name,
            tuple((memory.value(p.weight_memory_bits), energy.value(p.energy_pj)) for p in row.run.front),
            tuple(f"{energy.text(p.energy_pj)}, {memory.text(p.weight_memory_bits)}" for p in row.run.front),
            row.run.chosen,
        )
        for row in found.rows
    ]
    projected = any(set(row.run.study.objectives) != {"energy", "weight_memory"} for row in found.rows)
    return fronts(drawn, f"weights, {memory.symbol}", f"energy, {energy.symbol}", projected)


def _differences(rows: Sequence[Row]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    asked = [_asked(row.run) for row in rows]
    names = dict.fromkeys(name for each in asked for name in each)
    found = ((name, tuple(each.get(name, "—") for each in asked)) for name in names)
    return tuple((name, texts) for name, texts in found if len(set(texts)) > 1)


def _asked(run: StudyRun) -> dict[str, str]:
    """What a run depends on, in words."""
    study, search = run.study, run.study.search
    machine = study.accelerator
    said = {
        "study": study.name,
        "network": study.network.name,
        "accelerator": machine.name,
        **{f"parameter {name}": f"{value:.6g}" for name, value in machine.parameters},
        "objectives": ", ".join(o.replace("_", " ") for o in study.objectives),
        "constraints": str(len(study.constraints)),
        "mapper": str(study.mapper),
        "search": search.method if search.method == "exact" else f"NSGA-II, {search.operators} operators",
        "finished": "yes" if run.complete else "no: interrupted",
        "qdsl": run.provenance.qdsl,
    }
    for row in option_rows(study):
        key = f"widths of {row.role}"
        said[key] = f"{said[key]}; {row.options}" if key in said else row.options
    if search.method != "exact":
        said |= {"population": f"{search.population}, {search.offspring}", "generations": str(search.generations)}
        said["seed"] = str(search.seed)
    if run.provenance.files:
        said |= {f"text of {Path(path).name}": digest[:12] for path, digest in run.provenance.files}
    return said


def _beaten(rows: Sequence[Row], objectives: tuple[str, ...]) -> tuple[tuple[float, ...], ...]:
    fronts = [[tuple(p.objectives[o] for o in objectives) for p in row.run.front] for row in rows]
    return tuple(tuple(_share(mine, other) for other in fronts) for mine in fronts)


def _share(mine: Sequence[tuple[float, ...]], others: Sequence[tuple[float, ...]]) -> float:
    """Of my designs, 0..1, those that another one beats: in one objective, and is no worse in the others."""

    def beats(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
        return a != b and all(x <= y for x, y in zip(a, b, strict=True))

    return sum(any(beats(o, m) for o in others) for m in mine) / len(mine)
