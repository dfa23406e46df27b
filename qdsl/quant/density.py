"""Bit-widths and channels chosen while a network is trained, from the density of its activations: the part that is not zero
(Vasquez et al., DATE 2021, arXiv 2101.04354; pruning after Foldy-Porto et al., arXiv 2002.02949).

When the densities no longer change, a layer of k bits gets round(k x density), for its weights and for the activation that it
reads, and the training goes on. What the papers leave open is a setting here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import cos, pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qdsl.model.network import Layer, Network
from qdsl.quant.batches import batches, on_device
from qdsl.quant.compact import compacted, moving_together
from qdsl.quant.complexity import mac_cost
from qdsl.quant.costs import weighted
from qdsl.quant.network import QuantNetwork, build, refuse_concatenations
from qdsl.quant.soft import Widths, leaders
from qdsl.quant.training import (
    FLOAT_DECAY,
    MOMENTUM,
    Trainer,
    Weights,
    error_of,
    reproducible,
    set_weights,
    weights_of,
)

Bits = Mapping[str, int]
"""Layer with weights -> width."""


@dataclass(frozen=True)
class DensitySettings:
    """epochs: in all, as many as the network without quantisation is trained for. rate: of stochastic gradient descent, falling
    along half a cosine; momentum and decay are those of the float network too, so that only the widths tell the two apart.
    start: bits of all layers at first; the first and the last layer keep them. least: bits that no layer goes below.
    window, change: a density has saturated when over so many epochs it stayed within `change`. step: a width or a number of
    channels falls at most to so much of what it was, at once. settle: epochs at the end in which nothing falls. prune: also
    channels, the least active first."""

    epochs: int = 20
    rate: float = 0.1
    start: int = 16
    least: int = 4
    window: int = 3
    change: float = 0.03
    step: float = 0.5
    settle: int = 6
    prune: bool = False

    def rate_at(self, epochs: float) -> float:
        """After so many epochs."""
        return self.rate * (1 + cos(pi * epochs / self.epochs)) / 2

    def fallen(self, amount: int, density: float, least: int) -> int:
        """Of bits or channels, what is left at a density."""
        return max(least, round(amount * max(density, self.step)))


@dataclass(frozen=True)
class Phase:
    """Epochs with the same widths. density: of every layer, over the last one of them. mac_cost: of the network, as a share of
    that of the one that the training began with."""

    epochs: int
    bits: Bits
    channels: Mapping[str, int]
    density: Mapping[str, float]
    mac_cost: float


@dataclass(frozen=True)
class DensityRun:
    """network, weights, widths: what the training came to; error, test_error: in per cent."""

    phases: tuple[Phase, ...]
    network: Network
    weights: Weights
    widths: Widths
    error: float
    test_error: float

    @property
    def complexity(self) -> float:
        """Of the training, relative to as many epochs with the first network."""
        return sum(p.mac_cost * p.epochs for p in self.phases) / sum(p.epochs for p in self.phases)

    @property
    def mean_bits(self) -> float:
        """Of the layers with weights, the first and the last one too."""
        bits = self.phases[-1].bits
        return sum(bits.values()) / len(bits)


def train(trainer: Trainer, settings: DensitySettings) -> DensityRun:
    """Trains the trainer's network from random weights, on its data, batches and seed. Raises SpecError (Q0931) for a network
    with concatenations."""
    refuse_concatenations(trainer.network)
    with reproducible(trainer.accuracy.seed):
        state = _State.begun(trainer, settings)
        history: list[dict[str, float]] = []
        phases: list[Phase] = []
        for epoch in range(settings.epochs):
            history.append(state.train(epoch))
            last = epoch == settings.epochs - 1
            falls = epoch < settings.epochs - settings.settle and saturated(history[-settings.window :], settings)
            if last or falls:
                bits = next_bits(state.network, state.bits, history[-1], settings)
                removed = state.unneeded(settings) if settings.prune and not last else {}
                if last or bits != state.bits or removed:
                    phases.append(state.phase(len(history), history[-1]))
                    history = []
                if not last:
                    state = state.changed(bits, removed)
        net = state.net
        net.fold()
        errors = [error_of(net, on_device(trainer, p)) for p in (trainer.data.validation, trainer.data.test)]
        return DensityRun(tuple(phases), state.network, weights_of(net), state.widths, *errors)


def saturated(history: Sequence[Mapping[str, float]], settings: DensitySettings) -> bool:
    """Whether every layer's density has stayed where it is. history: of the last epochs."""
    if len(history) < settings.window:
        return False
    return all(max(h[n] for h in history) - min(h[n] for h in history) <= settings.change for n in history[0])


def next_bits(network: Network, bits: Bits, density: Mapping[str, float], settings: DensitySettings) -> dict[str, int]:
    """The widths that follow from the densities."""
    kept = _ends(network)
    return {n: b if n in kept else settings.fallen(b, density[n], settings.least) for n, b in bits.items()}


def widths_of_layers(network: Network, bits: Bits) -> Widths:
    """Of all tensors. Weights have the bits of their layer, an activation the most of the layers with weights that read it; the
    outputs have those of the layers that write them."""
    leader = leaders(network)
    found: dict[str, int] = {}
    for x in weighted(network):
        written = [x.output] if x.output in network.outputs else []
        for a in (leader[a] for a in (*written, *(a for _, a in x.inputs))):
            found[a] = max(bits[x.name], found.get(a, 0))
    for x in network.layers:  # an output that no layer with weights writes
        found.setdefault(leader[x.output], max((found[leader[a]] for _, a in x.inputs), default=0))
    widths: Widths = {}
    for x in network.layers:
        reads = dict(x.inputs)
        widths[x.name] = {
            t.name: bits[x.name] if t.is_weight else found[leader[reads.get(t.name, x.output)]]
            for t in x.problem.operator.tensors
        }
    return widths


def measured_at(network: Network) -> dict[str, str]:
    """Of every layer with weights, the activation whose density is its own: behind the first activation function, which may be
    that of a sum that it is a part of."""
    readers: dict[str, list[Layer]] = {}
    for x in network.layers:
        for _, a in x.inputs:
            readers.setdefault(a, []).append(x)
    found = {}
    for x in weighted(network):
        at = x
        while not at.function and at.output in readers and not readers[at.output][0].has_weights:
            at = readers[at.output][0]
        found[x.name] = at.output
    return found


class DensityMeter:
    """Counts, by hooks, the values of activations that are not zero where they are quantised: before that, so that rounding to
    zero is not taken for a density."""

    def __init__(self, net: QuantNetwork) -> None:
        self._net = net
        self._nonzero: dict[str, Tensor] = {}
        self._total: dict[str, int] = {}

    @contextmanager
    def counting(self) -> Iterator[None]:
        hooks = [module.register_forward_pre_hook(self._hook(n)) for n, module in self._net.activations.items()]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    def of_channels(self, activation: str) -> Tensor:
        """float[channels], 0..1."""
        return self._nonzero[activation] / self._total[activation]

    def of(self, activation: str) -> float:
        return float(self.of_channels(activation).mean())

    def _hook(self, name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def count(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            x = inputs[0].detach().movedim(1, 0).flatten(1)
            self._nonzero[name] = self._nonzero.get(name, 0) + (x != 0).sum(1).double()
            self._total[name] = self._total.get(name, 0) + x.shape[1]

        return count


class _State:
    """A network in training."""

    def __init__(
        self, trainer: Trainer, settings: DensitySettings, net: QuantNetwork, bits: Bits, first: float
    ) -> None:
        self.trainer, self.settings, self.net, self.bits, self.first = trainer, settings, net, bits, first
        self.network = net.network
        self.widths = widths_of_layers(self.network, bits)
        net.set_widths(self.widths)
        self._meter = DensityMeter(net)
        self._descent = torch.optim.SGD(net.parameters(), lr=settings.rate, momentum=MOMENTUM, weight_decay=FLOAT_DECAY)

    @classmethod
    def begun(cls, trainer: Trainer, settings: DensitySettings) -> _State:
        net = build(trainer.network, seed=trainer.accuracy.seed, batch_norm=True, device=trainer.device)
        bits = {x.name: settings.start for x in weighted(net.network)}
        return cls(trainer, settings, net, bits, mac_cost(net.network, widths_of_layers(net.network, bits)))

    def train(self, epoch: int) -> dict[str, float]:
        """One epoch; the density of every layer in it."""
        self._meter = DensityMeter(self.net)
        self.net.train()
        seen = 0
        with self._meter.counting():
            for x, labels in batches(self.trainer, epoch):
                self._descent.param_groups[0]["lr"] = self.settings.rate_at(epoch + seen / len(self.trainer.data.train))
                self._descent.zero_grad(set_to_none=True)
                F.cross_entropy(self.net(x), labels).backward()  # type: ignore[no-untyped-call]
                self._descent.step()
                seen += len(labels)
        return {name: self._meter.of(a) for name, a in measured_at(self.network).items()}

    def phase(self, epochs: int, density: Mapping[str, float]) -> Phase:
        channels = {x.name: x.problem.shape(x.problem.operator.output)[1] for x in weighted(self.network)}
        return Phase(epochs, self.bits, channels, density, mac_cost(self.network, self.widths) / self.first)

    def unneeded(self, settings: DensitySettings) -> dict[str, list[int]]:
        """Of every layer, the channels to take out."""
        at = measured_at(self.network)
        found = {}
        for layers in moving_together(self.network):
            density = torch.stack([self._meter.of_channels(at[x.name]) for x in layers]).amax(0)
            left = settings.fallen(len(density), float(density.mean()), 1)
            least_active = density.argsort()[: len(density) - left].tolist()
            found.update({x.name: least_active for x in layers if least_active})
        return found

    def changed(self, bits: Bits, removed: Mapping[str, list[int]]) -> _State:
        if bits == self.bits and not removed:
            return self
        if not removed:
            return _State(self.trainer, self.settings, self.net, bits, self.first)
        self.net.fold()
        small = compacted(self.network, weights_of(self.net), _without(self.network, bits, removed))
        net = build(small.network, device=self.trainer.device)
        set_weights(net, small.weights)
        return _State(replace(self.trainer, network=small.network), self.settings, net, bits, self.first)


def _without(network: Network, bits: Bits, removed: Mapping[str, list[int]]) -> Widths:
    """Widths with 0 bits for some channels."""
    found = widths_of_layers(network, bits)
    for name, channels in removed.items():
        problem = network.layer(name).problem
        row = [bits[name]] * problem.shape(problem.operator.output)[1]
        for c in channels:
            row[c] = 0
        found[name][problem.operator.weights[0].name] = list(row)
    return found


def _ends(network: Network) -> set[str]:
    """The layers that read what the network reads, and those that write what it writes."""
    read = {a.name for a in network.activations if a.is_input}

    def at_an_end(x: Layer) -> bool:
        return any(a in read for _, a in x.inputs) or x.output in network.outputs

    return {x.name for x in network.layers if at_an_end(x)}
