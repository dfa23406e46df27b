"""`qdsl check`: every finding of the given files."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from qdsl.cli.console import Console, print_json
from qdsl.cli.feasibility import check_feasibility, options_json, options_text
from qdsl.cli.tables import counted
from qdsl.diagnostics import Diagnostic, Severity, Sink, SpecError

if TYPE_CHECKING:
    from qdsl.model.study import WrittenMapping
    from qdsl.study.options import StudyOptions

NAME = "check"
HELP = "Check spec files, with the mappings written in them, and show every finding. Warnings do not fail."
EXAMPLE = """example: qdsl check specs/studies/*.qdsl

--feasibility also decides by Z3, for every study of the files, whether each layer has a legal mapping at every
combination of its bit-widths, and warns of widths that can never be chosen, with the rules that conflict. A study in
which no choice of widths serves every layer fails, and one with widths at which a formula of the accelerator has no valid
value."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import positive_seconds

    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--feasibility", action="store_true", help="also decide which widths leave a legal mapping")
    parser.add_argument(
        "--time-limit",
        metavar="SECONDS",
        type=positive_seconds,
        default=10.0,
        help="for each question of --feasibility to the solver (default: 10)",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: findings as JSON lines")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.model import load_model

    found = Sink()  # drops what two files report of a common import
    decided: list[StudyOptions] = []
    for path in dict.fromkeys(args.files):
        model = load_model(path, found)
        for written in model.mappings if model else ():
            _check_mapping(written, found)
        if args.feasibility and model is not None:
            if not model.studies:
                raise SpecError([*found, Diagnostic("Q0907", f"`{path}` has no `study` block", None)])
            decided += [check_feasibility(s, args.time_limit, console, found) for s in model.studies]
    console.findings(found)
    errors, warnings = _count(found, Severity.ERROR), _count(found, Severity.WARNING)
    files = len(set(args.files))
    if console.json:
        studies = {"studies": [options_json(x) for x in decided]} if args.feasibility else {}
        print_json({"files": files, "errors": errors, "warnings": warnings, **studies})
        return 1 if errors else 0
    if decided:
        print("\n\n".join(options_text(x) for x in decided))
    if not errors:
        print(f"{counted(files, 'file')} checked, no errors")
    return 1 if errors else 0


def _check_mapping(written: WrittenMapping, found: Sink) -> None:
    """Whether `eval` would take it."""
    from qdsl.symbolic.written import mapping_findings

    for diagnostic in mapping_findings(written):
        found.add(diagnostic)


def _count(found: Sink, severity: Severity) -> int:
    matching: list[Diagnostic] = [d for d in found if d.severity is severity]
    return len(matching)
