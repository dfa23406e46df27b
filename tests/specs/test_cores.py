"""Machines that state the cost of whole layers give the published cycles and energies of the published networks."""

from __future__ import annotations

from math import ceil

import pytest

from qdsl.model import load
from qdsl.model.accelerator import Accelerator
from qdsl.model.network import Network
from qdsl.resources import data_dir

# Cycles computed from the authors' formulas; those of ResNet-8 are also in a figure of arXiv 2407.01054.
MPIC = {
    "resnet8": (5_953_158, 5_435_492, 5_000_653, 3_571_895, 1_923_328),
    "ds_cnn": (1_265_128, 1_155_117, 1_062_707, 759_077, 408_734),
    "mobilenet_v1_025": (3_566_507, 3_256_376, 2_995_866, 2_139_904, 1_152_256),
    "autoencoder": (125_806, 114_866, 105_677, 75_483, 40_645),
}
MICROJOULES = {
    "resnet8": (128.171, 117.026, 107.664),
    "ds_cnn": (27.238, 24.870, 22.880),
    "mobilenet_v1_025": (76.787, 70.110, 64.501),
    "autoencoder": (2.709, 2.473, 2.275),
}
NE16 = {
    "resnet8": (155_241, 104_361, 78_921),
    "ds_cnn": (204_838, 172_582, 156_454),
    "mobilenet_v1_025": (306_464, 258_848, 235_040),
    "autoencoder": (36_706, 36_706, 36_706),
}
WIDTHS = ((8, 8), (4, 8), (2, 8), (4, 4), (2, 2))  # of weights and activations


def network(name: str) -> Network:
    return next(n for n in load(data_dir("specs") / "networks" / f"{name}.qdsl").networks if n.name == name)


def core(name: str) -> Accelerator:
    return next(a for a in load(data_dir("specs") / "accelerators" / f"{name}.qdsl").accelerators if a.name == name)


def totals(machine: Accelerator, layers: Network, weights: int, activations: int) -> tuple[int, float]:
    """Cycles and uJ of all layers, each in whole cycles."""
    cycles, picojoules = 0, 0.0
    for layer in layers.layers:
        bits = {t.name: weights if t.is_weight else activations for t in layer.problem.operator.tensors}
        cycles += ceil(machine.compute.cycles_per_operation(layer.problem, bits) * layer.problem.operations)
        picojoules += machine.compute.operation_pj(layer.problem, bits) * layer.problem.operations
    return cycles, picojoules / 1e6


@pytest.mark.parametrize("name", MPIC)
def test_mpic(name: str) -> None:
    machine, layers = core("mpic"), network(name)
    found = [totals(machine, layers, w, a) for w, a in WIDTHS]
    weighted = sum(layer.has_weights for layer in layers.layers)
    for (cycles, _), published in zip(found, MPIC[name], strict=True):
        assert -1 <= cycles - published <= weighted  # every layer ends with a whole cycle
    for (_, microjoules), published_energy in zip(found, MICROJOULES[name], strict=False):
        assert microjoules == pytest.approx(published_energy, abs=1e-3)


@pytest.mark.parametrize("name", NE16)
def test_ne16(name: str) -> None:
    machine, layers = core("ne16"), network(name)
    assert tuple(totals(machine, layers, w, 8)[0] for w in (8, 4, 2)) == NE16[name]
