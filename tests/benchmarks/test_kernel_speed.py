"""Whole evaluations by a generated kernel: a convolution on four memories with two arrays between them, all loops at every
memory. In processor time, which does not count other work on the machine; `mappings_per_second` is in the JSON file."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest

from qdsl.mapspace import sample_mappings
from qdsl.model import load
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.operator import Operator, Problem
from qdsl.resources import data_dir
from qdsl.symbolic import evaluate, evaluate_many
from qdsl.symbolic.kernel import EvaluationKernel, _kernel, evaluation_kernel
from qdsl.symbolic.widths import widths_of
from tests.support.strategies import tensor

MAPPINGS = 2**17
BITS = {"I": 8, "W": 4, "O": 16}
SIZES = {"K": 64, "C": 32, "P": 56, "Q": 56, "R": 3, "S": 3}
ORDERS = {
    "dram": "KCPQRS",
    "buffer": "PQKCRS",
    "array.x": "KQ",
    "array.y": "CRP",
    "pad": "RSCKPQ",
    "lane.x": "K",
    "register": "QPSRKC",
}


def conv2d() -> Operator:
    return Operator(
        "conv2d",
        tuple(SIZES),
        (
            tensor("I", [("C", 1)], [("P", 1), ("R", 1)], [("Q", 1), ("S", 1)]),
            tensor("W", [("K", 1)], [("C", 1)], [("R", 1)], [("S", 1)], weight=True),
            tensor("O", [("K", 1)], [("P", 1)], [("Q", 1)], output=True),
        ),
        "sum",
    )


def machine() -> Accelerator:
    return Accelerator(
        "four_memories",
        (
            StorageLevel("dram", 16, 4, None, None, AccessEnergy(64.0, 64.0, 64.0)),
            StorageLevel("buffer", 16, 4, 2**16, None, AccessEnergy(6.0, 6.5, 6.5), 16.0, 16.0),
            FanOut("array", 14, 12),
            StorageLevel("pad", 16, 1, 512, None, AccessEnergy(1.0, 1.25, 1.25), 2.0, 2.0),
            FanOut("lane", 4, 1),
            StorageLevel("register", 16, 1, 16, None, AccessEnergy(0.1, 0.12, 0.12)),
        ),
        ComputeUnit("mac", 0.56),
    )


def kernel() -> EvaluationKernel:
    return evaluation_kernel(machine(), conv2d(), ORDERS)


def factors(loops: tuple[tuple[str, str], ...]) -> list[Any]:
    """Prime factors of every size, each at a random loop of its dimension."""
    draw = np.random.default_rng(1)
    found = [np.ones(MAPPINGS, dtype=np.int64) for _ in loops]
    for dim, size in SIZES.items():
        own = [i for i, (_, d) in enumerate(loops) if d == dim]
        for prime in (2, 3, 7):
            while size % prime == 0:
                size //= prime
                chosen = draw.integers(0, len(own), MAPPINGS)
                for n, i in enumerate(own):
                    found[i][chosen == n] *= prime
    return found


@pytest.mark.benchmark(timer=process_time)
def test_whole_evaluations_by_a_kernel(benchmark: Any) -> None:
    made = kernel()
    drawn = factors(made.loops)
    widths = widths_of(machine(), Problem(conv2d(), tuple(SIZES.values())), BITS)
    found = benchmark(made, drawn, widths)
    assert 0 < found.legal.sum() < MAPPINGS
    if benchmark.stats:  # not with --benchmark-disable
        benchmark.extra_info["mappings_per_second"] = round(MAPPINGS / benchmark.stats.stats.median)


@pytest.mark.parametrize("kept", [False, True], ids=["derived", "from the cache"])
def test_making_a_kernel(benchmark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("QDSL_CACHE", "on" if kept else "off")
    kernel()  # leaves it in the cache
    benchmark.pedantic(kernel, setup=_kernel.cache_clear, rounds=5)


@pytest.mark.parametrize("together", [False, True], ids=["one by one", "together"])
def test_a_thousand_drawn_mappings(benchmark: Any, together: bool) -> None:
    study = load(data_dir("specs") / "studies" / "mobilenet_v1_eyeriss.qdsl").studies[0]
    problem = study.network.layer("b3.p").problem
    mappings = list(islice(sample_mappings(study.accelerator, problem, BITS, study.constraints), 1000))

    def run() -> Any:
        if together:
            return evaluate_many(study.accelerator, problem, BITS, mappings)
        return [evaluate(study.accelerator, problem, BITS, m) for m in mappings]

    benchmark.pedantic(run, rounds=3)
