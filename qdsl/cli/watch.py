"""`qdsl watch`: the progress of a run that another process does."""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from qdsl.cli.console import Console, print_json
from qdsl.diagnostics import Diagnostic, SpecError

if TYPE_CHECKING:
    from qdsl.study.progress import RunState

NAME = "watch"
HELP = "Show the progress of a run of another process until it ends."
EXAMPLE = """example: qdsl watch qdsl-out/mobilenet_v1_eyeriss
For scripts: qdsl watch qdsl-out/mobilenet_v1_eyeriss --once --format json

Exit code 0 when the run is at work or complete, 1 when it was interrupted, failed or killed."""

_EVERY_S = 0.5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("directory", metavar="RUN", type=Path, help="the directory of the run, its `--out`")
    parser.add_argument("--once", action="store_true", help="print where it stands now, and end")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="of the state when it ends")


def execute(args: argparse.Namespace, console: Console) -> int:
    state, alive = _look(args.directory)
    if alive and not args.once:
        from qdsl.cli.progress import Bars, Lines

        bars = sys.stderr.isatty() and not console.json
        with Bars(console.color) if bars else nullcontext(Lines()) as view:
            while alive:
                if not console.json:
                    view.show(state)
                time.sleep(_EVERY_S)
                state, alive = _look(args.directory)
    ended = state.ended or ("" if alive else "killed")
    if console.json:
        print_json(_json(state, ended))
    else:
        from qdsl.cli.progress import line

        print(f"{state.study}: {ended or 'at work'}; {line(state)}")
    return 0 if ended in ("", "complete") else 1


def _look(directory: Path) -> tuple[RunState, bool]:
    """The state and whether the run goes on. Raises SpecError (Q0906) where no run has been."""
    from qdsl.study.progress_file import PROGRESS_FILE, lives, read_state
    from qdsl.study.run import STORE_FILE

    state = read_state(directory / PROGRESS_FILE)
    try:
        alive = not state.ended and lives(directory / STORE_FILE)
    except OSError as error:
        message = f"whether the run in `{directory}` is at work cannot be seen: {error.strerror}"
        raise SpecError([Diagnostic("Q0906", message, None)]) from None
    # it may have ended between the two looks
    return (state, True) if alive else (read_state(directory / PROGRESS_FILE), False)


def _json(state: RunState, ended: str) -> dict[str, object]:
    from qdsl.study.codec import to_json

    return {**to_json(state), "ended": ended, "rate": state.rate, "left_s": state.left_s}
