"""`qdsl bench mapper`: every step of every search, the optimum beside it, one picture."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from qdsl.cli import main
from qdsl.study.bench import Bench, LayerBench, MapperRun, csv_of, summary_rows, value_after
from tests.support.small_study import MAPPING, study_text, write_spec


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QDSL_DEBUG", "1")
    write_spec(Path(), study_text(widths="7..8", constrain="spatial pe.x only N, K"))


def test_all_mappers_on_one_picture(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["bench", "mapper", "small.qdsl", "--seeds", "2", "--time-limit", "0.1", "--out", "out"])
    out, err = capsys.readouterr()
    assert code == 0
    assert "10/10 b genetic, seed 2:" in err.splitlines()[-1]
    assert [line.split()[0] for line in out.splitlines()[3:5]] == ["a", "b"], "`c` is the same problem as `b`"
    bench = json.loads(Path("out/bench.json").read_text())
    assert (bench["format"], bench["objective"], bench["seeds"]) == ("qdsl-bench", "energy", 2)
    for layer in bench["layers"]:
        assert layer["status"] == "optimal"
        assert [(r["mapper"], r["seed"]) for r in layer["runs"]] == [
            *(("random", s) for s in (1, 2)),
            *(("genetic", s) for s in (1, 2)),
        ]
        for run in layer["runs"]:
            seconds, looked_at, values = zip(*run["history"], strict=True)
            assert [*seconds] == sorted(seconds) and [*looked_at] == sorted(looked_at)
            assert [*values] == sorted(values, reverse=True)
            assert values[-1] >= layer["value"] * (1 - 1e-9)
    rows = list(csv.reader(Path("out/bench.csv").read_text().splitlines()))
    assert rows[0] == ["layer", "mapper", "seed", "seconds", "mappings", "energy", "times_optimum"]
    assert len(rows) == 1 + sum(1 + sum(len(r["history"]) for r in x["runs"]) for x in bench["layers"])
    assert ElementTree.fromstring(Path("out/bench.svg").read_text()).tag.endswith("svg")
    page = Path("out/bench.html").read_text()
    assert page.count("<svg") == 3
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page


def test_equal_seeds_look_at_equal_mappings(capsys: pytest.CaptureFixture[str]) -> None:
    steps = []
    for out in ("first", "again"):
        arguments = ["--layers", "a", "--objective", "edp", "--seeds", "1", "--time-limit", "0.2", "--out", out]
        assert main(["bench", "mapper", "small.qdsl", "--quiet", *arguments, "--format", "json"]) == 0
        data = json.loads(capsys.readouterr().out)
        assert [x["layer"] for x in data["layers"]] == ["a"]
        runs = json.loads(Path(out, "bench.json").read_text())["layers"][0]["runs"]
        steps.append([[step[1:] for step in run["history"][:-1]] for run in runs])
    for first, again in zip(*steps, strict=True):
        shared = min(len(first), len(again))
        assert shared
        assert first[:shared] == again[:shared]


def test_layers_of_mapping_blocks_and_of_several_files(capsys: pytest.CaptureFixture[str]) -> None:
    write_spec(Path(), MAPPING, name="written.qdsl")
    arguments = ["--layers", "a", "--seeds", "1", "--time-limit", "0.05", "--format", "json", "--quiet"]
    assert main(["bench", "mapper", "written.qdsl", "small.qdsl", *arguments]) == 0
    data = json.loads(capsys.readouterr().out)
    assert [x["layer"] for x in data["layers"]] == ["written a", "small a", "all layers"]


def test_a_layer_without_a_mapping_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    write_spec(Path(), study_text(constrain="tile(regs, K) == K; tile(regs, N) == N"))
    assert main(["bench", "mapper", "small.qdsl", "--quiet"]) == 1
    assert "error[Q0701]" in capsys.readouterr().err


def bench_of(*histories: tuple[tuple[float, int, float], ...]) -> Bench:
    """One layer per history of a single random search, each with an optimum of 10."""
    layers = [
        LayerBench(str(i), "m", (), "optimal", 10.0, 0.5, (MapperRun("random", 1, h),)) for i, h in enumerate(histories)
    ]
    return Bench("energy", "pJ", 1.0, 1, tuple(layers))


def test_the_sum_begins_when_every_layer_has_a_mapping() -> None:
    bench = bench_of(((0.1, 1, 40.0), (0.3, 9, 20.0)), ((0.2, 1, 30.0), (0.4, 5, 10.0)))
    assert bench.summed("random", 1) == ((0.2, 70.0), (0.3, 50.0), (0.4, 30.0))
    rows = summary_rows(bench)
    assert rows[-1] == ("all layers", 1.0, {"random": (1.5, 1.5, 1.5)})
    assert rows[0][2] == {"random": (2.0, 2.0, 2.0)}
    nothing = bench_of(((0.1, 1, 40.0),), ())
    assert nothing.summed("random", 1) == ()
    assert [found["random"] is None for _, _, found in summary_rows(nothing)] == [False, True, True]
    assert csv_of(nothing).count("\n") == 4


def test_the_value_after_a_time() -> None:
    history = ((0.1, 1, 40.0), (0.3, 300, 20.0), (0.9, 800, 15.0), (1.0, 900, 15.0))
    assert [value_after(history, t) for t in (0.05, 0.1, 0.5, 2.0)] == [None, 40.0, 20.0, 15.0]
