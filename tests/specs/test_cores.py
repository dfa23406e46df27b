"""Machines that state the cost of whole layers give the published cycles and energies of the published networks."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import pytest

from qdsl.model import load
from qdsl.model.accelerator import Accelerator
from qdsl.model.network import Network
from qdsl.model.operator import Problem
from qdsl.resources import data_dir
from qdsl.study.run import run_study
from tests.specs.conftest import Load

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


@pytest.mark.slow
def test_a_front_of_one_core_is_no_front_of_the_other(tmp_path: Path) -> None:
    """Designs that nothing beats on MPIC need up to 9.3 % more cycles on NE16 than its own with no more noise."""
    model = load(data_dir("specs") / "studies" / "resnet8_cores.qdsl")
    mpic, ne16 = (run_study(study, model, tmp_path / study.name, workers=1) for study in model.studies)
    study = ne16.study
    losses = []
    for point in mpic.front:
        bits = study.precision.layer_bits(point.choice)
        unit, layers = study.accelerator.compute, study.network.layers
        cycles = sum(ceil(unit.cycles_per_operation(x.problem, bits[x.name]) * x.problem.operations) for x in layers)
        noise = point.objectives["noise"] + 1e-9
        least = min(q.objectives["latency"] for q in ne16.front if q.objectives["noise"] <= noise)
        losses.append(cycles / least - 1)
    assert min(losses) == 0
    assert max(losses) == pytest.approx(0.0929, abs=1e-4)


CONVOLUTION = {"N": 1, "K": 40, "C": 16, "P": 4, "Q": 4, "R": 3, "S": 3}


def convolution() -> Problem:
    operator = next(x for x in network("vgg19").layers if x.name == "b1.1.c").problem.operator
    return Problem(operator, tuple(CONVOLUTION[d] for d in operator.dims))


def test_vgg19_in_memory() -> None:
    """398 131 200 MACs in 16 convolutions at 276.676 fJ."""
    machine = core("pim")
    convolutions = [x.problem for x in network("vgg19").layers if x.problem.operator.name == "conv2d"]
    bits = {"I": 16, "W": 16, "O": 16}
    assert len(convolutions) == 16
    total = sum(machine.compute.operation_pj(p, bits) * p.operations for p in convolutions)
    assert total / 1e6 == pytest.approx(110.153, abs=1e-3)
    assert totals(machine, network("vgg19"), 16, 16)[1] == pytest.approx(110.155, abs=1e-3)


@pytest.mark.parametrize(
    ("weights", "activations", "femtojoules"), [(2, 1, 2.942), (3, 2, 16.968), (4, 5, 66.714), (9, 8, 276.676)]
)
def test_widths_between_those_of_the_platform_run_at_the_next(
    weights: int, activations: int, femtojoules: float
) -> None:
    bits = {"I": activations, "W": weights, "O": 16}
    assert core("pim").compute.operation_pj(convolution(), bits) == pytest.approx(femtojoules / 1000)


def test_the_analytical_model() -> None:
    """8 bits: 40 * 16 * 9 * 16 MACs of 3.1 * 8 / 32 + 0.1 pJ, and 16 * 16 inputs and 40 * 16 * 9 weights of 20 pJ."""
    problem = convolution()
    machine = next(
        a for a in load(data_dir("specs") / "accelerators" / "pim.qdsl").accelerators if a.name == "analytical"
    )
    found = machine.compute.operation_pj(problem, {"I": 8, "W": 5, "O": 8}) * problem.operations
    assert found == pytest.approx(92_160 * 0.875 + 20 * (256 + 5760))


def test_a_crossbar_from_its_parts() -> None:
    """144 rows and 40 columns of three 2-bit cells at 5 bits: two arrays deep, one across."""
    problem, unit = convolution(), core("crossbar").compute
    bits = {"I": 6, "W": 5, "O": 16}
    arrays, utilisation = dict(unit.reported(problem, bits)).values()
    assert arrays == 2
    assert utilisation == pytest.approx(144 * 120 / (2 * 128 * 128))
    pulses = 16 * 6
    assert unit.cycles_per_operation(problem, bits) * problem.operations == pulses
    energy = pulses * (144 * 0.39 + 144 * 120 * 0.00183 + 2 * 120 * (1.5625 + 0.0195))
    assert unit.operation_pj(problem, bits) * problem.operations == pytest.approx(energy)


def test_a_converter_of_fewer_bits_reads_fewer_rows_at_once(load_beside_specs: Load) -> None:
    """At 6 bits 42 of 128 rows, so four reads; each conversion costs a quarter."""
    text = 'import "accelerators/crossbar.qdsl"\nimport "networks/vgg19.qdsl"\n'
    study = """
    study s {
      map vgg19 onto crossbar(adc = 6, shared = 64)
      precision { weights in {4} per network; activations in {4, 8} per network; output 16 bit }
      minimize energy
      search exact
    }
    """
    unit = load_beside_specs(text + study).studies[0].accelerator.compute
    bits = {"I": 6, "W": 5, "O": 16}
    pulses, problem = 16 * 6, convolution()
    assert unit.cycles_per_operation(problem, bits) * problem.operations == pulses * 4 / 2
    energy = pulses * (144 * 0.39 + 144 * 120 * 0.00183 + 4 * 2 * 120 * (1.5625 / 4 + 0.0195))
    assert unit.operation_pj(problem, bits) * problem.operations == pytest.approx(energy)


@pytest.mark.slow
def test_what_widths_per_layer_reach_widths_per_group_reach(tmp_path: Path) -> None:
    """Between them they save up to 8.6 % of the memory by the data-free noise."""
    model = load(data_dir("specs") / "studies" / "resnet8_channels.qdsl")
    fronts = []
    for study in model.studies:
        run = run_study(study, model, tmp_path / study.name, workers=1)
        fronts.append([(p.objectives["noise"] - 1e-9, p.objectives["weight_memory"]) for p in run.front])
    channels, layers = fronts
    kept = [min(m for n, m in channels if n <= noise + 2e-9) / memory for noise, memory in layers]
    assert max(kept) <= 1.05  # of the whole front a report has 400 designs
    assert min(kept) == pytest.approx(1 - 0.0856, abs=1e-3)
