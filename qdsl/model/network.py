"""The checked network: layers in topological order, the activations that connect them, shapes derived from the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from qdsl.diagnostics import Span
from qdsl.model.operator import Axis, Operator, Problem


@dataclass(frozen=True, slots=True)
class Activation:
    """A tensor that flows between layers. `producer`: name of the layer as written, or None for a network input.

    shape: without padding, batch axis first. parts: of a concatenation along the channels, the activations that it
    consists of; no layer writes it, and nothing is computed.
    """

    name: str
    shape: tuple[int, ...]
    producer: str | None
    parts: tuple[str, ...] = ()

    @property
    def is_input(self) -> bool:
        """Whether the network is given it."""
        return self.producer is None and not self.parts


def concatenation(parts: Sequence[Activation]) -> Activation:
    """The activations, which have equal axes but the channels, as one."""
    names = tuple(a.name for a in parts)
    batch, _, *rest = parts[0].shape
    return Activation(f"concat({', '.join(names)})", (batch, sum(a.shape[1] for a in parts), *rest), None, names)


@dataclass(frozen=True, slots=True)
class Group:
    """Neighbouring output channels of a layer that a study splits: `layer` has `channels` of them along `dim`.

    bits: width of the group's weights, None if it is chosen.
    """

    layer: str
    dim: str
    channels: int
    bits: int | None
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Layer:
    """One operator in the graph.

    inputs: (tensor of the operator, name of the activation it reads); empty for a `layer` with given sizes.
    function: activation function after it, '' for none. padding: (dimension along which a window moves, zeros on
    each side of its axis), none of 0; the cost model counts the padded tensor. group: the part of a split layer that this is;
    None for a whole layer. network: which of a set of networks it belongs to, '' without a set; weight: how often that
    network runs.
    """

    name: str
    problem: Problem
    inputs: tuple[tuple[str, str], ...] = ()
    function: str = ""
    padding: tuple[tuple[str, int], ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)
    group: Group | None = None
    network: str = ""
    weight: float = 1.0

    @property
    def has_weights(self) -> bool:
        return bool(self.problem.operator.weights)

    @property
    def output(self) -> str:
        """Name of the activation that it writes, or writes a part of: its own or that of the layer it is split from."""
        return self.group.layer if self.group else self.name

    def padded(self, axis: Axis) -> int:
        """Zeros on each side of an axis of what it reads."""
        slides = self.problem.operator.sliding(axis)
        return dict(self.padding).get(slides, 0) if slides else 0

    @property
    def share(self) -> float:
        """The part of its activation that it writes, 0..1."""
        return self.problem.size(self.group.dim) / self.group.channels if self.group else 1.0


@dataclass(frozen=True)
class Network:
    name: str
    layers: tuple[Layer, ...]
    activations: tuple[Activation, ...]
    outputs: tuple[str, ...]
    span: Span | None = field(default=None, compare=False, repr=False)

    def layer(self, name: str) -> Layer:
        return self._layers[name]

    def parts(self, activation: str) -> tuple[str, ...]:
        """What a concatenation joins; nothing for other activations."""
        found = self._activations.get(activation)
        return found.parts if found else ()

    def written(self, activation: str) -> tuple[str, ...]:
        """What layers write, or the network is given, of an activation: the parts of its parts; itself if it has none."""
        found = [x for part in self.parts(activation) for x in self.written(part)]
        return tuple(found) or (activation,)

    def writers(self, activation: str) -> tuple[Layer, ...]:
        """The layer that writes an activation, or the groups it is split into."""
        return tuple(self._writers.get(activation, ()))

    @cached_property
    def stored_as(self) -> dict[str, str]:
        """For each activation the first one with which it shares its width: all that are parts of one concatenation, and
        the concatenation itself, are read as one."""
        found = {a.name: a.name for a in self.activations}
        for a in self.activations:
            together = {found[part] for part in a.parts} | {found[a.name]} if a.parts else set()
            first = next((x.name for x in self.activations if x.name in together), a.name)
            found.update({name: first for name, old in found.items() if old in together})
        return found

    @cached_property
    def _activations(self) -> dict[str, Activation]:
        return {a.name: a for a in self.activations}

    @cached_property
    def _layers(self) -> dict[str, Layer]:
        return {x.name: x for x in self.layers}

    @cached_property
    def _writers(self) -> dict[str, list[Layer]]:
        found: dict[str, list[Layer]] = {}
        for layer in self.layers:
            found.setdefault(layer.output, []).append(layer)
        return found

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """Each operator once, in order of first appearance."""
        objects = {id(layer.problem.operator): layer.problem.operator for layer in self.layers}  # mostly few
        return tuple(dict.fromkeys(objects.values()))

    @cached_property
    def distinct_problems(self) -> tuple[Problem, ...]:
        """Each problem once, in order of first appearance."""
        return tuple(dict.fromkeys(layer.problem for layer in self.layers))


def network_set(weighted: Sequence[tuple[float, Network]]) -> Network:
    """Several networks as one, whose names begin with their network's: `resnet18.stem`. The weights say how often each runs."""

    def inside(name: str, network: Network) -> str:
        return f"{network.name}.{name}"

    layers = tuple(
        replace(
            x,
            name=inside(x.name, n),
            inputs=tuple((tensor, inside(a, n)) for tensor, a in x.inputs),
            network=n.name,
            weight=weight,
        )
        for weight, n in weighted
        for x in n.layers
    )
    activations = tuple(
        Activation(
            inside(a.name, n), a.shape, a.producer and inside(a.producer, n), tuple(inside(p, n) for p in a.parts)
        )
        for _, n in weighted
        for a in n.activations
    )
    outputs = tuple(inside(o, n) for _, n in weighted for o in n.outputs)
    name = " + ".join(n.name if weight == 1 else f"{weight:g} * {n.name}" for weight, n in weighted)
    return Network(name, layers, activations, outputs, weighted[0][1].span)
