"""`qdsl report`: the report of a finished run once more, from its numbers; of several runs, a comparison."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from qdsl.cli.console import Console

if TYPE_CHECKING:
    from qdsl.study.result import StudyRun

NAME = "report"
HELP = "Write the report of a finished run again, from its run.json, without computing anything; compare several runs."
EXAMPLE = """example: qdsl report qdsl-out/mobilenet_v1_eyeriss --format markdown --out notes
         qdsl report qdsl-out/mobilenet_v1_eyeriss --tables csv
         qdsl report qdsl-out/mobilenet_v1_eyeriss qdsl-out/mobilenet_v1_simba --out qdsl-out/both"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import report_formats

    parser.add_argument(
        "directories",
        metavar="DIR",
        type=Path,
        nargs="+",
        help="where `qdsl run` left its run.json; several are compared with the first one",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        type=Path,
        help="where the report goes (default: the same directory; of several, `qdsl-out/comparison`)",
    )
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

    if len(args.directories) > 1:
        return _compare(args, console)
    (directory,) = args.directories
    run = load_run(directory / RUN_FILE)
    if args.tables:
        return _write_tables(run, args.out or directory, args.tables)
    for path in write_report(run, args.out or directory, args.reports or run.study.reports):
        print(path)
    return 0


def _compare(args: argparse.Namespace, console: Console) -> int:
    from qdsl.report.compare import MOST, write_comparison
    from qdsl.report.write import FORMATS
    from qdsl.study.runfile import RUN_FILE, load_run

    directories: list[Path] = args.directories
    if args.tables or len(directories) > MOST or len({d.resolve() for d in directories}) < len(directories):
        wrong = (
            "`--tables` is for one run" if args.tables else f"at most {MOST} runs are compared, and each of them once"
        )
        console.note(wrong)
        return 2
    runs = [(name, load_run(d / RUN_FILE)) for name, d in zip(_names(directories), directories, strict=True)]
    for path in write_comparison(runs, args.out or Path("qdsl-out") / "comparison", args.reports or FORMATS):
        print(path)
    return 0


def _names(directories: list[Path]) -> list[str]:
    """The last parts of the paths, as many as it takes to tell them apart."""
    parts = [d.resolve().parts for d in directories]
    for n in range(1, max(map(len, parts)) + 1):
        names = ["/".join(p[-n:]) for p in parts]
        if len(set(names)) == len(names):
            break
    return names


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
