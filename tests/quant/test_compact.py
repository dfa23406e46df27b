"""Networks without their pruned channels, in the order of widths: they compute what they did."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from qdsl.model.network import Network
from qdsl.quant import QuantNetwork, build
from qdsl.quant.compact import Compact, compacted
from qdsl.quant.soft import Widths
from qdsl.quant.training import set_weights, weights_of
from tests.quant.networks import DEPTHWISE, RESIDUAL, written

CHAIN = """
network n {
  input image: 1 x 6 x 6
  a = conv2d(image, K = 4, R = 3, S = 3, pad = 1) relu
  b = conv2d(a, K = 6, R = 3, S = 3, pad = 1) relu
  fc = linear(mean(b), K = 3)
  output fc
}
"""


def mixed(network: Network, options: tuple[int, ...], seed: int = 0) -> Widths:
    """Widths of weights drawn per channel; the last layer is not pruned."""
    draw = random.Random(seed)
    found: Widths = {}
    for x in network.layers:
        bits: dict[str, int | list[int]] = {}
        for t in x.problem.operator.tensors:
            allowed = [o for o in options if o or x.name not in network.outputs]
            shape = x.problem.shape(t)
            bits[t.name] = draw.choices(allowed, k=shape[0]) if t.is_weight else 8
        found[x.name] = bits
    return found


def with_biases(network: Network) -> QuantNetwork:
    net = build(network, seed=3).double().eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in net.layers.values():
            if layer.bias is not None:
                layer.bias.normal_(generator=generator)
    return net


def compact_and_built(network: Network, net: QuantNetwork, widths: Widths) -> tuple[Compact, QuantNetwork]:
    small = compacted(network, weights_of(net), widths)
    found = build(small.network).double().eval()
    set_weights(found, small.weights)
    return small, found


def of_weights(widths: Widths) -> Widths:
    return {n: {t: b for t, b in w.items() if isinstance(b, list)} for n, w in widths.items()}


def images(network: Network) -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    return torch.randn(5, *network.activations[0].shape[1:], generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("text", [CHAIN, RESIDUAL, DEPTHWISE])
def test_channels_in_another_order_compute_the_same(text: str, tmp_path: Path) -> None:
    network = written(text, tmp_path)
    net, widths = with_biases(network), mixed(network, (2, 4, 8))
    small, ordered = compact_and_built(network, net, widths)
    net.set_widths(of_weights(widths))
    ordered.set_widths(of_weights(small.widths))
    assert of_weights(small.widths) != of_weights(widths)
    assert torch.allclose(net(images(network)), ordered(images(network)))


@pytest.mark.parametrize("text", [CHAIN, RESIDUAL, DEPTHWISE])
@pytest.mark.parametrize("options", [(0, 2, 8), (0, 4)])
def test_without_its_pruned_channels_a_network_computes_the_same(
    text: str, options: tuple[int, ...], tmp_path: Path
) -> None:
    network = written(text, tmp_path)
    net, widths = with_biases(network), mixed(network, options)
    small, rest = compact_and_built(network, net, widths)
    with torch.no_grad():
        for name, layer in net.layers.items():
            if layer.weight is not None and layer.bias is not None and layer.axes is not None:
                bits = widths[name]["W"]
                assert isinstance(bits, list)
                pruned = torch.tensor(bits) == 0
                layer.weight.movedim(layer.axes[0], 0)[pruned] = 0
                layer.bias[pruned] = 0
    assert torch.allclose(net(images(network)), rest(images(network)))
    assert sum(x.problem.operations for x in small.network.layers) < sum(x.problem.operations for x in network.layers)


def test_each_width_of_a_layer_is_a_layer_to_map(tmp_path: Path) -> None:
    network = written(CHAIN, tmp_path)
    widths = mixed(network, (8,))
    widths["b"]["W"] = [4, 8, 4, 2, 4, 8]
    small = compacted(network, weights_of(build(network)), widths)
    groups = [(x.name, x.problem.size("K"), x.group.bits) for x in small.split.layers if x.group]
    assert groups == [("b.1", 2, 8), ("b.2", 3, 4), ("b.3", 1, 2)]
    assert small.bits["b.2"] == {"I": 8, "W": 4, "O": 8}
    assert small.size_bits == 8 * (4 * 9 + 3 * 6) + 4 * 9 * (2 * 8 + 3 * 4 + 2)
