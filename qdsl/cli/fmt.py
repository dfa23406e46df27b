"""`qdsl fmt`: the one layout of spec files."""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from qdsl.cli.console import Console
from qdsl.diagnostics import Diagnostic, SpecError

NAME = "fmt"
HELP = "Format spec files in place. `-` formats stdin to stdout."
EXAMPLE = "example: qdsl fmt --check specs/networks/mobilenet_v1.qdsl"

STDIN = "-"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change, exit 1 if anything")


def execute(args: argparse.Namespace, console: Console) -> int:
    findings: list[Diagnostic] = []
    changed = 0
    for path in dict.fromkeys(args.files):
        try:
            changed += _format(path, args.check, args.diff)
        except SpecError as error:
            findings.extend(error.diagnostics)
    console.findings(findings)
    dry = args.check or args.diff
    if args.check and changed:
        console.note(f"{changed} {'file' if changed == 1 else 'files'} would be reformatted")
    return 1 if findings or (dry and changed) else 0


def _format(path: str, check: bool, diff: bool) -> bool:
    """Whether the layout of one file changes; writes it unless asked not to."""
    from qdsl.syntax import format_source

    before = _read(path)
    after = format_source(before, "<stdin>" if path == STDIN else path)
    if diff:
        lines = difflib.unified_diff(
            before.splitlines(keepends=True), after.splitlines(keepends=True), f"{path} (now)", f"{path} (formatted)"
        )
        sys.stdout.writelines(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines
        )
    elif check:
        if after != before:
            print(f"would reformat {path}")
    elif path == STDIN:
        sys.stdout.write(after)
    elif after != before:
        _write(path, after)
    return after != before


def _read(path: str) -> str:
    try:
        data = sys.stdin.buffer.read() if path == STDIN else Path(path).read_bytes()
        return data.decode("utf-8")
    except OSError as error:
        raise SpecError([Diagnostic("Q0015", f"`{path}` cannot be read: {error.strerror}", None)]) from None
    except UnicodeDecodeError as error:
        raise SpecError([Diagnostic("Q0014", f"`{path}` is not UTF-8 text: byte {error.start}", None)]) from None


def _write(path: str, text: str) -> None:
    try:
        Path(path).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise SpecError([Diagnostic("Q0905", f"`{path}` cannot be written: {error.strerror}", None)]) from None
