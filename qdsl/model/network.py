"""The checked network: layers in topological order, the activations that connect them, shapes derived from the graph."""

from __future__ import annotations

from dataclasses import dataclass, field

from qdsl.diagnostics import Span
from qdsl.model.operator import Problem


@dataclass(frozen=True, slots=True)
class Activation:
    """A tensor that flows between layers. `producer`: the layer's name, or None for a network input.

    shape: without padding, batch axis first.
    """

    name: str
    shape: tuple[int, ...]
    producer: str | None


@dataclass(frozen=True)
class Layer:
    """One operator in the graph.

    inputs: (tensor of the operator, name of the activation it reads); empty for a `layer` with given sizes.
    output: name of the activation it produces, equal to `name`.
    function: activation function after it, '' for none. padding: zeros added on each side of every sliding axis;
    the cost model counts the padded tensor.
    """

    name: str
    problem: Problem
    inputs: tuple[tuple[str, str], ...] = ()
    function: str = ""
    padding: int = 0
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def has_weights(self) -> bool:
        return bool(self.problem.operator.weights)


@dataclass(frozen=True)
class Network:
    name: str
    layers: tuple[Layer, ...]
    activations: tuple[Activation, ...]
    outputs: tuple[str, ...]
    span: Span | None = field(default=None, compare=False, repr=False)

    def layer(self, name: str) -> Layer:
        return next(x for x in self.layers if x.name == name)

    @property
    def distinct_problems(self) -> tuple[Problem, ...]:
        """Each problem once, in order of first appearance."""
        return tuple(dict.fromkeys(layer.problem for layer in self.layers))
