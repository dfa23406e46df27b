"""`qdsl eval`: the numbers of written mappings."""

from __future__ import annotations

import argparse
from typing import Any

from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import widths
from qdsl.diagnostics import SpecError
from qdsl.model.study import WrittenMapping

NAME = "eval"
HELP = "Evaluate the mappings written in a file: words, reads, fills, updates, energy, cycles."
EXAMPLE = """example: qdsl eval my_mapping.qdsl --format json

JSON of one mapping is one object; of several it is {"results": [...]}. Counts are words per instance, energies pJ."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--mapping", metavar="NAME", help="only this mapping")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.evaluation import evaluation_json, evaluation_text
    from qdsl.cli.roofline import roofline_json
    from qdsl.cli.selection import checked, mappings_of
    from qdsl.symbolic import evaluate, legality, roofline

    written = mappings_of(checked(args.file, console), args.mapping)
    findings = [d for m in written for d in legality(m.accelerator, m.layer.problem, dict(m.bits), m.mapping, m.span)]
    if findings:
        raise SpecError(findings)
    results: list[dict[str, Any]] = []
    for index, m in enumerate(written):
        evaluation = evaluate(m.accelerator, m.layer.problem, dict(m.bits), m.mapping)
        limits = roofline(m.accelerator, m.layer.problem, dict(m.bits), evaluation)
        if console.json:
            found = {**_heading(args.file, m), **evaluation_json(evaluation), "roofline": roofline_json(limits)}
            clock_hz = m.accelerator.clock_hz
            found["seconds"] = evaluation.cycles / clock_hz if clock_hz else None
            results.append({**found, "area_mm2": m.accelerator.area_mm2})
        else:
            print("" if index == 0 else "\n", end="")
            print(f"{m.name}: {m.network}.{m.layer.name} onto {m.accelerator.name}, bits {widths(dict(m.bits))}\n")
            print(evaluation_text(evaluation, m.accelerator, limits))
    if console.json:
        print_json(results[0] if len(results) == 1 else {"results": results})
    return 0


def _heading(file: str, m: WrittenMapping) -> dict[str, Any]:
    return {
        "file": file,
        "mapping": m.name,
        "accelerator": m.accelerator.name,
        "layer": f"{m.network}.{m.layer.name}",
        "bits": dict(m.bits),
    }
