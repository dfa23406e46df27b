"""`progress.json`: where a run stands, for other processes.

    {"format": "qdsl-progress", "version": 1, "state": {...}}

`state` has the fields of qdsl.study.progress.RunState. Whether the run still lives is no matter of the file: a run holds a
lock, which the system takes back when the process ends, however it ends.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.study.codec import from_json, to_json
from qdsl.study.files import write_at_once
from qdsl.study.locks import Locks
from qdsl.study.progress import Progress, RunState

PROGRESS_FILE = "progress.json"
FORMAT = "qdsl-progress"
VERSION = 1

_LOCK = "run"
_EVERY_S = 0.2  # writing takes a tenth of a millisecond, showing needs no more


@contextmanager
def recorded(progress: Progress, path: Path, locks: Locks) -> Iterator[None]:
    """Writes the state to the file while the body runs, and how that ended.

    Of several runs in one directory, the first one is written about. Raises SpecError (Q0905).
    """
    if not _ours(locks):
        yield
        return
    written = [0.0]

    def write(state: RunState) -> None:
        if state.ended or state.updated - written[0] >= _EVERY_S:
            written[0] = state.updated
            data = {"format": FORMAT, "version": VERSION, "state": to_json(state)}
            write_at_once(path, json.dumps(data, separators=(",", ":"), allow_nan=False) + "\n")

    progress.shows.append(write)
    try:
        yield
    except BaseException as error:
        progress.ended("interrupted" if isinstance(error, KeyboardInterrupt) else "failed")
        raise
    finally:
        progress.shows.remove(write)
        locks.release(_LOCK)


def _ours(locks: Locks) -> bool:
    """Tries more than once: whoever looks whether a run lives holds the lock for an instant."""
    for _ in range(5):
        if locks.take(_LOCK):
            return True
        time.sleep(0.02)
    return False


def read_state(path: Path) -> RunState:
    """Raises SpecError (Q0906) when no run has left its state there."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("format") != FORMAT:
            raise ValueError("it is not the progress of a qdsl run")
        if data.get("version") != VERSION:
            raise ValueError(f"its version is {data.get('version')!r}, this qdsl reads version {VERSION}")
        return from_json(data.get("state"), RunState)
    except OSError as error:
        reason = error.strerror or str(error)
    except (ValueError, RecursionError) as error:
        reason = str(error)
    help_line = "`qdsl run FILE --out DIR` leaves its progress in DIR while it runs"
    raise SpecError([Diagnostic("Q0906", f"no progress can be read from `{path}`: {reason}", None, helps=(help_line,))])


def lives(store: Path) -> bool:
    """Whether a run on the store is being recorded by a process that still lives."""
    with closing(Locks(store)) as locks:
        if not locks.take(_LOCK):
            return True
        locks.release(_LOCK)
        return False
