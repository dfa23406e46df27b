"""Training of the float network once, and of quantised ones that start from it. On a CPU one thread does it, since the order
of a sum, and so the result, follows from the number of threads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from math import cos, pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from qdsl.model.accuracy import Accuracy
from qdsl.model.measured import Measured
from qdsl.model.network import Network
from qdsl.quant.additive import Options, Sensitivity, sensitivity
from qdsl.quant.data import Data, Part
from qdsl.quant.network import QuantNetwork, Widths, build
from qdsl.quant.posttraining import correct_biases
from qdsl.quant.quantisers import Quantisers
from qdsl.quant.ranges import Quantiser

MOMENTUM = 0.9
FLOAT_DECAY, DECAY = 4e-5, 1e-5
"""Weight decay of the float and of the quantised network, as in Klhufek et al., DDECS 2024; so is the momentum."""
EVALUATED = 512  # examples at a time

Weights = Mapping[str, Tensor]
"""`LAYER.weight` and `LAYER.bias` by the names of the spec, batch normalisation folded in."""


@dataclass(frozen=True)
class Trainer:
    """Measures designs of one network on one set of data. device: of torch."""

    network: Network
    accuracy: Accuracy
    data: Data
    device: str = "cpu"

    def float_weights(self) -> dict[str, Tensor]:
        """Trains the network without quantisation."""
        a = self.accuracy
        with reproducible(a.seed):
            net = build(self.network, seed=a.seed, batch_norm=True, device=self.device)
            for _ in self._epochs(net, a.float_epochs, a.float_rate, FLOAT_DECAY):
                pass
            net.fold()
        return weights_of(net)

    def measure(self, weights: Weights, widths: Widths | None, bound: float = float("inf")) -> Measured:
        """The error of a design, in per cent. widths: None for the float network. bound: a design above it is of no use, so
        that its training may end early (`Accuracy.stops`)."""
        a = self.accuracy
        with reproducible(a.seed):
            net = build(self.network, quantisers=quantisers(a), seed=a.seed, device=self.device)
            set_weights(net, weights)
            errors = []
            if widths is not None:
                net.set_widths(widths)
                samples = torch.split(self._samples, a.batch)
                net.calibrate(samples)
                if a.method == "calibrate":
                    correct_biases(net, samples)
                else:
                    for _ in self._epochs(net, a.epochs, a.rate, DECAY):
                        errors.append(error_of(net, self._on_device["validation"]))
                        if len(errors) < a.epochs and a.stops(errors[-1], bound):
                            return Measured(tuple(errors))
            errors = errors or [error_of(net, self._on_device["validation"])]
            return Measured(tuple(errors), error_of(net, self._on_device["test"]))

    def sensitivity(self, weights: Weights, options: Options) -> Sensitivity:
        """By layer, tensor and width, as the study says."""
        a = self.accuracy
        with reproducible(a.seed):
            net = build(self.network, quantisers=quantisers(a), seed=a.seed, device=self.device)
            set_weights(net, weights)
            samples = torch.split(self._samples, a.batch)
            net.calibrate(samples)
            return sensitivity(net, samples, options, a.measure, a.seed)

    def _epochs(self, net: QuantNetwork, epochs: int, rate: float, decay: float) -> Iterator[None]:
        """Trains, and yields after each epoch."""
        inputs, labels = self._on_device["train"]
        order = torch.Generator().manual_seed(self.accuracy.seed)
        optimizer = torch.optim.SGD(net.parameters(), lr=rate, momentum=MOMENTUM, weight_decay=decay)
        steps = epochs * -(-len(labels) // self.accuracy.batch)
        done = 0
        for _ in range(epochs):
            net.train()
            shuffled = torch.randperm(len(labels), generator=order).to(self.device)
            for batch in torch.split(shuffled, self.accuracy.batch):
                for group in optimizer.param_groups:
                    group["lr"] = rate * (1 + cos(pi * done / steps)) / 2
                optimizer.zero_grad(set_to_none=True)
                F.cross_entropy(net(inputs[batch]), labels[batch]).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                done += 1
            yield

    @property
    def _samples(self) -> Tensor:
        """To set ranges by; in the training part the examples are in a random order."""
        return self._on_device["train"][0][: self.accuracy.samples]

    @cached_property
    def _on_device(self) -> dict[str, tuple[Tensor, Tensor]]:
        def moved(part: Part) -> tuple[Tensor, Tensor]:
            return torch.from_numpy(part.inputs).to(self.device), torch.from_numpy(part.labels).to(self.device)

        return {name: moved(getattr(self.data, name)) for name in ("train", "validation", "test")}


def quantisers(a: Accuracy) -> Quantisers:
    """Weights symmetric, activations affine."""
    both = a.learned == "lsq"
    weights = Quantiser(symmetric=True, per_channel=a.per == "channel", ranges=a.ranges, learned="lsq" if both else "")
    return Quantisers(weights, Quantiser(ranges=a.ranges, learned="" if a.learned == "none" else a.learned))


def error_of(net: nn.Module, part: tuple[Tensor, Tensor]) -> float:
    """Per cent of the examples that the network takes for another class."""
    inputs, labels = part
    net.eval()
    with torch.no_grad():
        batches = zip(torch.split(inputs, EVALUATED), torch.split(labels, EVALUATED), strict=True)
        wrong = sum(int((net(x).argmax(1) != y).sum()) for x, y in batches)
    return 100 * wrong / len(labels)


def weights_of(net: QuantNetwork) -> dict[str, Tensor]:
    """Of a network whose batch normalisation is folded."""
    return {
        f"{name}.{kind}": value.detach().cpu().clone()
        for name, layer in net.layers.items()
        for kind, value in (("weight", layer.weight), ("bias", layer.bias))
        if value is not None
    }


def set_weights(net: QuantNetwork, weights: Weights) -> None:
    """weights: of all layers, of the right shapes."""
    with torch.no_grad():
        for name, layer in net.layers.items():
            for kind, value in (("weight", layer.weight), ("bias", layer.bias)):
                if value is not None:
                    value.copy_(weights[f"{name}.{kind}"])


@contextmanager
def reproducible(seed: int) -> Iterator[None]:
    """One thread, and algorithms that give the same result every time."""
    threads, exact, fast = torch.get_num_threads(), torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    torch.set_num_threads(1)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = exact, fast
