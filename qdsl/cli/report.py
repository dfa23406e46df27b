"""`qdsl report`: the report of a finished run once more, from its numbers."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from qdsl.cli.console import Console

if TYPE_CHECKING:
    from qdsl.study.result import StudyRun

NAME = "report"
HELP = "Write the report of a finished run again, from its run.json, without computing anything."
EXAMPLE = """example: qdsl report qdsl-out/mobilenet_v1_eyeriss --format markdown --out notes
         qdsl report qdsl-out/mobilenet_v1_eyeriss --tables csv"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import report_formats

    parser.add_argument("directory", metavar="DIR", type=Path, help="where `qdsl run` left its run.json")
    parser.add_argument("--out", metavar="DIR", type=Path, help="where the report goes (default: the same directory)")
    parser.add_argument(
        "--format",
        metavar="html,markdown",
        dest="reports",
        type=report_formats,
        help="default: what the study asked for",
    )
    parser.add_argument(
        "--tables",
        choices=("csv", "json", "parquet"),
        help="write the tables instead: designs, widths, layers and energies, into the folder `tables`",
    )


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.report import write_report
    from qdsl.study.runfile import RUN_FILE, load_run

    run = load_run(args.directory / RUN_FILE)
    if args.tables:
        return _write_tables(run, args.out or args.directory, args.tables)
    for path in write_report(run, args.out or args.directory, args.reports or run.study.reports):
        print(path)
    return 0


def _write_tables(run: StudyRun, directory: Path, kind: str) -> int:
    from qdsl.api.results import Results
    from qdsl.diagnostics import Diagnostic, SpecError

    folder = directory / "tables"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpecError([Diagnostic("Q0905", f"`{folder}` cannot be written: {error.strerror}", None)]) from None
    for name, table in Results(run, directory).tables.items():
        path = folder / f"{name}.{kind}"
        table.write(path)
        print(path)
    return 0
