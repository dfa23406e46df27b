"""How the time of the exact mapper grows with sizes and levels, in processor time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from time import process_time
from typing import Any

import pytest

from qdsl.mapper import best_mapping
from qdsl.model import load
from qdsl.model.accelerator import Accelerator, AccessEnergy, FanOut, StorageLevel
from qdsl.model.operator import Operator, Problem
from qdsl.resources import data_dir
from tests.benchmarks.test_kernel_speed import conv2d
from tests.support.strategies import matmul

BITS = {"I": 16, "W": 16, "O": 16}
FACTORS = tuple(2**n for n in range(11))

# What grows -> (operator, sizes at first, dimensions that grow).
GROWING: dict[str, tuple[Operator, dict[str, int], str]] = {
    "M, N and K of a matrix product": (matmul(), {"M": 16, "N": 16, "K": 16}, "MNK"),
    "K of a 3 x 3 convolution": (conv2d(), {"K": 16, "C": 16, "P": 14, "Q": 14, "R": 3, "S": 3}, "K"),
    "K and C of a 3 x 3 convolution": (conv2d(), {"K": 4, "C": 4, "P": 14, "Q": 14, "R": 3, "S": 3}, "KC"),
    "P of a 3 x 3 convolution": (conv2d(), {"K": 16, "C": 16, "P": 14, "Q": 14, "R": 3, "S": 3}, "P"),
}


def three_level() -> Accelerator:
    return load(data_dir("specs") / "accelerators" / "three_level.qdsl").accelerators[0]


def with_levels(count: int) -> Accelerator:
    """The plain machine with 2 to 5 memories; those between the outermost and the innermost one shrink by the same factor, in
    size and energy."""
    machine = three_level()
    dram, buffer, pe, registers = machine.hierarchy
    assert isinstance(buffer, StorageLevel) and isinstance(registers, StorageLevel) and isinstance(pe, FanOut)
    inner: list[StorageLevel | FanOut] = [pe, registers]
    if count == 2:
        inner = [pe, replace(registers, size_words=4096)]
    for i in range(count - 2):
        share = (i + 0.0) / max(count - 3, 1)
        size = round(65536 ** (1 - share) * 2048**share)
        access = 24.0 ** (1 - share) * 3.0**share
        energy = AccessEnergy(access, access, access)
        inner.insert(i, replace(buffer, name=f"buffer{i}", size_words=size, energy=energy))
    return replace(machine, hierarchy=(dram, *inner))


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("what", GROWING)
def test_growth_with_sizes(benchmark: Any, what: str) -> None:
    operator, sizes, growing = GROWING[what]
    machine = three_level()
    points: list[tuple[int, float]] = []

    def run() -> None:
        for factor in FACTORS:
            grown = {d: n * factor if d in growing else n for d, n in sizes.items()}
            start = process_time()
            found = best_mapping(machine, Problem(operator, tuple(grown.values())), BITS)
            points.append((factor, process_time() - start))
            assert found.status == "optimal"

    best_mapping(machine, Problem(operator, tuple(sizes.values())), BITS)
    benchmark.pedantic(run, rounds=1)
    assert all(b[0] == 2 * a[0] for a, b in pairwise(points))
    benchmark.extra_info["points"] = points


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("what", ["matrix product", "3 x 3 convolution"])
def test_growth_with_levels(benchmark: Any, what: str) -> None:
    problem = Problem(matmul(), (512, 512, 512))
    if what != "matrix product":
        problem = Problem(conv2d(), (64, 64, 56, 56, 3, 3))
    points: list[tuple[int, float]] = []

    def run() -> None:
        for levels in range(2, 6):
            start = process_time()
            found = best_mapping(with_levels(levels), problem, BITS)
            points.append((levels, process_time() - start))
            assert found.status == "optimal"

    best_mapping(with_levels(3), Problem(problem.operator, (2,) * len(problem.sizes)), BITS)
    benchmark.pedantic(run, rounds=1)
    benchmark.extra_info["points"] = points
