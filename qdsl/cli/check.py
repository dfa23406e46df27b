"""`qdsl check`: every finding of the given files."""

from __future__ import annotations

import argparse

from qdsl.cli.console import Console, print_json
from qdsl.diagnostics import Diagnostic, Severity, Sink

NAME = "check"
HELP = "Check spec files and show every finding. Warnings do not fail."
EXAMPLE = "example: qdsl check specs/studies/*.qdsl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="json: findings as JSON lines")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.model import load_model

    found = Sink()  # drops what two files report of a common import
    for path in dict.fromkeys(args.files):
        load_model(path, found)
    console.findings(found)
    errors, warnings = _count(found, Severity.ERROR), _count(found, Severity.WARNING)
    files = len(set(args.files))
    if console.json:
        print_json({"files": files, "errors": errors, "warnings": warnings})
    elif not errors:
        print(f"{files} {'file' if files == 1 else 'files'} checked, no errors")
    return 1 if errors else 0


def _count(found: Sink, severity: Severity) -> int:
    matching: list[Diagnostic] = [d for d in found if d.severity is severity]
    return len(matching)
