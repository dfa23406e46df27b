"""`qdsl bench mapper` as files: a page with pictures, and its numbers for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from qdsl.report.figures import Figure, LogLine, Reference, log_lines
from qdsl.report.figures.style import DARK, FIGURE_CSS, LIGHT, variables
from qdsl.report.templating import render
from qdsl.report.write import write_file
from qdsl.study.bench import Bench, LayerBench, csv_of, summary_rows, value_after
from qdsl.study.codec import to_json

PAGE, DATA, TABLE = "bench.html", "bench.json", "bench.csv"
LEAST = 0.01
"""Percent above the optimum that are drawn as such; less is drawn as the optimum."""


def write_bench(bench: Bench, out_dir: Path, command: str, machine: str) -> tuple[Path, ...]:
    """Writes `bench.html`, `bench.json`, `bench.csv` and `bench.svg`, the picture of all layers; returns their paths.
    machine: what it ran on. Raises SpecError for a directory that cannot be written."""
    whole, layers = _summed(bench), [_of_layer(layer, bench) for layer in bench.layers]
    page = render(
        "bench.html.j2",
        {
            "bench": bench,
            "rows": summary_rows(bench),
            "summed": whole,
            "layers": layers if len(layers) > 1 else [],
            "command": command,
            "machine": machine,
            "light": variables(LIGHT),
            "dark": variables(DARK),
            "figure_css": FIGURE_CSS,
            "rooflines": None,  # the style sheet has tabs for those of a study
        },
    )
    data = json.dumps({"format": "qdsl-bench", "machine": machine, "command": command, **to_json(bench)}, indent=1)
    files = {PAGE: page, DATA: f"{data}\n", TABLE: csv_of(bench), "bench.svg": whole.standalone()}
    for name, text in files.items():
        write_file(out_dir / name, text)
    return tuple(out_dir / name for name in files)


def _of_layer(layer: LayerBench, bench: Bench) -> Figure:
    curves = {
        (run.mapper, run.seed): tuple((seconds, _above(value, layer.value)) for seconds, _, value in run.history)
        for run in layer.runs
    }
    return _figure(f"{layer.label} onto {layer.accelerator}", curves, layer.seconds, bench)


def _summed(bench: Bench) -> Figure:
    curves = {
        (mapper, seed): tuple((seconds, _above(value, bench.optimum)) for seconds, value in bench.summed(mapper, seed))
        for mapper in bench.mappers
        for seed in range(1, bench.seeds + 1)
    }
    name = "all layers" if len(bench.layers) > 1 else bench.layers[0].label
    return _figure(name, curves, max(layer.seconds for layer in bench.layers), bench)


def _figure(
    name: str, curves: dict[tuple[str, int], tuple[tuple[float, float], ...]], exact_s: float, bench: Bench
) -> Figure:
    lines = [LogLine(mapper, points, faint=True, steps=True) for (mapper, _), points in curves.items() if points]
    for mapper in bench.mappers:
        own = [points for (m, _), points in curves.items() if m == mapper]
        if all(own):
            lines.append(LogLine(mapper, _median(own), steps=True))
    reference = Reference("exact: the optimum, and when it was proven", exact_s, LEAST)
    title = f"{name}: percent by which the {bench.objective} is above the optimum"
    seconds = "seconds per layer" if len(bench.layers) > 1 else "seconds"
    return log_lines(lines or [LogLine("nothing found", ((exact_s, 1.0),))], seconds, title, title, reference)


def _above(value: float, optimum: float) -> float:
    return max(LEAST, 100 * (value / optimum - 1))


def _median(curves: Sequence[tuple[tuple[float, float], ...]]) -> tuple[tuple[float, float], ...]:
    """The median of the curves from when on all have begun."""
    times = sorted({t for points in curves for t, _ in points if t >= max(points[0][0] for points in curves)})
    histories = [tuple((t, 0, value) for t, value in points) for points in curves]
    at = [(t, [value_after(history, t) for history in histories]) for t in times]
    return tuple((t, median(v for v in values if v is not None)) for t, values in at)
