"""`qdsl verify`: saved answers checked again."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import counted, energy, widths
from qdsl.diagnostics import Diagnostic

if TYPE_CHECKING:
    from qdsl.study.saved import SavedAnswer
    from qdsl.study.statement import Statement

NAME = "verify"
HELP = "Check answers that `qdsl map --out` saved again, against the spec, and say in words what was checked."
EXAMPLE = """example: qdsl verify stem.json --prove

spec: the saved question is the one that the spec asks now; number: the layer has as many legal mappings; mapping: it
keeps every rule; Z3: it admits the mapping, too; counts: the formulas give the saved numbers; execution: an interpreter
that executes the loops step by step counts the same; optimum: the claim fits the numbers, and with --prove the search
runs again. Not checked: times, versions, the command, and how much of the space was searched. Exit code 1 if something
does not hold."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import positive_int, positive_seconds

    parser.add_argument("file", metavar="RESULT", type=Path)
    parser.add_argument("--spec", metavar="FILE", help="the spec (default: the path that the result names)")
    parser.add_argument("--prove", action="store_true", help="also search again; few mappings are all evaluated")
    parser.add_argument(
        "--time-limit",
        metavar="SECONDS",
        type=positive_seconds,
        help="for each question to Z3 (default: 10) and for each search (default: none)",
    )
    parser.add_argument(
        "--execute",
        metavar="OPERATIONS",
        dest="executed",
        type=positive_int,
        default=200_000,
        help="execute mappings of layers of up to so many operations (default: 200,000, some 10 s)",
    )
    parser.add_argument("--format", choices=("text", "json"), default="text")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.cli.selection import checked
    from qdsl.study.saved import load_answers, spec_files
    from qdsl.study.statement import Effort
    from qdsl.study.verify import verify_answer

    saved = load_answers(args.file)
    # By the text of the path: a link on the way would make `..` something else.
    spec = args.spec or os.path.normpath(os.path.join(args.file.parent, saved.spec))
    model = checked(spec, console)
    changed = sorted({name for name, _ in set(saved.files) ^ set(spec_files(model))})
    effort = Effort(args.prove, args.time_limit, args.executed)
    results: list[dict[str, Any]] = []
    findings: list[Diagnostic] = []
    for answer in saved.answers:
        statements: list[Statement] = []
        if not console.json:
            print(_heading(answer))
        for statement in verify_answer(answer, model, changed, effort, saved.answers):
            statements.append(statement)
            if not console.json:
                print(f"  {statement.about:<10} {statement.text}", flush=True)
        findings += (d for statement in statements for d in statement.findings)
        results.append(_result_json(answer, statements))
    failed = sum(not r["holds"] for r in results)
    if console.json:
        print_json({"file": str(args.file), "spec": spec, "holds": not failed, "answers": results})
    elif failed:
        print(f"{failed} of {counted(len(results), 'answer')} {'does' if failed == 1 else 'do'} not hold")
    else:
        print(f"{counted(len(results), 'answer')} of {spec}: everything that was checked holds")
    console.findings(findings)
    return 1 if failed else 0


def _heading(answer: SavedAnswer) -> str:
    value = ""
    if answer.value is not None:
        value = energy(answer.value) if answer.objective == "energy" else f"{answer.objective} {answer.value:g}"
    verdict = f"{value}, {answer.status}" if value else answer.status
    return f"{answer.origin.label} onto {answer.accelerator}, bits {widths(dict(answer.bits))}: {verdict}"


def _result_json(answer: SavedAnswer, statements: list[Statement]) -> dict[str, Any]:
    return {
        "layer": answer.origin.label,
        "bits": dict(answer.bits),
        "status": answer.status,
        "holds": not any(s.findings for s in statements),
        "statements": [{"about": s.about, "holds": not s.findings, "text": s.text} for s in statements],
    }
