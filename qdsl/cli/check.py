"""`qdsl check`: every finding of the given files."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import counted
from qdsl.diagnostics import Diagnostic, Severity, Sink, SpecError, denied

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
    parser.add_argument(
        "--format",
        choices=("text", "json", "sarif", "github"),
        default="text",
        help="json: findings as JSON lines on stderr; sarif: a SARIF 2.1.0 log on stdout; "
        "github: annotations of GitHub Actions on stdout",
    )


def execute(args: argparse.Namespace, console: Console) -> int:
    sink = Sink()  # drops what two files report of a common import
    decided: list[StudyOptions] = []
    try:
        _check(args, console, sink, decided)
    except SpecError as error:
        sink.take(error.diagnostics)
    found = denied(sink, console.deny)
    errors, warnings = (sum(d.severity is s for d in found) for s in Severity)
    if args.format == "sarif":
        from qdsl.diagnostics.sarif import sarif
        from qdsl.study.provenance import version

        print_json(sarif(found, version("qdsl")))
        return 1 if errors else 0
    if args.format == "github":
        from qdsl.diagnostics.github import github_annotations

        print(github_annotations(found), end="")
        return 1 if errors else 0
    console.findings(found)
    files = len(set(args.files))
    if console.json:
        print_json({"files": files, "errors": errors, "warnings": warnings, **_studies_json(args, decided)})
        return 1 if errors else 0
    if decided:
        from qdsl.cli.feasibility import options_text

        print("\n\n".join(options_text(x) for x in decided))
    if not errors:
        print(f"{counted(files, 'file')} checked, no errors")
    return 1 if errors else 0


def _check(args: argparse.Namespace, console: Console, found: Sink, decided: list[StudyOptions]) -> None:
    """Checks the files one after the other. Raises SpecError for one in which there is nothing to decide."""
    from qdsl.model import load_model

    for path in dict.fromkeys(args.files):
        model = load_model(path, found)
        for written in model.mappings if model else ():
            _check_mapping(written, found)
        if args.feasibility and model is not None:
            from qdsl.cli.feasibility import check_feasibility
            from qdsl.model.allowances import without_allowed

            if not model.studies:
                raise SpecError([Diagnostic("Q0907", f"`{path}` has no `study` block", None)])
            for study in model.studies:
                more = Sink()
                decided.append(check_feasibility(study, args.time_limit, console, more))
                shown, _ = without_allowed(more, model.allowances)
                found.take(shown)


def _studies_json(args: argparse.Namespace, decided: list[StudyOptions]) -> dict[str, object]:
    if not args.feasibility:
        return {}
    from qdsl.cli.feasibility import options_json

    return {"studies": [options_json(x) for x in decided]}


def _check_mapping(written: WrittenMapping, found: Sink) -> None:
    """Whether `eval` would take it."""
    from qdsl.symbolic.written import mapping_findings

    found.take(mapping_findings(written))
