"""Runs killed at any moment: nothing that was stored is lost or done again, and the front is that of an undisturbed run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from qdsl.study.store import Store
from tests.support.small_study import HARDWARE, study_text

LAYERS = "abcdefgh"


def _spec(directory: Path) -> Path:
    """Eight distinct layers."""
    calls = [
        f"  {b} = linear({a}, N = {2 * i + 4}) relu" for i, (a, b) in enumerate(zip("x" + LAYERS, LAYERS, strict=False))
    ]
    network = "\n".join(["network mlp {", "  batch 4", "  input x: 12", *calls, f"  output {LAYERS[-1]}", "}"])
    path = directory / "chain.qdsl"
    path.write_text(HARDWARE + network + "\n" + study_text(generations=4), encoding="utf-8")
    return path


def _killed_runs(directory: Path, kills: int, workers: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.support.killed_runs", str(_spec(directory)), str(directory / "runs")]
    done = subprocess.run(
        [*command, str(kills), str(workers)], capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def _check(found: dict[str, Any], kills: int, workers: int) -> int:
    """How many layers were solved again."""
    lost = 0
    for chain in found["chains"]:
        assert chain["front"] == found["front"]
        stored: list[str] = []
        for attempt in chain["attempts"]:
            assert set(stored) <= set(attempt["stored"]), "a stored result was lost"
            assert not set(stored) & set(attempt["begun"]), "a stored result was computed again"
            in_flight = set(attempt["begun"]) - set(attempt["stored"])
            assert len(in_flight) <= workers if attempt["killed"] else not in_flight
            lost += len(in_flight)
            stored = attempt["stored"]
        begun = [layer for attempt in chain["attempts"] for layer in attempt["begun"]]
        hits = sum(attempt["killed"] for attempt in chain["attempts"])
        assert len(begun) <= len(LAYERS) + workers * hits
        assert sorted(stored) == sorted(LAYERS)
    assert sum(a["killed"] for c in found["chains"] for a in c["attempts"]) == kills
    return lost


@pytest.mark.slow
def test_a_run_killed_a_hundred_times_recomputes_only_what_was_in_flight(tmp_path: Path) -> None:
    assert _check(_killed_runs(tmp_path, 100, workers=1), 100, workers=1) > 0


@pytest.mark.slow
def test_with_worker_processes_too(tmp_path: Path) -> None:
    _check(_killed_runs(tmp_path, 6, workers=2), 6, workers=2)


def test_a_store_whose_maker_was_killed_is_usable(tmp_path: Path) -> None:
    code = (
        "import os, sys, time; from pathlib import Path; from qdsl.study.store import Store\n"
        "for i in range(40):\n"
        "    process = os.fork()\n"
        "    if not process:\n"
        "        Store(Path(sys.argv[1]) / f'{i}.sqlite'); os._exit(0)\n"
        "    time.sleep(i * 0.0002); os.kill(process, 9); os.waitpid(process, 0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    for i in range(40):
        with Store(tmp_path / f"{i}.sqlite") as store:
            assert len(store) == 0


def _run(spec: Path, out: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "qdsl", "run", str(spec), "--out", str(out), "--workers", "1", "--format", "json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_runs_on_one_store_share_the_work(tmp_path: Path) -> None:
    spec, out = _spec(tmp_path), tmp_path / "out"
    runs = [_run(spec, out), _run(spec, out)]
    said = [run.communicate(timeout=300) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    summaries = [json.loads(out) for out, _ in said]
    assert summaries[0]["front"] == summaries[1]["front"]
    counts = [s["counts"] for s in summaries]
    assert counts[0]["solved"] + counts[1]["solved"] == counts[0]["classes"] == counts[1]["classes"]
    assert all(c["solved"] + c["from_store"] == c["classes"] for c in counts)


def test_what_a_killed_run_had_begun_is_taken_over(tmp_path: Path) -> None:
    """The other run waits while the first one, stopped, holds a layer, and goes on when it is killed."""
    spec, out = _spec(tmp_path), tmp_path / "out"
    spec.write_text(spec.read_text().replace("input x: 12", "input x: 5040").replace("N = 4)", "N = 5040)"), "utf-8")
    first = _run(spec, out)
    while not (out / "progress.json").exists():
        time.sleep(0.02)
    time.sleep(0.3)
    first.send_signal(signal.SIGSTOP)
    second = _run(spec, out)
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(4)
    os.kill(first.pid, signal.SIGKILL)
    said, errors = second.communicate(timeout=300)
    first.communicate()
    assert second.returncode == 0, errors
    assert json.loads(said)["counts"]["solved"] > 0
