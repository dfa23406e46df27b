"""What only a process of its own shows: start-up, signals, pipes, stdin."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qdsl.mapper.result import Optimum
from qdsl.study.store import Store
from tests.support.small_study import study_text, write_spec

QDSL = [sys.executable, "-m", "qdsl"]
HEAVY = ("numpy", "sympy", "z3", "pymoo", "rich", "jinja2", "sqlite3", "concurrent.futures")


def test_check_loads_no_heavy_library(tmp_path: Path) -> None:
    path = write_spec(tmp_path, study_text())
    code = (
        "import sys; from qdsl.cli import main; assert main(['check', sys.argv[1]]) == 0; "
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_python_dash_m_and_stdin(tmp_path: Path) -> None:
    text = "network n {\n   batch   2\n}\n"
    result = subprocess.run([*QDSL, "fmt", "-"], input=text, capture_output=True, text=True, check=True)
    assert result.stdout == "network n {\n  batch 2\n}\n"
    assert subprocess.run([*QDSL, "fly"], capture_output=True).returncode == 2


def test_no_color_wins_over_a_terminal(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty")
    path = write_spec(tmp_path, study_text(minimize="beauty"))
    shown = {}
    for name, setting in (("colour", {}), ("plain", {"NO_COLOR": "1"})):
        leader, follower = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"} | setting
        assert subprocess.run([*QDSL, "check", str(path)], stderr=follower, env=environment).returncode == 1
        os.close(follower)
        shown[name] = os.read(leader, 100_000)
        os.close(leader)
    assert b"\x1b[" in shown["colour"] and b"\x1b[" not in shown["plain"]


def test_a_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    path = write_spec(tmp_path, study_text())
    with subprocess.Popen(
        [*QDSL, "map", str(path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        shown = process.stderr.read()
    assert shown == "" and process.returncode == 141


def _interrupted(command: list[str], until: str) -> tuple[int, str]:
    """Exit code and the rest of stderr after Ctrl-C at the first line of stderr that contains `until`."""
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # background jobs of a shell ignore it
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if until in line:
                break
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does: to the command and its workers
        rest = process.stderr.read()
        return process.wait(60), rest


def test_ctrl_c_while_layers_are_solved_keeps_what_is_done(tmp_path: Path) -> None:
    path, out = write_spec(tmp_path, study_text(widths="2..8")), tmp_path / "out"
    path.write_text(path.read_text().replace("input x: 12", "input x: 1680").replace("N = 8", "N = 720"), "utf-8")
    code, rest = _interrupted([*QDSL, "run", str(path), "--out", str(out), "--workers", "2"], "layers:")
    assert code == 130
    assert "interrupted; solved layers are kept in" in rest and "Traceback" not in rest
    assert not (out / "run.json").exists()
    partial = (out / "partial.md").read_text()
    assert f"what is there: {out / 'partial.md'}" in rest
    assert partial.startswith("# mixed, interrupted") and "of 2 distinct layers are whole" in partial
    assert "M 4 N 720 K 1680" in partial
    with Store(out / "store.sqlite") as store:
        store.put([("k", Optimum("optimal", 1.0))])


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_a_run_that_is_killed(tmp_path: Path, kill: signal.Signals) -> None:
    path, out = write_spec(tmp_path, study_text(widths="2..8")), tmp_path / "out"
    path.write_text(path.read_text().replace("input x: 12", "input x: 1680").replace("N = 8", "N = 720"), "utf-8")
    with subprocess.Popen(
        [*QDSL, "run", str(path), "--out", str(out), "--workers", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(1)  # the workers start
        process.send_signal(kill)
        try:
            # The workers hold stderr too: its end is theirs.
            process.communicate(timeout=120)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert process.returncode == -kill


def test_ctrl_c_during_the_search_still_reports(tmp_path: Path) -> None:
    path, out = write_spec(tmp_path, study_text(widths="2..8", generations=10_000)), tmp_path / "out"
    code, rest = _interrupted([*QDSL, "run", str(path), "--out", str(out), "--workers", "1"], "search: generation 10/")
    assert code == 130
    assert "the report shows what was found until then" in rest and "Traceback" not in rest
    run = json.loads((out / "run.json").read_text())["run"]
    assert run["complete"] is False and 10 <= len(run["history"]) < 10_000
    assert (out / "report.html").is_file()
