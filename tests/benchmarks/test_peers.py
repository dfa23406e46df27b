"""The exact mapper beside those of ZigZag and AccelForge, in the same run, on the plain machine at 16 bits: processor time,
and the energy of their mappings under the same model. Each is left out where the package is not there.

ZigZag runs with the settings of its interface and energy as its objective; AccelForge, which claims optimality, keeps all
tensors in all memories, as the machine says, in one process. Both may place the tensors of one memory differently.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from time import process_time
from typing import Any

import pytest

from qdsl.mapper import best_mapping
from qdsl.model.operator import Operator, Problem
from tests.benchmarks.test_growth import three_level
from tests.benchmarks.test_kernel_speed import conv2d
from tests.peers import accelforge_search
from tests.peers.own_places import evaluate_nest
from tests.support.strategies import matmul, tensor

BITS = {"I": 16, "W": 16, "O": 16}
# AccelForge takes minutes for two of the problems; they are run when this is set.
LONG = "QDSL_LONG_BENCHMARKS"


def pointwise2d() -> Operator:
    return Operator(
        "pointwise2d",
        ("K", "C", "P", "Q"),
        (
            tensor("I", [("C", 1)], [("P", 1)], [("Q", 1)]),
            tensor("W", [("K", 1)], [("C", 1)], weight=True),
            tensor("O", [("K", 1)], [("P", 1)], [("Q", 1)], output=True),
        ),
        "sum",
    )


def depthwise2d() -> Operator:
    return Operator(
        "depthwise2d",
        ("C", "P", "Q", "R", "S"),
        (
            tensor("I", [("C", 1)], [("P", 1), ("R", 1)], [("Q", 1), ("S", 1)]),
            tensor("W", [("C", 1)], [("R", 1)], [("S", 1)], weight=True),
            tensor("O", [("C", 1)], [("P", 1)], [("Q", 1)], output=True),
        ),
        "sum",
    )


PROBLEMS = {
    "512 x 512 x 512 matrix product": Problem(matmul(), (512, 512, 512)),
    "24 to 144 pointwise, 56 x 56": Problem(pointwise2d(), (144, 24, 56, 56)),
    "128 depthwise 3 x 3, 56 x 56": Problem(depthwise2d(), (128, 56, 56, 3, 3)),
    "64 to 64 3 x 3, 56 x 56": Problem(conv2d(), (64, 64, 56, 56, 3, 3)),
}
QUICK = "512 x 512 x 512 matrix product"


def compare(benchmark: Any, problem: Problem, search: Callable[[], Any]) -> None:
    """search: what the peer finds."""
    machine = three_level()
    found = best_mapping(machine, problem, BITS)  # derives formulas
    benchmark.pedantic(best_mapping, args=(machine, problem, BITS), rounds=3)
    peer = search()
    assert found.status == "optimal" and found.energy_pj is not None
    benchmark.extra_info.update(
        energy_pj=found.energy_pj, peer_cpu_s=peer.cpu_s, peer_energy_by_its_model_pj=peer.energy_pj
    )
    if peer.nest is None:
        return
    try:
        its = evaluate_nest(machine, problem, BITS, peer.nest)
    except ValueError as reason:  # it counts the words of a tile otherwise
        benchmark.extra_info["not_counted"] = str(reason)
        return
    assert its.energy_pj >= found.energy_pj * (1 - 1e-9)
    benchmark.extra_info["peer_energy_pj"] = its.energy_pj


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("problem", PROBLEMS)
def test_beside_zigzag(benchmark: Any, problem: str) -> None:
    pytest.importorskip("zigzag.stages.main", reason="needs ZigZag: pip install '.[peers]'", exc_type=ImportError)
    from tests.peers.zigzag_search import search

    compare(benchmark, PROBLEMS[problem], lambda: search(three_level(), PROBLEMS[problem], BITS))


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("problem", list(PROBLEMS)[:3])
def test_beside_accelforge(benchmark: Any, problem: str) -> None:
    python = accelforge_search.interpreter()
    if python is None:
        pytest.skip(f"needs AccelForge, here or in the interpreter that {accelforge_search.VARIABLE} names")
    if problem != QUICK and not os.environ.get(LONG):
        pytest.skip(f"takes minutes: set {LONG}")
    compare(
        benchmark, PROBLEMS[problem], lambda: accelforge_search.search(three_level(), PROBLEMS[problem], BITS, python)
    )
