"""Runs of a study that are killed at random moments and begun again. A program of its own, because it forks:

    python -m tests.support.killed_runs SPEC DIRECTORY KILLS WORKERS

prints {"front": [...], "chains": [{"front": [...], "attempts": [{"begun": [...], "stored": [...], "killed": bool}]}]}:
the front of an undisturbed run; then, run by run until KILLS kills have hit, what each attempt began to solve and what was
in the store afterwards (names of layers), and the front of the attempt that was not killed.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

# Imported here, once, so that every attempt begins at once.
import qdsl.study.default_operators  # noqa: F401
from qdsl.model import load
from qdsl.study import nsga2, solving  # noqa: F401
from qdsl.study.executor import Task, solve_all
from qdsl.study.run import STORE_FILE, run_study
from qdsl.study.runfile import RUN_FILE

BEGUN = "begun.txt"


def main(spec: str, directory: str, kills: int, workers: int) -> None:
    chance = random.Random(1)
    path, place = Path(spec), Path(directory)
    start = time.monotonic()
    assert os.waitpid(_start(path, place / "undisturbed", workers), 0)[1] == 0
    duration = time.monotonic() - start
    chains: list[dict[str, Any]] = []
    left = kills
    while left > 0:
        out = place / str(len(chains))
        attempts: list[dict[str, Any]] = []
        while not attempts or attempts[-1]["killed"]:
            killed = _attempt(path, out, workers, chance.uniform(0, duration) if left > 0 else None)
            attempts.append({"begun": _begun(out), "stored": _stored(out), "killed": killed})
            left -= killed
        chains.append({"front": _front(out), "attempts": attempts})
    print(json.dumps({"front": _front(place / "undisturbed"), "chains": chains}))


def _attempt(spec: Path, out: Path, workers: int, after_s: float | None) -> bool:
    """Whether the run was killed before it ended."""
    (out / BEGUN).unlink(missing_ok=True)
    process = _start(spec, out, workers)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(process, signal.SIGKILL)
    _, status = os.waitpid(process, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _start(spec: Path, out: Path, workers: int) -> int:
    process = os.fork()
    if process:
        return process
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (out / BEGUN).open("a") as log:
            _log_what_begins(log.fileno())
            model = load(spec)
            run_study(model.studies[0], model, out, workers=workers)
        os._exit(0)
    finally:
        os._exit(1)


def _log_what_begins(log: int) -> None:
    """The names of the layers taken, written before they are solved."""

    def logged(tasks: Sequence[Task], workers: Any, cluster: Any, take: Any) -> Any:
        def taken(task: Task) -> bool:
            ours = bool(take(task))
            if ours:
                os.write(log, f"{task.layer}\n".encode())
            return ours

        return solve_all(tasks, workers, cluster, taken)

    vars(solving)["solve_all"] = logged


def _begun(out: Path) -> list[str]:
    return (out / BEGUN).read_text().split() if (out / BEGUN).exists() else []


def _stored(out: Path) -> list[str]:
    path = out / STORE_FILE
    if not path.exists():
        return []
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        if not db.execute("SELECT 1 FROM sqlite_schema").fetchone():
            return []
        return [row[0] for row in db.execute("SELECT layer FROM questions")]


def _front(out: Path) -> object:
    return json.loads((out / RUN_FILE).read_text())["run"]["front"]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
