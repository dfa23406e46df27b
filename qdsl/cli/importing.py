"""`qdsl import`: specs from the files of other tools."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from qdsl.cli.console import Console
from qdsl.diagnostics import Diagnostic, Sink, SpecError, denied

NAME = "import"
HELP = "Write a spec from the files of another tool."
EXAMPLE = """example: qdsl import arch.yaml ERT.yaml problem.yaml map.yaml --out case.qdsl

YAML files of Timeloop, versions 0.2 to 0.4: one architecture, a problem and energies (an ERT, or `vector-access-energy`),
with a mapping or constraints or both, in any number of files. What has no meaning here is an error; what Timeloop's
counts do not depend on is left out with a warning. Without a mapping the spec is a study of the one choice of widths.
Needs `pip install 'qdsl[exchange]'`."""

_YAML = (".yaml", ".yml")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
    parser.add_argument("--out", metavar="SPEC", type=Path, help="the file to write, instead of stdout")


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.exchange.timeloop import import_timeloop

    for file in args.files:
        if file.suffix.lower() not in _YAML:
            helps = (f"files that are read end in {' or '.join(_YAML)}",)
            raise SpecError([Diagnostic("Q0980", f"`{file}` is of no kind that can be imported", None, helps=helps)])
    imported = import_timeloop(args.files)
    found = Sink(denied(imported.warnings, console.deny))
    found.raise_if_errors()
    console.findings(found)
    if args.out is None:
        sys.stdout.write(imported.text)
        return 0
    try:
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(imported.text, encoding="utf-8", newline="")
    except OSError as error:
        raise SpecError([Diagnostic("Q0905", f"`{args.out}` cannot be written: {error.strerror}", None)]) from None
    console.note(f"written: {args.out}")
    return 0
