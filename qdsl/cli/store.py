"""`qdsl store`: what a result store holds."""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qdsl.cli.console import Console, print_json
from qdsl.cli.tables import columns, counted, memory

if TYPE_CHECKING:
    from qdsl.study.inventory import Entry, Row
    from qdsl.study.store import Store

NAME = "store"
HELP = "List, clear and export the solved layers that runs keep."
EXAMPLE = """example: qdsl store ls qdsl-out/first
  qdsl store gc qdsl-out/first --unused-for 30d
  qdsl store gc qdsl-out/first --older-than 90d --delete
  qdsl store export qdsl-out/first --format csv > results.csv

Each has `--help`. Results are found by what they answer: removing some costs time, never correctness."""

_CSV = ("key", "accelerator", "layer", "operator", "sizes", "bits", "status", "energy_pj", "mapping", "solved", "used")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from qdsl.cli.arguments import days

    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    def action(name: str, does: str, example: str, formats: tuple[str, ...]) -> argparse.ArgumentParser:
        sub = actions.add_parser(
            name,
            help=does,
            description=does,
            epilog=f"example: qdsl store {name} {example}",
            allow_abbrev=False,
        )
        sub.add_argument("store", metavar="STORE", type=Path, help="the file, or the directory of a run")
        sub.add_argument("--format", choices=formats, default=formats[0])
        return sub

    ls = action("ls", "List what is solved: one line per layer.", "qdsl-out/first", ("text", "json"))
    ls.set_defaults(act=_ls)
    gc = action("gc", "Count what is old or unused, and with --delete remove it.", "qdsl-out/first --unused-for 30d",
                ("text", "json"))  # fmt: skip
    gc.add_argument("--older-than", metavar="DAYS", type=days, help="solved so long ago, as in 90d")
    gc.add_argument("--unused-for", metavar="DAYS", type=days, help="read by no run for so long; both: both must hold")
    gc.add_argument("--delete", action="store_true", help="remove it; without this nothing changes")
    gc.set_defaults(act=_gc, usage=gc.format_usage())
    export = action("export", "Print every result: widths, energy, mapping.", "qdsl-out/first --format json",
                    ("csv", "json"))  # fmt: skip
    export.add_argument("--out", metavar="FILE", type=Path, help="write a file instead of stdout")
    export.set_defaults(act=_export)


def execute(args: argparse.Namespace, console: Console) -> int:
    if args.act is _gc and args.older_than is None and args.unused_for is None:
        console.note(
            args.usage + "qdsl store gc: error: say what is garbage: --older-than DAYS, --unused-for DAYS or both"
        )
        return 2
    from qdsl.study.inventory import open_existing
    from qdsl.study.run import STORE_FILE

    with open_existing(args.store / STORE_FILE if args.store.is_dir() else args.store) as store:
        args.act(args, console, store)
    return 0


def _ls(args: argparse.Namespace, console: Console, store: Store) -> None:
    from qdsl.study.codec import to_json
    from qdsl.study.inventory import entries

    found = entries(store)
    candidates = sum(e.candidates for e in found)
    if console.json:
        listed = [to_json(e) for e in found]
        print_json({"store": str(store.path), "bytes": store.path.stat().st_size, "candidates": candidates,
                    "errors": store.error_count, "entries": listed})  # fmt: skip
        return
    header = ("accelerator", "layer", "operator", "sizes", "candidates", "mappings", "size", "solved", "used")
    if found:
        print(columns(header, [_line(e) for e in found], left=4) + "\n")
    print(
        f"{counted(candidates, 'candidate')} of {counted(len(found), 'layer')}, "
        f"{counted(store.error_count, 'error') + ' of designs, ' if store.error_count else ''}"
        f"{memory(8 * store.path.stat().st_size)}"
    )


def _line(entry: Entry) -> list[str]:
    sizes = " ".join(f"{dim} {size}" for dim, size in entry.sizes.items())
    names = [entry.accelerator or "-", entry.layer or "-", entry.operator or "-", sizes or "-"]
    numbers = [f"{entry.candidates:,}", f"{entry.mappings:,}", memory(8 * entry.bytes)]
    return [*names, *numbers, _day(entry.solved), _day(entry.used)]


def _gc(args: argparse.Namespace, console: Console, store: Store) -> None:
    from qdsl.study.inventory import collect

    found = collect(store, args.older_than, args.unused_for, args.delete)
    before, after = found.bytes
    if console.json:
        print_json({"deleted": args.delete, "results": found.results, "counts": found.counts, "errors": found.errors,
                    "kept": found.kept, "bytes_before": before, "bytes_after": after})  # fmt: skip
        return
    what = f"{counted(found.results, 'result')} and {counted(found.counts, 'count')} of mappings"
    what += f", {counted(found.errors, 'error')} of designs" if found.errors else ""
    if args.delete:
        print(f"deleted {what}, {found.kept:,} results kept; {memory(8 * before)} before, {memory(8 * after)} now")
    else:
        print(f"would delete {what}, {found.kept:,} results kept; nothing is changed without --delete")


def _export(args: argparse.Namespace, console: Console, store: Store) -> None:
    from qdsl.study.inventory import export

    rows = export(store)
    lines = _json_lines(rows) if console.json else _csv_lines(rows)
    if args.out is None:
        sys.stdout.writelines(lines)
    else:
        from qdsl.study.files import write_at_once

        write_at_once(args.out, "".join(lines))


def _json_lines(rows: Iterator[Row]) -> Iterator[str]:
    """One JSON document, a row per line, without holding all of them."""
    from qdsl.study.codec import to_json

    start = "[\n"
    for row in rows:
        yield start + json.dumps(to_json(row), separators=(",", ":"))
        start = ",\n"
    yield "[]\n" if start == "[\n" else "\n]\n"


def _csv_lines(rows: Iterator[Row]) -> Iterator[str]:
    yield ",".join(_CSV) + "\n"
    for row in rows:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(_cells(row))
        yield text.getvalue()


def _cells(row: Row) -> list[Any]:
    from qdsl.study.codec import to_json

    mapping = json.dumps(to_json(row.mapping), separators=(",", ":")) if row.mapping else ""
    widths = " ".join(f"{tensor}={width}" for tensor, width in (row.bits or {}).items())
    sizes = " ".join(f"{dim}={size}" for dim, size in row.sizes.items())
    answer = [row.optimum.status, row.optimum.energy_pj, mapping]
    return [row.key, row.accelerator, row.layer, row.operator, sizes, widths, *answer, _day(row.solved), _day(row.used)]


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
