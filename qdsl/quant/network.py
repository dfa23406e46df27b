"""A network of the language as a module of torch, quantised to given bit-widths.

A width belongs to an activation: it is quantised once, where it is written, and all layers that read it see the same values,
as in the cost model. Layers that a study splits into groups of channels are one layer again, with a width per channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.model.network import Layer, Network
from qdsl.quant.grid import Grid
from qdsl.quant.layers import QuantLayer
from qdsl.quant.quantisers import ActivationQuantiser, Quantisers, Width
from qdsl.quant.resize import resized

Widths = Mapping[str, Mapping[str, int | Sequence[int] | None]]
"""Layer -> tensor of its operator -> bits; of weights also bits per output channel. What is left out is not quantised."""


def build(
    network: Network,
    widths: Widths | None = None,
    *,
    quantisers: Quantisers | None = None,
    seed: int = 0,
    input_shape: tuple[int, ...] | None = None,
    classes: int | None = None,
    batch_norm: bool = False,
    device: torch.device | str = "cpu",
) -> QuantNetwork:
    """The network with random weights that follow from the seed alone.

    input_shape: in place of that of the spec, without the batch axis; classes: in place of the size of the last layer.
    batch_norm: behind every layer with weights but those that write the outputs. Raises SpecError (Q0931) for a network
    that cannot be executed, ValueError for widths that do not fit it.
    """
    groups = {x.name: (x.output, x.problem.size(x.group.dim)) for x in network.layers if x.group}
    whole = resized(whole_layers(network), input_shape, classes)
    _check(whole)
    found = QuantNetwork(whole, groups, quantisers or Quantisers(), seed, batch_norm, device)
    found.set_widths(widths or {})
    return found


class QuantNetwork(nn.Module):
    """network: without groups of channels. layers, activations: modules by the names in the spec; activations that are stored
    as one have one. groups: of a split layer, (the layer, channels) in their order."""

    def __init__(
        self,
        network: Network,
        groups: Mapping[str, tuple[str, int]],
        settings: Quantisers,
        seed: int,
        batch_norm: bool,
        device: torch.device | str,
    ) -> None:
        super().__init__()
        self.network = network
        self.groups = groups
        self.settings = settings
        generator = torch.Generator().manual_seed(seed)
        self.stored_as = network.stored_as
        signed = _signed(network)
        self.layers: dict[str, QuantLayer] = {
            x.name: QuantLayer(x, settings, batch_norm and x.name not in network.outputs, generator, device)
            for x in network.layers
        }
        made = {n: ActivationQuantiser(settings.activations, s, device) for n, s in signed.items()}
        self.activations = {name: made[stored] for name, stored in self.stored_as.items()}
        # torch allows no dots in the names of modules
        self.layer_modules = nn.ModuleDict({_key(n): x for n, x in self.layers.items()})
        self.activation_modules = nn.ModuleDict({_key(n): x for n, x in made.items()})

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the activations that it reads."""
        return tuple(a.name for a in self.network.activations if a.is_input)

    def forward(self, *inputs: Tensor) -> Tensor:
        """The first output. inputs: in the order of the spec, batch axis first."""
        return self.joined(self.network.outputs[0], self.run(*inputs))

    def run(self, *inputs: Tensor) -> dict[str, Tensor]:
        """Every activation by its name; of concatenations those that layers read."""
        values = {n: self.activations[n](x) for n, x in zip(self.inputs, inputs, strict=True)}
        self.resume(values, tuple(self.layers))
        return values

    def resume(self, values: dict[str, Tensor], layers: Iterable[str]) -> None:
        """Executes some layers again, in their order, and replaces what they write."""
        for a in self.network.activations:
            if a.parts:
                values.pop(a.name, None)
        for name in layers:
            values[name] = self.activations[name](self.layers[name](*self.reads(name, values)))

    def reads(self, layer: str, values: dict[str, Tensor]) -> tuple[list[Tensor], list[Grid | None]]:
        """What a layer reads, and the grids of it, those of this pass where it was quantised in it."""
        names = [a for _, a in self.layers[layer].layer.inputs]
        return [self.joined(a, values) for a in names], [self.activations[a].latest or self.grid(a) for a in names]

    def joined(self, activation: str, values: dict[str, Tensor]) -> Tensor:
        """An activation, or its codes; a concatenation is made of its parts, and kept."""
        if activation not in values:
            values[activation] = torch.cat([self.joined(p, values) for p in self.network.parts(activation)], 1)
        return values[activation]

    def grid(self, activation: str) -> Grid | None:
        """None for one that is not quantised."""
        quantiser = self.activations[activation]
        return None if quantiser.bits is None or quantiser.observing else quantiser.grid()

    def set_widths(self, widths: Widths) -> None:
        """Other widths for the same weights. Groups of channels may be named as a study splits them, `conv.1`. Raises
        ValueError for an activation that would have two widths, and for layers or tensors that are not there."""
        entries = list(_entries(self.network, _joined(widths, self.groups)))
        found, weights = _activation_widths(entries, self.stored_as), _weight_widths(entries)
        for name, stored in self.stored_as.items():
            if name == stored:
                self.activations[name].set_width(found.get(name))
        for name, layer in self.layers.items():
            if layer.quantiser is not None:
                layer.quantiser.set_width(weights.get(name))

    def calibrate(self, batches: Iterable[Tensor]) -> None:
        """Sets the ranges of all activations from what they are without quantisation; each batch is an input."""
        was_training = self.training
        quantisers = [x for x in self.activation_modules.values() if isinstance(x, ActivationQuantiser)]
        self.eval()
        for quantiser in quantisers:
            quantiser.sample, quantiser.observing, quantiser.latest = [], True, None
        weights = [x.quantiser for x in self.layers.values() if x.quantiser is not None]
        kept = [x.bits for x in weights]
        try:
            for x in weights:
                x.bits = None
            with torch.no_grad():
                for batch in batches:
                    self(batch)
        finally:
            for x, bits in zip(weights, kept, strict=True):
                x.bits = bits
            for quantiser in quantisers:
                quantiser.finish()
            self.train(was_training)

    def fold(self) -> None:
        """Moves every batch normalisation into the weights before it: for good, and needed by integer arithmetic."""
        for layer in self.layers.values():
            layer.fold()


def whole_layers(network: Network) -> Network:
    """The network with the groups of a split layer joined to the layer that they were."""
    layers: dict[str, Layer] = {}
    for x in network.layers:
        if x.group is None:
            layers[x.name] = x
        elif x.group.layer not in layers:
            dims = x.problem.operator.dims
            sizes = tuple(x.group.channels if d == x.group.dim else x.problem.size(d) for d in dims)
            layers[x.group.layer] = replace(x, name=x.group.layer, problem=replace(x.problem, sizes=sizes), group=None)
    return replace(network, layers=tuple(layers.values()))


def refuse_concatenations(network: Network) -> None:
    """Raises SpecError (Q0931) for a network that joins activations, whose channels are not sorted or removed."""
    for a in network.activations:
        if a.parts:
            text = f"`{a.name}` joins channels, and widths of channels are not searched in such networks"
            helps = ("search widths per layer with a study: `minimize energy, error`",)
            raise SpecError([Diagnostic("Q0931", text, network.span, helps=helps)])


def _check(network: Network) -> None:
    for x in network.layers:
        if not x.inputs:
            helps = ("bind it to an activation: `a = conv2d(image, ...)`",)
            text = f"layer `{x.name}` has sizes and no inputs, so it cannot be executed"
            raise SpecError([Diagnostic("Q0931", text, x.span, helps=helps)])
        if len(x.problem.operator.weights) > 1:
            text = f"`{x.problem.operator.name}` has several tensors of weights, and layers with one are executed"
            raise SpecError([Diagnostic("Q0931", text, x.span)])


def _signed(network: Network) -> dict[str, bool]:
    """By what activations are stored as, whether one of them may be negative."""
    negative = {a.name: a.is_input for a in network.activations}
    for x in network.layers:
        reads = [part for _, a in x.inputs for part in network.written(a)]
        negative[x.name] = not x.function and (x.has_weights or any(negative[a] for a in reads))
    found: dict[str, bool] = {}
    for name, stored in network.stored_as.items():
        found[stored] = found.get(stored, False) or negative[name]
    return found


def _joined(widths: Widths, groups: Mapping[str, tuple[str, int]]) -> Widths:
    """By whole layers: the widths of groups of channels follow one another, as the channels do."""
    found = {name: dict(tensors) for name, tensors in widths.items() if name not in groups}
    for name, (layer, channels) in groups.items():
        for tensor, bits in widths.get(name, {}).items():
            whole = found.setdefault(layer, {})
            whole[tensor] = None if bits is None else [*_several(whole.get(tensor)), *_several(bits) * channels]
    return found


def _several(bits: int | Sequence[int] | None) -> list[int]:
    return [] if bits is None else [bits] if isinstance(bits, int) else list(bits)


Entry = tuple[Layer, str, Width]


def _entries(network: Network, widths: Widths) -> Iterable[Entry]:
    for name, tensors in widths.items():
        layer = network.layer(name)
        for tensor, bits in tensors.items():
            if all(t.name != tensor for t in layer.problem.operator.tensors):
                raise ValueError(f"layer `{name}` has no tensor `{tensor}`")
            yield layer, tensor, bits if bits is None or isinstance(bits, int) else tuple(bits)


def _activation_widths(entries: Iterable[Entry], stored_as: Mapping[str, str]) -> dict[str, int]:
    """By what activations are stored as."""
    found: dict[str, int] = {}
    for layer, tensor, bits in entries:
        operand = layer.problem.operator.tensor(tensor)
        if operand.is_weight or bits is None:
            continue
        name = layer.name if operand.is_output else dict(layer.inputs)[tensor]
        for width in {bits} if isinstance(bits, int) else set(bits):
            if (other := found.setdefault(stored_as[name], width)) != width:
                raise ValueError(f"activation `{name}` would have {other} and {width} bits")
    return found


def _weight_widths(entries: Iterable[Entry]) -> dict[str, Width]:
    return {x.name: bits for x, tensor, bits in entries if x.problem.operator.tensor(tensor).is_weight}


def _key(name: str) -> str:
    return name.replace(".", "/")
