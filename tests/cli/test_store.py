"""`qdsl store` and `qdsl watch`: what a run leaves, and how far one is."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from qdsl.cli import main
from tests.support.small_study import study_text, write_spec


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    place = tmp_path_factory.mktemp("run")
    spec = write_spec(place, study_text(generations=2))
    assert main(["run", str(spec), "--out", str(place / "out"), "--workers", "1", "--quiet"]) == 0
    return place / "out"


def test_ls_names_layers_and_candidates(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "ls", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    header = "accelerator layer operator sizes candidates mappings size solved used"
    assert lines[0].split() == header.split()
    assert " ".join(lines[1].split()).startswith("tiny a linear M 4 N 8 K 12 27 ")
    assert lines[-1].startswith("63 candidates of 2 layers, ")
    assert main(["store", "ls", str(out / "store.sqlite"), "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed["candidates"] == sum(e["candidates"] for e in listed["entries"]) == 63
    assert listed["entries"][0]["sizes"] == {"M": 4, "N": 8, "K": 12}


def test_export_as_csv_and_json_agree(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "export", str(out)]) == 0
    table = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert main(["store", "export", str(out), "--format", "json", "--out", str(tmp_path / "all.json")]) == 0
    rows = json.loads((tmp_path / "all.json").read_text())
    assert len(table) == len(rows) == 63
    for cells, row in zip(table, rows, strict=True):
        assert cells["key"] == row["key"] and cells["layer"] == row["layer"]
        assert float(cells["energy_pj"]) == row["optimum"]["energy_pj"]
        assert cells["bits"] == " ".join(f"{t}={w}" for t, w in row["bits"].items())
        assert bool(cells["mapping"]) == (row["mapping"] is not None)
    assert any(cells["mapping"] for cells in table)


def test_gc_deletes_only_when_told_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = write_spec(tmp_path, study_text(widths="2, 4", generations=2))
    run = ["run", str(spec), "--out", str(tmp_path / "out"), "--workers", "1", "--format", "json"]
    assert main(run) == 0
    solved = json.loads(capsys.readouterr().out)["counts"]["solved"]
    gc = ["store", "gc", str(tmp_path / "out"), "--unused-for"]
    assert main([*gc, "0d"]) == 0
    assert capsys.readouterr().out.startswith(f"would delete {solved} results and 3 counts of mappings, 0 results kept")
    assert main([*gc, "1d", "--delete"]) == 0
    assert capsys.readouterr().out.startswith(f"deleted 0 results and 0 counts of mappings, {solved} results kept")
    assert main([*gc, "0d", "--delete", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["deleted"], found["results"], found["kept"]) == (True, solved, 0)
    assert main(run) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["solved"] == solved


@pytest.mark.parametrize(
    "arguments",
    [["gc", "x"], ["gc", "x", "--older-than", "3"], ["fly", "x"], [], ["ls"], ["ls", "x", "--format", "csv"]],
)
def test_wrong_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", *arguments]) == 2
    assert "usage: qdsl store" in capsys.readouterr().err


@pytest.mark.parametrize("action", ["ls", "gc", "export"])
def test_help_of_the_actions_has_an_example(action: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", action, "--help"]) == 0
    assert f"example: qdsl store {action} " in capsys.readouterr().out


def test_a_store_that_is_not_there_or_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["store", "ls", str(tmp_path)]) == 1
    assert "error[Q0902]: there is no result store" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "diary").write_text("dear diary")
    assert main(["store", "gc", str(tmp_path / "diary"), "--unused-for", "0d", "--delete"]) == 1
    assert "error[Q0901]" in capsys.readouterr().err
    assert (tmp_path / "diary").read_text() == "dear diary" and len(list(tmp_path.iterdir())) == 1


def test_watch_of_a_finished_run(out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(out)]) == 0
    assert capsys.readouterr().out.startswith("mixed: complete; mappings: ")
    assert main(["watch", str(out), "--once", "--format", "json"]) == 0
    state = json.loads(capsys.readouterr().out)
    assert (state["study"], state["ended"], state["candidates"]) == ("mixed", "complete", 63)
    assert main(["watch", str(tmp_path)]) == 1
    assert "error[Q0906]: no progress can be read" in capsys.readouterr().err


def test_watch_follows_a_run_until_it_ends(tmp_path: Path) -> None:
    spec, place = write_spec(tmp_path, study_text(widths="2..8", generations=100_000)), tmp_path / "out"
    qdsl = [sys.executable, "-m", "qdsl"]
    with subprocess.Popen(
        [*qdsl, "run", str(spec), "--out", str(place), "--workers", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as run:
        while not (place / "progress.json").exists():
            time.sleep(0.05)
        with subprocess.Popen(
            [*qdsl, "watch", str(place)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as watch:
            assert watch.stderr is not None and watch.stdout is not None
            assert any(line.startswith("search: generation ") for line in watch.stderr)
            os.kill(run.pid, signal.SIGKILL)
            shown, _ = watch.communicate(timeout=60)
    assert shown.startswith("mixed: killed; ") and watch.returncode == 1
