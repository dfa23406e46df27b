"""Layers solved on a Dask cluster: a real scheduler and two workers on this machine, one of which is killed."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from qdsl.cli import main
from qdsl.diagnostics import SpecError
from qdsl.study import cluster
from qdsl.study.executor import Task
from tests.support.small_study import small_model, study_text, write_spec

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__WORKER__DAEMON": "false"}


@contextmanager
def _process(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    """Ends with the body, whatever happens there."""
    process = subprocess.Popen(
        [sys.executable, "-m", *command], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _scheduler(directory: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The address of a scheduler without workers, and its process."""
    pytest.importorskip("distributed")
    about = directory / "scheduler.json"
    arguments = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(about)]
    with _process("distributed.cli.dask_scheduler", *arguments) as process:
        deadline = time.monotonic() + 120
        while not about.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        yield json.loads(about.read_text())["address"], process


@contextmanager
def _worker(address: str) -> Iterator[subprocess.Popen[bytes]]:
    with _process(
        "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"
    ) as process:
        yield process


def _task(directory: Path) -> Task:
    study = small_model(directory).studies[0]
    return Task("a", study.accelerator, study.network.layer("a").problem, ({"I": 4, "W": 4, "O": 4},), ())


def _codes(error: SpecError) -> list[str]:
    return [d.code for d in error.diagnostics]


@pytest.mark.slow
def test_a_run_goes_on_when_a_worker_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = write_spec(tmp_path, study_text(widths="2..8", generations=3))
    spec.write_text(spec.read_text().replace("input x: 12", "input x: 5040").replace("N = 8", "N = 2520"), "utf-8")
    with _scheduler(tmp_path) as (address, _), _worker(address), _worker(address) as victim:
        # The version of the workers is asked about while both are there.
        monkeypatch.setattr(cluster, "COST_MODEL", -1)
        with pytest.raises(SpecError) as refused:
            list(cluster.solve_on_cluster([_task(tmp_path)], address, lambda task: True))
        assert _codes(refused.value) == ["Q0915"]

        command = [sys.executable, "-m", "qdsl", "run", str(spec), "--out", str(tmp_path / "out"), "--cluster", address]
        with subprocess.Popen(
            command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as run:
            assert run.stderr is not None
            lines = iter(run.stderr.readline, "")
            assert next(x for x in lines if x.startswith("layers:"))
            time.sleep(0.5)
            assert run.poll() is None
            victim.kill()
            rest = "".join(lines)
        assert run.returncode == 0, rest
        assert re.search(r"^layers: (\d+)/\1 ", rest, re.MULTILINE)
    assert main(["run", str(spec), "--out", str(tmp_path / "here"), "--workers", "1", "--quiet"]) == 0
    there, here = (json.loads((tmp_path / d / "run.json").read_text())["run"] for d in ("out", "here"))
    assert there["front"] == here["front"]
    assert there["counts"] == here["counts"] and there["counts"]["solved"] > 0


@pytest.mark.slow
def test_a_scheduler_without_workers_or_that_is_lost_is_a_finding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "FIRST_WORKER_S", 1.0)
    tasks = [_task(tmp_path)]
    with _scheduler(tmp_path) as (address, scheduler):
        with pytest.raises(SpecError) as found:
            list(cluster.solve_on_cluster(tasks, address, lambda task: True))
        assert _codes(found.value) == ["Q0914"]

        monkeypatch.setattr(cluster, "FIRST_WORKER_S", 60.0)
        monkeypatch.setattr(cluster, "CONNECT_S", 3.0)

        def lose(task: Task) -> bool:
            scheduler.kill()
            return True

        with _worker(address), pytest.raises(SpecError) as found:
            list(cluster.solve_on_cluster(tasks, address, lose))
        assert _codes(found.value) == ["Q0914"]


def test_a_scheduler_that_is_not_there_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SpecError) as found:
        list(cluster.solve_on_cluster([_task(tmp_path)], f"tcp://127.0.0.1:{port}", lambda task: True))
    assert _codes(found.value) == ["Q0914"]
    assert f"`tcp://127.0.0.1:{port}` does not answer" in found.value.diagnostics[0].message


def test_a_missing_library_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SpecError, match=r"Q0960") as found:
        list(cluster.solve_on_cluster([_task(tmp_path)], "tcp://127.0.0.1:1", lambda task: True))
    assert found.value.diagnostics[0].helps == ("pip install 'qdsl[cluster]'",)


def test_another_version_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as found:
        cluster.checked_answers(_task(tmp_path), ("0.0.0", 0))
    assert _codes(found.value) == ["Q0915"]
    assert found.value.diagnostics[0].message.endswith("this is qdsl 0.0.0 (cost model 0)")


@pytest.mark.parametrize("address", ["localhost:8786", "tcp://localhost", "tcp://:1", "tcp://h:99999", "http://h:80"])
def test_an_address_that_is_none_is_wrong_usage(address: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "x.qdsl", "--cluster", address]) == 2
    assert "is not the address of a scheduler" in capsys.readouterr().err
