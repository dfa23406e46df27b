"""The files of designs that training found: a table, a picture of the front, and a spec for each."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from qdsl.report.figures import FrontMark, front
from qdsl.report.templating import render
from qdsl.report.write import write_file
from qdsl.study.quantised import QuantisedDesign, QuantisedRun
from qdsl.unparse import to_text

REPORT_FILE = "quantised.md"
PICTURE_FILE = "quantised.svg"
NUMBERS_FILE = "quantised.json"


def write_quantised(run: QuantisedRun, out_dir: Path) -> tuple[Path, ...]:
    """Writes the files; the report is the first of them. Raises SpecError for a directory that cannot be written."""
    specs = [out_dir / f"{d.study.name}.qdsl" for d in run.designs]
    for path, design in zip(specs, run.designs, strict=True):
        write_file(path, to_text(design.study))
    files = {
        REPORT_FILE: render(REPORT_FILE + ".j2", {"run": run, "accuracy": run.study.accuracy, "picture": PICTURE_FILE}),
        PICTURE_FILE: _picture(run),
        NUMBERS_FILE: json.dumps(numbers(run), indent=1) + "\n",
    }
    for name, text in files.items():
        write_file(out_dir / name, text)
    return (*(out_dir / name for name in files), *specs)


def numbers(run: QuantisedRun) -> dict[str, Any]:
    """All results as plain data."""
    return {
        "study": run.study.name,
        "settings": asdict(run.settings),
        "float_error": run.float_error,
        "float_test_error": run.float_test_error,
        "designs": [{"name": d.study.name, **_figures(d), "layers": _layers(d)} for d in run.designs],
    }


def _figures(design: QuantisedDesign) -> dict[str, Any]:
    names = (
        "strength",
        "energy_pj",
        "weight_memory_bits",
        "error",
        "test_error",
        "mean_bits",
        "complexity",
        "on_front",
    )
    return {name: getattr(design, name) for name in names}


def _layers(design: QuantisedDesign) -> dict[str, dict[str, int]]:
    choice = tuple(v.options[0] for v in design.study.precision.variables)
    return design.study.precision.layer_bits(choice)


def _picture(run: QuantisedRun) -> str:
    def mark(d: QuantisedDesign) -> FrontMark:
        title = f"{d.study.name}: {d.error:.2f} % error, {d.energy_pj / 1e6:.4g} uJ"
        return FrontMark(d.weight_memory_bits / 8192, d.error, title=title)

    points = [d for d in run.designs if d.on_front]
    others = [(m.x, m.y) for m in (mark(d) for d in run.designs if not d.on_front)]
    figure = front([mark(d) for d in points], [], None, "weight memory [KiB]", "error [%]", others)
    return figure.standalone()
