"""A network with a width per channel as hardware runs it: pruned channels are taken out, and the others are put in the order of
their widths, so that each layer is a few layers with one width each.

Channels that must stay together, since something adds them or works on each of them alone, are moved and taken out together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import torch
from torch import Tensor

from qdsl.model.network import Group, Layer, Network
from qdsl.quant.costs import summed_input, weighted
from qdsl.quant.layers import channel_axes
from qdsl.quant.resize import with_channels
from qdsl.quant.soft import Widths
from qdsl.quant.training import Weights


@dataclass(frozen=True)
class Compact:
    """It computes what the network did, but that weights for channels that are gone no longer widen the range of a scale.
    widths: of weights per channel, descending within what moves together."""

    network: Network
    weights: Weights
    widths: Widths

    @property
    def split(self) -> Network:
        """Each layer with several widths replaced by one group of channels per width."""
        return split(self.network, self.widths)

    @property
    def bits(self) -> dict[str, dict[str, int]]:
        """Of every layer of `split`."""
        return split_bits(self.split, self.widths)

    @property
    def size_bits(self) -> int:
        """Of all weights."""
        bits = self.bits
        return sum(_values(x) * bits[x.name][x.problem.operator.weights[0].name] for x in weighted(self.split))

    @property
    def values(self) -> int:
        """Weights."""
        return sum(_values(x) for x in weighted(self.network))


def compacted(network: Network, weights: Weights, widths: Widths) -> Compact:
    """Channels of 0 bits that something still needs, as a sum of which they are a part, become zeros of the least width."""
    classes = _classes(network)
    rows = {x.name: _row(x, widths) for x in weighted(network)}
    orders = {name: _order(name, network, classes, rows) for name in dict.fromkeys(classes.values())}
    least = min(b for row in rows.values() for b in row if b)
    found: dict[str, Tensor] = {}
    new: Widths = {}
    for x in network.layers:
        new[x.name] = dict(widths[x.name])
        if not x.has_weights:
            continue
        row = torch.tensor(rows[x.name])
        weight, bias = weights[f"{x.name}.weight"].clone(), weights.get(f"{x.name}.bias")
        axes = channel_axes(x.problem.operator)
        if axes is not None and bias is not None:
            order = orders[classes[x.output]]
            weight.movedim(axes[0], 0)[row == 0] = 0
            weight = weight.index_select(axes[0], order)
            found[f"{x.name}.bias"] = (bias * (row > 0))[order]
            row = row[order]
        if tensor := summed_input(x):
            weight = weight.index_select(_column(x, tensor), orders[classes[dict(x.inputs)[tensor]]])
        found[f"{x.name}.weight"] = weight
        new[x.name][x.problem.operator.weights[0].name] = torch.where(row > 0, row, least).tolist()
    channels = {x.name: len(orders[classes[x.output]]) for x in weighted(network)}
    return Compact(with_channels(network, channels), found, new)


def split(network: Network, widths: Widths) -> Network:
    """Each layer with several widths of weights replaced by one layer per width, widest first, as a study splits it."""
    layers: list[Layer] = []
    for x in network.layers:
        counts = _counts(x, widths) if x.has_weights and channel_axes(x.problem.operator) else {}
        layers += _groups(x, counts) if len(counts) > 1 else [x]
    return replace(network, layers=tuple(layers))


def split_bits(network: Network, widths: Widths) -> dict[str, dict[str, int]]:
    """Bits of every tensor of the layers that `split` makes."""
    found = {}
    for x in network.layers:
        weights = {t.name for t in x.problem.operator.weights}
        mine = widths[x.output]
        group = x.group.bits if x.group else None
        found[x.name] = {t: group if t in weights and group is not None else _one(b) for t, b in mine.items()}
    return found


def moving_together(network: Network) -> list[list[Layer]]:
    """Layers with weights whose output channels are moved and taken out together, where they may be at all."""
    classes = _classes(network)
    found: dict[str, list[Layer]] = {}
    for x in weighted(network):
        found.setdefault(classes[x.output], []).append(x)
    return [layers for name, layers in found.items() if not _fixed(name, network, classes)]


def _classes(network: Network) -> dict[str, str]:
    """Activation -> a name of all those whose channels stay together."""
    leader = {a.name: a.name for a in network.activations}

    def of(name: str) -> str:
        while leader[name] != name:
            name = leader[name]
        return name

    for x in network.layers:
        for tensor, a in x.inputs:
            if _passes(x, tensor):
                leader[of(a)] = of(x.output)
    return {a: of(a) for a in leader}


def _passes(layer: Layer, tensor: str) -> bool:
    """Whether channel c of a layer's output is made of channel c of a tensor that it reads."""
    operator = layer.problem.operator
    axes = [t.axes[1] if len(t.axes) > 1 else None for t in (operator.tensor(tensor), operator.output)]
    return axes[0] is not None and axes[0] == axes[1] and axes[0].is_plain


def _fixed(name: str, network: Network, classes: Mapping[str, str]) -> bool:
    """Whether the order of channels is given from outside, or something reads them otherwise than one by one or summed up."""
    members = {a for a, c in classes.items() if c == name}
    ends = {a.name for a in network.activations if a.is_input} | set(network.outputs)
    read = any(a in members and not _passes(x, t) and t != summed_input(x) for x in network.layers for t, a in x.inputs)
    written = (x for x in network.layers if x.output in members)
    made = all(
        channel_axes(x.problem.operator) if x.has_weights else all(_passes(x, t) for t, _ in x.inputs) for x in written
    )
    return bool(members & ends) or read or not made


def _order(name: str, network: Network, classes: Mapping[str, str], rows: Mapping[str, list[int]]) -> Tensor:
    """The channels of a class that are needed, the widest first."""
    members = [x for x in weighted(network) if classes[x.output] == name]
    sizes = [a.shape[1] if len(a.shape) > 1 else 1 for a in network.activations if classes[a.name] == name]
    if _fixed(name, network, classes) or not members:
        return torch.arange(sizes[0])
    needed = _needed(network, rows)
    kept = [c for c in range(sizes[0]) if any(rows[x.name][c] and needed[x.output][c] for x in members)]
    # A layer without any channel has no size: its first one stays.
    return torch.tensor(sorted(kept, key=lambda c: [-rows[x.name][c] for x in members]) or [0])


def _needed(network: Network, rows: Mapping[str, list[int]]) -> dict[str, list[bool]]:
    """Of every activation, whether something that is not pruned itself depends on a channel."""
    found = {a.name: [a.name in network.outputs] * (a.shape[1] if len(a.shape) > 1 else 1) for a in network.activations}
    for x in reversed(network.layers):
        for tensor, a in x.inputs:
            for c in range(len(found[a])):
                passes = _passes(x, tensor)
                uses = found[x.output][c] and (not x.has_weights or rows[x.name][c] > 0) if passes else True
                found[a][c] = found[a][c] or bool(uses)
    return found


def _row(layer: Layer, widths: Widths) -> list[int]:
    operator = layer.problem.operator
    bits = widths[layer.name][operator.weights[0].name]
    axes = channel_axes(operator)
    channels = layer.problem.shape(operator.weights[0])[axes[0]] if axes else 1
    return [bits] * channels if isinstance(bits, int) else list(bits)


def _column(layer: Layer, tensor: str) -> int:
    """The axis of the weights along which a layer sums the channels of a tensor."""
    operator = layer.problem.operator
    dim = operator.tensor(tensor).axes[1].dims[0]
    return next(i for i, a in enumerate(operator.weights[0].axes) if a.dims == (dim,))


def _counts(layer: Layer, widths: Widths) -> dict[int, int]:
    row = _row(layer, widths)
    return {b: row.count(b) for b in sorted(set(row), reverse=True)}


def _groups(layer: Layer, counts: Mapping[int, int]) -> list[Layer]:
    problem, axes = layer.problem, channel_axes(layer.problem.operator)
    assert axes is not None
    dim = problem.operator.output.axes[axes[1]].dims[0]
    found = []
    for i, (bits, channels) in enumerate(counts.items(), 1):
        sizes = tuple(channels if d == dim else problem.size(d) for d in problem.operator.dims)
        group = Group(layer.name, dim, problem.size(dim), bits)
        found.append(replace(layer, name=f"{layer.name}.{i}", problem=replace(problem, sizes=sizes), group=group))
    return found


def _values(layer: Layer) -> int:
    return prod(layer.problem.shape(layer.problem.operator.weights[0]))


def _one(bits: int | list[int]) -> int:
    return bits if isinstance(bits, int) else bits[0]
