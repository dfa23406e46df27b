"""What a network with shares of widths costs, so that its gradient pulls the shares: size, energy or cycles by the cost model.

Where every share is 0 or 1 and each layer has one width these are the costs that the rest of qdsl counts. Of channels that may
be pruned their share counts, in the layer that has them and in those that read them, there without a gradient.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod

import torch
from torch import Tensor

from qdsl.model.accelerator import Accelerator
from qdsl.model.mapping import Mapping as LayerMapping
from qdsl.model.network import Layer, Network
from qdsl.quant.formulas import CostFormula, cost_formula
from qdsl.quant.layers import channel_axes
from qdsl.quant.soft import Choices, Shares

METRICS = ("energy", "latency")


@dataclass(frozen=True)
class SizeCost:
    """Bits of all weights."""

    network: Network

    def __call__(self, shares: Shares) -> Tensor:
        read = read_shares(self.network, shares)
        terms = []
        for x in weighted(self.network):
            rows = shares.weights[x.name]
            bits = rows.new_tensor(shares.widths_of_weights(x.name))
            terms.append(values_per_channel(x) * read[x.name] * (bits @ rows).sum())
        return torch.stack(terms).sum()


@dataclass(frozen=True)
class ModelCost:
    """Energy in pJ or cycles of all layers on an accelerator. metric: of METRICS. mappings: of every layer, as `cost_formula`
    needs them; the loops stay as they are while the widths change."""

    network: Network
    accelerator: Accelerator
    mappings: Mapping[str, LayerMapping]
    choices: Choices
    metric: str = "energy"
    _formulas: dict[str, CostFormula] = field(default_factory=dict, init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise ValueError(f"metrics are {METRICS}")
        for x in self.network.layers:
            options = {t.name: self._options(x, t.name) for t in x.problem.operator.tensors}
            self._formulas[x.name] = cost_formula(self.accelerator, x.problem, self.mappings[x.name], options)

    def __call__(self, shares: Shares) -> Tensor:
        read = read_shares(self.network, shares)
        terms = []
        for x in self.network.layers:
            formula = self._formulas[x.name]
            found = formula([self._share(x, t, shares) for t in formula.tensors])[METRICS.index(self.metric)]
            kept = shares.kept(x.name).mean().double() * read[x.name] if x.has_weights else 1.0
            terms.append(kept * found)
        return torch.stack(terms).sum()

    def _options(self, layer: Layer, tensor: str) -> tuple[int, ...]:
        if layer.problem.operator.tensor(tensor).is_weight:
            return tuple(w for w in self.choices.weights if w)
        return self.choices.widths_of(self.network, _activation(layer, tensor))

    def _share(self, layer: Layer, tensor: str, shares: Shares) -> Tensor:
        if not layer.problem.operator.tensor(tensor).is_weight:
            return shares.activations[_activation(layer, tensor)]
        mean = shares.weights[layer.name].mean(1)[-len(self._options(layer, tensor)) :]
        return mean / mean.sum()


def weighted(network: Network) -> Iterator[Layer]:
    return (x for x in network.layers if x.has_weights)


def values_per_channel(layer: Layer) -> float:
    """Weights of one output channel."""
    operator = layer.problem.operator
    shape, axes = layer.problem.shape(operator.weights[0]), channel_axes(operator)
    return prod(shape) / (shape[axes[0]] if axes else 1)


def read_shares(network: Network, shares: Shares) -> dict[str, float]:
    """Of every layer with weights, the share of the channels it sums over that are not pruned."""
    kept = kept_channels(network, shares)
    return {x.name: float(kept[dict(x.inputs)[t]].mean()) if (t := summed_input(x)) else 1.0 for x in weighted(network)}


def kept_channels(network: Network, shares: Shares) -> dict[str, Tensor]:
    """Of every activation, the share of each channel that is not pruned, without gradient. What an addition of channels puts
    out is there where one of them is, and what other layers without weights put out, where what they read is."""
    shapes = {a.name: a.shape for a in network.activations}
    kept = {a.name: torch.ones(a.shape[1] if len(a.shape) > 1 else 1) for a in network.activations}
    for x in network.layers:
        inputs = [kept[a].to(kept[x.name]) for _, a in x.inputs]
        if x.has_weights:
            kept[x.name] = shares.kept(x.name).detach() if channel_axes(x.problem.operator) else kept[x.name]
        elif inputs and all(shapes[a][1:2] == shapes[x.name][1:2] for _, a in x.inputs):
            kept[x.name] = 1 - torch.stack([1 - k.to(inputs[0]) for k in inputs]).prod(0)
    return kept


def summed_input(layer: Layer) -> str:
    """The tensor whose channels a layer with weights sums over; '' where there is none, as in a depthwise layer."""
    operator = layer.problem.operator
    for t in operator.inputs:
        if not t.is_weight and len(t.axes) > 1 and t.axes[1].is_plain:
            dim = t.axes[1].dims[0]
            if dim not in operator.output.dims and all(dim in w.dims for w in operator.weights):
                return t.name
    return ""


def _activation(layer: Layer, tensor: str) -> str:
    return dict(layer.inputs).get(tensor, layer.output)
