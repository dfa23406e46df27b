"""`qdsl fmt`: the one layout of spec files."""

from __future__ import annotations

import argparse
import difflib
import io
import sys
from collections.abc import Iterator
from pathlib import Path

from qdsl.cli.console import Console
from qdsl.cli.tables import counted
from qdsl.diagnostics import Diagnostic, SpecError

NAME = "fmt"
HELP = "Format spec files in place; of a folder, all that are in it. `-` formats stdin to stdout."
EXAMPLE = "example: qdsl fmt --check specs"

STDIN = "-"
SUFFIX = ".qdsl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    parser.add_argument("--diff", action="store_true", help="write nothing; show what would change, exit 1 if anything")


def execute(args: argparse.Namespace, console: Console) -> int:
    findings: list[Diagnostic] = []
    changed = 0
    files = tuple(dict.fromkeys(_files(args.paths, findings)))
    for path in files:
        try:
            changed += _format(path, args.check, args.diff)
        except SpecError as error:
            findings.extend(error.diagnostics)
    console.findings(findings)
    dry = args.check or args.diff
    if changed and files != (STDIN,):
        done = "would be reformatted" if dry else "reformatted"
        others = f", {len(files) - changed} left as they are" if len(files) > changed else ""
        console.note(f"{counted(changed, 'file')} {done}{others}")
    return 1 if findings or (dry and changed) else 0


def _files(paths: list[str], findings: list[Diagnostic]) -> Iterator[str]:
    """The files, and all specs in and below the folders."""
    for given in paths:
        if given == STDIN or not Path(given).is_dir():
            yield given
            continue
        found = sorted(str(path) for path in Path(given).rglob(f"*{SUFFIX}") if path.is_file())
        if not found:
            findings.append(Diagnostic("Q0010", f"`{given}` holds no `{SUFFIX}` file", None))
        yield from found


def _format(path: str, check: bool, diff: bool) -> bool:
    """Whether the layout of one file changes; writes it unless asked not to."""
    from qdsl.syntax import format_source

    before = _read(path)
    after = format_source(before, "<stdin>" if path == STDIN else path)
    if diff:
        _show_difference(path, before, after)
    elif check:
        if after != before:
            print(f"would reformat {path}")
    elif path == STDIN:
        sys.stdout.write(after)
    elif after != before:
        _write(path, after)
    return after != before


def _show_difference(path: str, before: str, after: str) -> None:
    """As `diff -u` does; nothing if there is none. Lines end with `\\n` alone, whatever else a comment may hold."""
    old, new = (io.StringIO(text, newline="\n").readlines() for text in (before, after))
    lines = difflib.unified_diff(old, new, f"{path} (now)", f"{path} (formatted)")
    sys.stdout.writelines(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


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
