"""Costs of shares of widths: exact where each layer has one width, smooth in between."""

from __future__ import annotations

from functools import cache

import pytest
import torch

from qdsl.model import load
from qdsl.model.accelerator import Accelerator
from qdsl.model.mapping import Loop
from qdsl.model.mapping import Mapping as LayerMapping
from qdsl.model.network import Network
from qdsl.model.operator import Problem
from qdsl.quant import formulas
from qdsl.quant.channelwise import decided
from qdsl.quant.compact import compacted
from qdsl.quant.costs import METRICS, ModelCost, SizeCost
from qdsl.quant.network import build
from qdsl.quant.soft import Choices, SoftNetwork
from qdsl.quant.training import weights_of
from qdsl.resources import data_dir
from qdsl.symbolic import evaluate
from tests.quant.networks import RESIDUAL, shipped, written

PUBLISHED_CYCLES = {
    ("resnet8", 8, 8): 5_953_158,
    ("resnet8", 4, 8): 5_435_492,
    ("resnet8", 2, 8): 5_000_653,
    ("resnet8", 4, 4): 3_571_895,
    ("resnet8", 2, 2): 1_923_328,
    ("ds_cnn", 8, 8): 1_265_128,
    ("ds_cnn", 2, 8): 1_062_707,
    ("mobilenet_v1_025", 4, 8): 3_256_376,
    ("autoencoder", 2, 2): 40_645,
}
"""(network, bits of weights, of activations) -> cycles on MPIC, from the authors' published code and figures."""


@cache
def machine(name: str) -> Accelerator:
    return next(a for a in load(data_dir("specs") / "accelerators" / f"{name}.qdsl").accelerators if a.name == name)


def mappings(network: Network, accelerator: Accelerator) -> dict[str, LayerMapping]:
    """Windows and rows inside, the rest outside."""
    outer, inner = accelerator.levels[0].name, accelerator.levels[-1].name
    found = {}
    for x in network.layers:
        loops = [Loop(d, n) for d, n in zip(x.problem.operator.dims, x.problem.sizes, strict=True) if n > 1]
        inside = [loop for loop in loops if loop.dim in ("Q", "R", "S")]
        outside = [loop for loop in loops if loop not in inside]
        found[x.name] = LayerMapping(((outer, (*outside, *inside)),))
        if outer != inner:
            found[x.name] = LayerMapping(((outer, tuple(outside)), (inner, tuple(inside))))
    return found


def soft_network(network: Network, choices: Choices) -> SoftNetwork:
    soft = SoftNetwork(build(network), choices)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for x in soft.logits:
            x.copy_(torch.randn(x.shape, generator=generator))
    return soft


@pytest.mark.parametrize(("name", "weights", "activations"), PUBLISHED_CYCLES)
def test_cycles_on_mpic_are_those_published(name: str, weights: int, activations: int) -> None:
    network, mpic = shipped(name), machine("mpic")
    cycles, energy, layers = 0.0, 0.0, 0
    for x in network.layers:
        if x.has_weights:
            bits = {t.name: weights if t.is_weight else activations for t in x.problem.operator.tensors}
            found = evaluate(mpic, x.problem, bits, all_at("l2", x.problem))
            cycles, energy, layers = cycles + found.cycles, energy + found.energy_pj, layers + 1
    assert 0 <= cycles - PUBLISHED_CYCLES[name, weights, activations] <= layers
    assert energy == pytest.approx(21.53 * cycles)


def all_at(level: str, problem: Problem) -> LayerMapping:
    """All loops at one memory."""
    sizes = zip(problem.operator.dims, problem.sizes, strict=True)
    return LayerMapping(((level, tuple(Loop(d, n) for d, n in sizes if n > 1)),))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Network:
    return written(RESIDUAL.replace("9 x 9", "5 x 5"), tmp_path_factory.mktemp("spec"))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("name", ["three_level", "flow", "mpic"])
def test_the_cost_of_one_width_per_layer_is_that_of_the_cost_model(small: Network, name: str, metric: str) -> None:
    accelerator, choices = machine(name), Choices((2, 3, 8), (2, 4, 8), per="layer")
    chosen = mappings(small, accelerator)
    soft = soft_network(small, choices)
    widths = soft.widths()
    found = ModelCost(small, accelerator, chosen, choices, metric)(decided(soft))
    counted = [
        evaluate(accelerator, x.problem, {t: b if isinstance(b, int) else b[0] for t, b in widths[x.name].items()}, m)
        for x, m in ((x, chosen[x.name]) for x in small.layers)
    ]
    assert float(found) == pytest.approx(sum(e.energy_pj if metric == "energy" else e.cycles for e in counted))
    assert len({b if isinstance(b, int) else b[0] for w in widths.values() for b in w.values()}) > 2


def test_gradients_of_the_cost_model_are_finite_differences(small: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the formulas without rounding up, which has no slope."""
    monkeypatch.setattr(formulas, "_rounded_up", lambda x: x)
    accelerator, choices = machine("three_level"), Choices((0, 2, 8), (2, 4, 8))
    soft = soft_network(small, choices).double()
    for metric in METRICS:
        cost = ModelCost(small, accelerator, mappings(small, accelerator), choices, metric)
        monkeypatch.setattr("qdsl.quant.costs.read_shares", lambda network, shares: dict.fromkeys(soft.net.layers, 0.7))
        widest = float(cost(decided(soft, widest=True)))
        cost(soft.shares()).div(widest).backward()  # type: ignore[no-untyped-call]
        for logits in soft.logits[::3]:
            assert logits.grad is not None
            place = (0, logits.shape[1] // 2)
            slope, step = float(logits.grad[place]), 1e-5
            values = []
            for sign in (1, -1):
                with torch.no_grad():
                    logits[place] += sign * step
                    values.append(float(cost(soft.shares())) / widest)
                    logits[place] -= sign * step
            assert slope == pytest.approx((values[0] - values[1]) / (2 * step), rel=1e-4, abs=1e-9)
        soft.zero_grad()


def test_the_size_of_decided_shares_is_that_of_the_compact_network(small: Network) -> None:
    soft = soft_network(small, Choices((2, 4, 8)))
    compact = compacted(small, weights_of(soft.net), soft.widths())
    assert float(SizeCost(small)(decided(soft))) == compact.size_bits


def test_readers_of_pruned_channels_cost_less(small: Network) -> None:
    soft = soft_network(small, Choices((0, 8)))
    with torch.no_grad():
        for logits in soft.logits:
            logits[0], logits[-1] = 0.0, 1.0
        whole = SizeCost(small)(decided(soft))
        soft.weight_logits["a"][0, :3] = 2.0  # three of eight channels, which `b` alone reads
        pruned = SizeCost(small)(decided(soft))
    a, b = small.layer("a").problem, small.layer("b").problem
    assert whole - pruned == 8 * 3 * (a.size("C") * 9 + b.size("K") * 9)
    compact = compacted(small, weights_of(soft.net), soft.widths())
    assert pruned == compact.size_bits and compact.network.layer("b").problem.size("C") == 5
