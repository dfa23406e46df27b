"""Widths and channels that follow the density of activations."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest
import torch

from qdsl.model import load
from qdsl.quant import build
from qdsl.quant.complexity import analytic_energy, mac_cost, mac_pj
from qdsl.quant.density import (
    DensityMeter,
    DensityRun,
    DensitySettings,
    Phase,
    measured_at,
    next_bits,
    saturated,
    train,
    widths_of_layers,
)
from qdsl.quant.training import set_weights
from qdsl.resources import data_dir
from qdsl.symbolic import evaluate
from tests.quant.figures import ALIKE, DENSITY, FLOAT, densities
from tests.quant.networks import RESIDUAL, shipped, uniform, written
from tests.quant.test_costs import all_at
from tests.quant.test_soft import TINY, trainer_of


def test_densities_are_counted_by_hooks_while_they_are_asked_for(tmp_path: Path) -> None:
    net = build(
        written("network n {\n input x: 2 x 2 x 2\n a = conv2d(x, K = 1, R = 1, S = 1)\n output a\n}", tmp_path)
    )
    meter = DensityMeter(net)
    first = torch.tensor([[[[1.0, 0.0], [0.0, 0.0]], [[1.0, -2.0], [0.0, 3.0]]]])
    with meter.counting():
        net(first)
        net(torch.zeros_like(first))
    net(torch.ones_like(first))
    assert meter.of_channels("x").tolist() == [1 / 8, 3 / 8] and meter.of("x") == 0.25


def test_the_density_of_a_layer_is_that_behind_its_activation_function(tmp_path: Path) -> None:
    found = measured_at(written(RESIDUAL, tmp_path))
    assert found["stem"] == "stem" and found["b"] == found["shortcut"] == "sum" and found["fc"] == "fc"
    assert measured_at(written(TINY, tmp_path / "tiny"))["b"] == "b"


def test_widths_fall_by_density_and_not_below_the_least(tmp_path: Path) -> None:
    network = written(RESIDUAL, tmp_path)
    bits = {x.name: 16 for x in network.layers if x.has_weights}
    density = dict.fromkeys(bits, 0.284)
    assert next_bits(network, bits, density, DensitySettings(step=0.0, least=1))["a"] == 5
    assert next_bits(network, bits, density, DensitySettings(step=0.5, least=1))["a"] == 8
    assert next_bits(network, bits, density, DensitySettings(step=0.0, least=6))["a"] == 6
    found = next_bits(network, bits, density, DensitySettings())
    assert found["stem"] == found["fc"] == 16


def test_an_activation_has_the_width_of_the_wider_of_its_readers(tmp_path: Path) -> None:
    network = written(RESIDUAL, tmp_path)
    bits = {x.name: 8 for x in network.layers if x.has_weights} | {"a": 4, "b": 3, "shortcut": 5, "fc": 16}
    widths = widths_of_layers(network, bits)
    assert widths["a"] == {"I": 5, "W": 4, "O": 3} and widths["b"] == {"I": 3, "W": 3, "O": 8}
    assert widths["shortcut"]["O"] == widths["sum"]["I"] == widths["sum"]["O"] == 8 and widths["fc"]["O"] == 16
    build(network).set_widths(widths)


def test_densities_saturate_when_none_of_them_moves() -> None:
    settings = DensitySettings(window=3, change=0.02)
    still = [{"a": 0.5, "b": x} for x in (0.40, 0.41, 0.42)]
    assert saturated(still, settings) and not saturated(still[:2], settings)
    assert not saturated([*still[:2], {"a": 0.5, "b": 0.43}], settings)


def test_the_complexity_of_a_training_weighs_its_phases_by_epochs() -> None:
    phases = tuple(Phase(n, {"a": b}, {}, {}, cost) for n, b, cost in ((4, 16, 1.0), (6, 4, 0.25)))
    run = DensityRun(phases, shipped("resnet8"), {}, {}, 0.0, 0.0)
    assert run.complexity == pytest.approx((4 + 6 * 0.25) / 10) and run.mean_bits == 4


@pytest.mark.parametrize(("bits", "ratio"), [(8, 1.886), (5, 2.824), (4, 3.385), (3, 4.224), (2, 5.617), (1, 8.381)])
def test_the_analytical_model_is_the_published_one(bits: int, ratio: float) -> None:
    assert mac_pj(16) / mac_pj(bits) == pytest.approx(ratio, abs=5e-4)


def test_analytical_energy_counts_multiplications_and_one_access_of_each_value() -> None:
    network = shipped("resnet8")
    layers = [x for x in network.layers if x.has_weights]
    shapes = {a.name: a.shape for a in network.activations}
    accesses = sum(prod(shapes[x.inputs[0][1]]) for x in layers) + 77_360
    macs = 12_501_632 * (3.1 * 4 / 32 + 0.1)
    assert mac_cost(network, uniform(network, 4, 4)) == pytest.approx(macs)  # type: ignore[arg-type]
    assert analytic_energy(network, uniform(network, 4, 4)) == pytest.approx(macs + 10 * accesses)  # type: ignore[arg-type]


def test_vgg19_on_the_in_memory_platform_is_the_published_baseline() -> None:
    pim = load(data_dir("specs") / "accelerators" / "pim.qdsl").accelerators[0]
    total = {}
    for bits in (16, 3, 4):
        layers = [x for x in shipped("vgg19").layers if x.problem.operator.name == "conv2d"]
        total[bits] = sum(
            evaluate(pim, x.problem, dict.fromkeys(("I", "W", "O"), bits), all_at("cells", x.problem)).energy_pj
            for x in layers
        )
    assert total[16] / 1e6 == pytest.approx(110.154, abs=0.002)  # uJ
    assert total[3] == total[4] and total[16] / total[4] == pytest.approx(276.676 / 16.968)


@pytest.mark.parametrize("prune", [False, True])
def test_training_by_density_ends_with_fewer_bits_or_channels(prune: bool, tmp_path: Path) -> None:
    trainer = trainer_of(TINY, tmp_path)
    settings = DensitySettings(epochs=6, window=2, change=0.3, settle=2, prune=prune)
    run = train(trainer, settings)
    assert [p.epochs for p in run.phases] == [2, 2, 2] and run.phases[0].mac_cost == 1.0
    bits = [p.bits["b"] for p in run.phases]
    assert bits[0] == 16 > bits[1] > bits[2] >= 4 and run.phases[-1].bits["a"] == 16
    assert run.complexity == pytest.approx(sum(p.mac_cost for p in run.phases) / 3) and run.complexity < 0.9
    channels = [p.channels["b"] for p in run.phases]
    assert (channels[2] < channels[0]) == prune and channels[2] == run.network.layer("b").problem.size("K")
    again = train(trainer, settings)
    assert (again.phases, again.error, again.test_error) == (run.phases, run.error, run.test_error)
    net = build(run.network)
    set_weights(net, run.weights)
    net.set_widths(run.widths)


@pytest.mark.slow
def test_a_training_by_density_keeps_the_accuracy() -> None:
    rows = {r.kind: r for r in densities(seed=1, epochs=24)}
    by_density = rows[DENSITY]
    assert by_density.mean_bits < 8 and by_density.complexity is not None and by_density.complexity < 0.7
    assert by_density.error <= min(rows[FLOAT].error, rows[ALIKE].error) + 2.0
