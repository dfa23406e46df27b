"""The exact mapper on whole networks, in processor time, which does not count other work on the machine. Libraries are
loaded and formulas derived before; nothing here asserts a time."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import pytest

from qdsl.mapper import Objective, best_front, best_mapping, solve_batch
from qdsl.model import load
from tests.benchmarks.layers import MACHINES, NETWORKS, Question, questions
from tests.support.timeloop_cases import anchor_to_source, load_anchors

PAIRS = [{"I": a, "W": w, "O": a} for a, w in product(range(2, 9), repeat=2)]
ANCHORS = load_anchors()

cpu_time = pytest.mark.benchmark(timer=process_time)
networks = pytest.mark.parametrize(("network", "machine"), list(product(NETWORKS, MACHINES)))


def measure(benchmark: Any, asked: Sequence[Question], answer: Callable[[Question], Any], rounds: int) -> list[Any]:
    """Answers to all questions; the times of each go to `extra_info`."""
    seconds: dict[str, list[float]] = {q.layer: [] for q in asked}
    answers: list[Any] = []

    def run() -> None:
        answers.clear()
        for q in asked:
            start = process_time()
            answers.append(answer(q))
            seconds[q.layer].append(process_time() - start)

    answer(min(asked, key=lambda q: q.problem.operations))
    benchmark.pedantic(run, rounds=rounds)
    per_layer = {name: median(times) for name, times in seconds.items()}
    benchmark.extra_info.update(per_layer=per_layer)
    return answers


@cpu_time
@networks
def test_energy_optimum_of_every_layer(benchmark: Any, network: str, machine: str) -> None:
    found = measure(benchmark, questions(network, machine), lambda q: best_mapping(*q.arguments), rounds=3)
    assert {answer.status for answer in found} == {"optimal"}


@cpu_time
@networks
def test_front_of_every_layer(benchmark: Any, network: str, machine: str) -> None:
    found = measure(benchmark, questions(network, machine), lambda q: best_front(*q.arguments), rounds=1)
    assert {answer.status for answer in found} == {"optimal"}
    benchmark.extra_info["points"] = sum(len(answer.points) for answer in found)


def with_weights() -> list[Question]:
    """The different layers among the 28 of MobileNetV1."""
    return [q for q in questions("mobilenet_v1", "eyeriss") if "W" in q.bits]


@cpu_time
@pytest.mark.parametrize("pairs", [1, 49])
def test_mobilenet_v1_at_width_pairs(benchmark: Any, pairs: int) -> None:
    widths = PAIRS[-pairs:]
    asked = with_weights()
    found = measure(benchmark, asked, lambda q: solve_batch(q.accelerator, q.problem, widths, q.constraints), rounds=1)
    assert {optimum.status for layer in found for optimum in layer} == {"optimal"}


@cpu_time
@pytest.mark.parametrize(
    "anchor", ANCHORS, ids=lambda a: f"{a['metric']}-{a['layer']}-W{a['bits']['Weights']}-{a['arch']['name']}"
)
def test_anchors(benchmark: Any, tmp_path: Path, anchor: dict[str, Any]) -> None:
    """Problems for which the best that Timeloop's mapper found in 30 s on two threads is known."""
    path = tmp_path / "anchor.qdsl"
    path.write_text(anchor_to_source(anchor), encoding="utf-8")
    (written,) = load(path).mappings
    question = (written.accelerator, written.layer.problem, dict(written.bits))
    objective = Objective.parse(anchor["metric"])
    found = benchmark.pedantic(best_mapping, args=question, kwargs={"objective": objective}, rounds=3)
    timeloop = anchor["energy_pJ"] * (anchor["cycles"] if anchor["metric"] == "edp" else 1)
    assert found.status == "optimal"
    assert found.value <= timeloop * (1 + 1e-9)
    benchmark.extra_info.update(value=found.value, timeloop=timeloop)


JOB = """
import resource
from tests.benchmarks.test_mapper_speed import PAIRS, best_mapping, questions, solve_batch, with_weights
if {pairs}:
    for q in with_weights():
        solve_batch(q.accelerator, q.problem, PAIRS, q.constraints)
else:
    for q in questions("resnet18", "three_level"):
        best_mapping(*q.arguments)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak memory as Linux counts it")
@pytest.mark.parametrize("pairs", [True, False], ids=["mobilenet_v1 at 49 pairs", "resnet18 on three_level"])
def test_peak_memory(benchmark: Any, pairs: bool) -> None:
    """Of a process that does nothing else."""
    command = [sys.executable, "-c", JOB.format(pairs=pairs)]
    done = benchmark.pedantic(
        subprocess.run, args=(command,), kwargs={"check": True, "capture_output": True, "text": True}, rounds=1
    )
    benchmark.extra_info["peak_bytes"] = json.loads(done.stdout)
