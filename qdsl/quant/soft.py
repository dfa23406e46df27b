"""Bit-widths as shares: each channel of the weights, and each activation, is a mixture of itself at every width.

The shares are a softmax of logits that are trained beside the weights (Cai and Vasconcelos, CVPR 2020, per layer; Risso et al.,
IGSC 2022, arXiv 2206.08852, per channel). All widths quantise one float tensor; 0 bits leave nothing of a channel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qdsl.model.network import Layer, Network
from qdsl.model.operator import Tensor as Operand
from qdsl.quant.contraction import contract
from qdsl.quant.layers import QuantLayer, activate
from qdsl.quant.network import QuantNetwork
from qdsl.quant.quantisers import ActivationQuantiser, WeightQuantiser

Widths = dict[str, dict[str, int | list[int]]]
"""Layer -> tensor -> bits; of weights per output channel."""


@dataclass(frozen=True)
class Choices:
    """Widths to choose from, ascending. weights: 0 prunes a channel, of every layer but the last. activations: of all but
    the inputs, which have `input_bits`, and the outputs, which have `output_bits`. per: 'channel' or 'layer' has one choice
    for weights. Raises ValueError for what is no choice."""

    weights: tuple[int, ...] = (2, 4, 8)
    activations: tuple[int, ...] = (8,)
    per: str = "channel"
    input_bits: int = 8
    output_bits: int = 8

    def __post_init__(self) -> None:
        for name, widths, least in (("weights", self.weights, 0), ("activations", self.activations, 1)):
            if not widths or list(widths) != sorted(set(widths)) or widths[0] < least or widths[-1] < 1:
                raise ValueError(f"widths of {name} ascend from at least {least}, and one is above 0")
        if self.per not in ("channel", "layer"):
            raise ValueError("weights are chosen per channel or per layer")

    def widest(self, network: Network, layer: Layer, tensor: Operand) -> int:
        """Of a tensor of a layer."""
        if tensor.is_weight:
            return self.weights[-1]
        return self.widths_of(network, dict(layer.inputs).get(tensor.name, layer.output))[-1]

    def widths_of(self, network: Network, activation: str) -> tuple[int, ...]:
        """What an activation of the network may have."""
        leader = leaders(network)[activation]
        if leader in network.outputs:
            return (self.output_bits,)
        read = any(a.name == leader and a.is_input for a in network.activations)
        return (self.input_bits,) if read else self.activations


@dataclass(frozen=True)
class Shares:
    """Of all widths, each column of sum 1. weights: layer -> [widths, channels]; activations: name -> [widths]."""

    choices: Choices
    weights: Mapping[str, Tensor]
    activations: Mapping[str, Tensor]

    def widths_of_weights(self, layer: str) -> tuple[int, ...]:
        """In the order of the rows: a layer that is not pruned has none for 0 bits."""
        return self.choices.weights[-len(self.weights[layer]) :]

    def widths_of_activation(self, name: str) -> tuple[int, ...]:
        return self.choices.activations[-len(self.activations[name]) :]

    def kept(self, layer: str) -> Tensor:
        """The share of each channel that is not pruned."""
        widths = self.widths_of_weights(layer)
        shares = self.weights[layer]
        return 1 - shares[0] if widths[0] == 0 else torch.ones_like(shares[0])


class SoftNetwork(nn.Module):
    """A network whose weights and logits are trained together. net: without batch normalisation, with its float weights; its
    quantisers are used and its widths change. temperature: of the softmax.

    Logits begin as width / widest. Where channels may be pruned, the weights are divided by the share that is kept at first,
    so that the first pass is not weaker (as in Motetti et al., arXiv 2407.01054).
    """

    def __init__(self, net: QuantNetwork, choices: Choices, temperature: float = 1.0) -> None:
        super().__init__()
        if any(x.norm is not None for x in net.layers.values()):
            raise ValueError("fold the batch normalisation before widths are searched")
        if not net.settings.weights.per_channel or net.settings.weights.learned or net.settings.activations.learned:
            raise ValueError("widths are searched with a scale per channel, and with ranges that are not learned")
        self.net, self.choices, self.temperature = net, choices, temperature
        self.leader = leaders(net.network)
        outputs = net.network.outputs
        self.weight_logits: dict[str, nn.Parameter] = {}
        for name, layer in net.layers.items():
            if layer.weight is None or layer.quantiser is None:
                continue
            widths = tuple(w for w in choices.weights if w or (layer.axes and name not in outputs))
            channels = layer.quantiser.channels if choices.per == "channel" else 1
            self.weight_logits[name] = _logits(widths, channels, layer.weight.device)
            self.register_parameter(f"weights/{name.replace('.', '/')}", self.weight_logits[name])
            if widths[0] == 0:
                kept = self.share(self.weight_logits[name])[1:].sum(0).detach()
                with torch.no_grad():
                    layer.weight.div_(float(kept[0]))
                    assert layer.bias is not None
                    layer.bias.div_(float(kept[0]))
        self.activation_logits: dict[str, nn.Parameter] = {}
        for name in dict.fromkeys(self.leader.values()):
            if name not in (*net.inputs, *outputs):
                logits = _logits(choices.activations, 1, net.activations[name].lo.device)
                self.activation_logits[name] = logits
                self.register_parameter(f"activations/{name.replace('.', '/')}", logits)

    @property
    def logits(self) -> list[nn.Parameter]:
        return [*self.weight_logits.values(), *self.activation_logits.values()]

    def share(self, logits: Tensor) -> Tensor:
        return torch.softmax(logits / self.temperature, 0)

    def shares(self) -> Shares:
        weights = {}
        for name, logits in self.weight_logits.items():
            quantiser = self.net.layers[name].quantiser
            assert quantiser is not None
            weights[name] = self.share(logits).expand(-1, quantiser.channels)
        led = {n: self.share(x)[:, 0] for n, x in self.activation_logits.items()}
        certain = torch.ones(1, device=self.logits[0].device)
        return Shares(self.choices, weights, {a: led.get(b, certain) for a, b in self.leader.items()})

    def forward(self, *inputs: Tensor) -> Tensor:
        """The first output."""
        return self.run(self.shares(), *inputs)

    def run(self, shares: Shares, *inputs: Tensor) -> Tensor:
        net = self.net
        values = {n: self._activation(n, x, shares) for n, x in zip(net.inputs, inputs, strict=True)}
        for name, layer in net.layers.items():
            tensors = {t: values[a] for t, a in layer.layer.inputs}
            found = self._linear(name, layer, tensors, shares)
            values[name] = self._activation(name, activate(found, layer.layer.function), shares)
        return values[net.network.outputs[0]]

    def widths(self) -> Widths:
        """The widest share of each channel and activation."""
        shares = self.shares()
        chosen = {n: self._bits(n, x, shares) for n, x in shares.activations.items()}
        found: Widths = {}
        for name, layer in self.net.layers.items():
            operator = layer.layer.problem.operator
            bits: dict[str, int | list[int]] = {t: chosen[a] for t, a in layer.layer.inputs}
            bits[operator.output.name] = chosen[name]
            if name in shares.weights:
                options = shares.widths_of_weights(name)
                bits[operator.weights[0].name] = [options[i] for i in shares.weights[name].argmax(0).tolist()]
            found[name] = bits
        return found

    def _linear(self, name: str, layer: QuantLayer, tensors: dict[str, Tensor], shares: Shares) -> Tensor:
        if layer.operand is None or layer.weight is None or layer.quantiser is None:
            return layer.linear([tensors[t] for t, _ in layer.layer.inputs], [None] * len(tensors))
        rows = layer.rows(layer.weight)
        mixed = _mixture(layer.quantiser, rows, shares.weights[name], shares.widths_of_weights(name))
        tensors[layer.operand.name] = layer.unrowed(mixed)
        found = contract(layer.layer.problem, layer.layer.padding, tensors)
        if layer.bias is None:
            return found
        return found + layer.along(layer.bias * shares.kept(name), found)

    def _activation(self, name: str, x: Tensor, shares: Shares) -> Tensor:
        share = shares.activations[name]
        if len(share) == 1:
            return _at(self.net.activations[name], self._bits(name, share, shares), x)
        quantiser = self.net.activations[name]
        widest, *others = reversed(shares.widths_of_activation(name))
        found = share[-1] * _at(quantiser, widest, x)
        for i, bits in enumerate(others, 2):
            quantiser.bits = bits  # the range has moved once, and is the same for all widths
            found = found + share[-i] * quantiser.grid()(x)
        return found

    def _bits(self, name: str, share: Tensor, shares: Shares) -> int:
        if self.leader[name] in self.activation_logits:
            return self.choices.activations[int(share.argmax())]
        return self.choices.output_bits if name in self.net.network.outputs else self.choices.input_bits


def leaders(network: Network) -> dict[str, str]:
    """Of every activation, the one whose width it has: its own if a layer with weights reads it or it leaves the network, else
    that of what its first reader puts out."""
    found: dict[str, str] = {}
    readers: dict[str, list[str]] = {}
    weighted = set()
    for x in network.layers:
        for _, a in x.inputs:
            readers.setdefault(a, []).append(x.output)
            weighted |= {a} if x.has_weights else set()
    for activation in reversed(network.activations):
        name = activation.name
        own = activation.is_input or name in weighted or name in network.outputs or name not in readers
        found[name] = name if own else found[readers[name][0]]
    return found


def _logits(widths: tuple[int, ...], columns: int, device: torch.device) -> nn.Parameter:
    start = torch.tensor([w / widths[-1] for w in widths], device=device)
    return nn.Parameter(start.unsqueeze(1).repeat(1, columns))


def _mixture(quantiser: WeightQuantiser, rows: Tensor, shares: Tensor, widths: tuple[int, ...]) -> Tensor:
    found = torch.zeros_like(rows)
    for share, bits in zip(shares, widths, strict=True):
        if bits:
            found = found + share.unsqueeze(1) * _at(quantiser, bits, rows)
    return found


def _at(quantiser: WeightQuantiser | ActivationQuantiser, bits: int, x: Tensor) -> Tensor:
    quantiser.set_width(bits)
    call: Callable[[Tensor], Tensor] = quantiser
    return call(x)
