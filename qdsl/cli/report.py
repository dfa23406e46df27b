"""`qdsl report`: the report of a finished run once more, from its numbers."""

from __future__ import annotations

import argparse
from pathlib import Path

from qdsl.cli.console import Console

NAME = "report"
HELP = "Write the report of a finished run again, from its run.json, without computing anything."
EXAMPLE = "example: qdsl report qdsl-out/mobilenet_v1_eyeriss --format markdown --out notes"


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


def execute(args: argparse.Namespace, console: Console) -> int:
    from qdsl.report import write_report
    from qdsl.study.runfile import RUN_FILE, load_run

    run = load_run(args.directory / RUN_FILE)
    for path in write_report(run, args.out or args.directory, args.reports or run.study.reports):
        print(path)
    return 0
