"""Times that users feel. `python -m pytest tests/benchmarks --benchmark-only` prints the table; `--benchmark-json FILE`
writes it with the machine's description. Nothing here asserts a time."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from qdsl.mapper import best_mapping, solve_batch
from qdsl.mapspace import count_batch, explain_infeasible, feasible
from qdsl.model import load
from qdsl.model.study import Study
from qdsl.resources import data_dir
from qdsl.study.options import study_options
from qdsl.syntax import format_source
from tests.benchmarks.large import long_networks, many_designs

STUDIES = data_dir("specs") / "studies"
LAYERS = ("stem", "b1.d", "b3.p", "b7.1.p", "fc")
BITS = {"I": 8, "W": 8, "O": 8}


def study(name: str) -> Study:
    return load(STUDIES / f"{name}.qdsl").studies[0]


def test_check_of_a_study_from_a_cold_process(benchmark: Any) -> None:
    command = [sys.executable, "-m", "qdsl", "check", str(STUDIES / "mobilenet_v2_eyeriss.qdsl")]
    benchmark(subprocess.run, command, check=True, capture_output=True)


@pytest.mark.parametrize("spec", [many_designs, long_networks])
def test_check_of_ten_thousand_lines_from_a_cold_process(
    benchmark: Any, tmp_path: Path, spec: Callable[[], str]
) -> None:
    path = tmp_path / "large.qdsl"
    path.write_text(spec())
    command = [sys.executable, "-m", "qdsl", "check", str(path)]
    benchmark.pedantic(subprocess.run, args=(command,), kwargs={"check": True, "capture_output": True}, rounds=3)


def test_formatting_ten_thousand_lines(benchmark: Any) -> None:
    formatted = benchmark.pedantic(format_source, args=(many_designs(),), rounds=3)
    assert format_source(formatted) == formatted


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("machine", ["eyeriss", "simba"])
def test_optimum_of_a_layer(benchmark: Any, machine: str, layer: str) -> None:
    s = study(f"mobilenet_v1_{machine}")
    problem = s.network.layer(layer).problem
    result = benchmark(best_mapping, s.accelerator, problem, BITS, s.constraints)
    assert result.status == "optimal"


@pytest.mark.parametrize("layer", LAYERS)
def test_all_343_width_triples_of_a_layer(benchmark: Any, layer: str) -> None:
    s = study("mobilenet_v1_eyeriss")
    triples = [dict(zip(("I", "W", "O"), b, strict=True)) for b in product(range(2, 9), repeat=3)]
    problem = s.network.layer(layer).problem
    found = benchmark.pedantic(
        solve_batch, args=(s.accelerator, problem, triples, s.constraints), rounds=1, iterations=1
    )
    assert all(o.status == "optimal" for o in found)


@pytest.mark.parametrize("constrained", [True, False], ids=["dataflow", "free"])
@pytest.mark.parametrize("machine", ["eyeriss", "simba"])
def test_counts_of_all_layers_at_49_widths(benchmark: Any, machine: str, constrained: bool) -> None:
    s = study(f"mobilenet_v1_{machine}")
    constraints = s.constraints if constrained else ()
    pairs = [{"I": a, "W": w, "O": a} for a in range(2, 9) for w in range(2, 9)]

    def run() -> int:
        layers = s.network.distinct_problems
        return sum(c.mappings for p in layers for c in count_batch(s.accelerator, p, pairs, constraints))

    assert benchmark.pedantic(run, rounds=1, iterations=1) > 0


def test_feasibility_of_all_layers_by_z3(benchmark: Any) -> None:
    s = study("mobilenet_v1_eyeriss")

    def run() -> set[str]:
        return {feasible(s.accelerator, p, BITS, s.constraints).status for p in s.network.distinct_problems}

    assert benchmark.pedantic(run, rounds=1, iterations=1) == {"feasible"}


def test_feasibility_of_all_layers_at_all_their_widths(benchmark: Any) -> None:
    s = study("mobilenet_v1_eyeriss")
    found = benchmark.pedantic(study_options, args=(s, 10.0, lambda layer, n, of: None), rounds=3)
    assert found.feasible and not found.dead


@pytest.mark.parametrize("layer", ["stem", "b3.d"])
def test_a_minimal_conflict(benchmark: Any, layer: str) -> None:
    """Of the dataflow's `temporal(weights, R) == R` and a memory of one word."""
    s = study("mobilenet_v1_eyeriss")
    small = replace(s.accelerator.level("weights"), size_words=1)
    machine = replace(
        s.accelerator, hierarchy=tuple(small if h.name == "weights" else h for h in s.accelerator.hierarchy)
    )
    found = benchmark(explain_infeasible, machine, s.network.layer(layer).problem, layer, BITS, s.constraints)
    assert "a mapping exists with `size 2 word` for `weights`" in found.helps


def test_the_main_job_from_an_empty_directory(benchmark: Any, tmp_path: Path) -> None:
    source = str(STUDIES / "mobilenet_v1_eyeriss.qdsl")
    command = [sys.executable, "-m", "qdsl", "run", source, "--quiet", "--out", str(tmp_path / "run")]
    benchmark.pedantic(subprocess.run, args=(command,), kwargs={"check": True, "capture_output": True}, rounds=1)


def test_the_main_job_repeated(benchmark: Any, tmp_path: Path) -> None:
    source = str(STUDIES / "mobilenet_v1_eyeriss.qdsl")
    command = [sys.executable, "-m", "qdsl", "run", source, "--quiet", "--out", str(tmp_path / "run")]
    subprocess.run(command, check=True, capture_output=True)
    benchmark.pedantic(subprocess.run, args=(command,), kwargs={"check": True, "capture_output": True}, rounds=3)
