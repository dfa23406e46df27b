"""The same network for inputs of another size, or with other numbers of channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from qdsl.diagnostics import SourceFile, Span
from qdsl.model.network import Activation, Layer, Network, concatenation
from qdsl.model.operator import Operator
from qdsl.model.shapes import derive_problem


def resized(network: Network, input_shape: tuple[int, ...] | None, classes: int | None) -> Network:
    """Every size derived anew from the shape of the first input, without its batch axis, as when the spec is checked.
    classes: the output channels of the layer that writes the first output. Raises SpecError where a window does not fit.
    """
    if input_shape is None and classes is None:
        return network
    shapes = {a.name: a for a in network.activations if a.is_input}
    if input_shape is not None:
        first = next(iter(shapes.values()))
        shapes[first.name] = replace(first, shape=(first.shape[0], *input_shape))
    return _derived_anew(network, shapes, {} if classes is None else {network.outputs[0]: classes})


def with_channels(network: Network, channels: Mapping[str, int]) -> Network:
    """Every size derived anew for other numbers of output channels of some layers."""
    return _derived_anew(network, {a.name: a for a in network.activations if a.is_input}, channels)


def _derived_anew(network: Network, shapes: dict[str, Activation], channels: Mapping[str, int]) -> Network:
    """shapes: of the inputs; all others are put there, too."""

    def shape(activation: str) -> Activation:
        if activation not in shapes:
            shapes[activation] = concatenation([shape(p) for p in network.parts(activation)])
        return shapes[activation]

    layers = []
    for x in network.layers:
        for _, a in x.inputs:
            shape(a)
        x = _resized(x, shapes, channels.get(x.name))
        layers.append(x)
        shapes[x.name] = Activation(x.name, x.problem.shape(x.problem.operator.output), x.name)
    activations = tuple(shape(a.name) for a in network.activations)
    return replace(network, layers=tuple(layers), activations=activations)


def _resized(layer: Layer, shapes: dict[str, Activation], channels: int | None) -> Layer:
    operator = layer.problem.operator
    derived = _derived(operator)
    given = {d: layer.problem.size(d) for d in operator.dims if d not in derived}
    if channels is not None and (dim := operator.output.axes[1].dims[0]) not in derived:
        given[dim] = channels
    reads = [(operator.tensor(t), shapes[a]) for t, a in layer.inputs]
    problem = derive_problem(operator, given, reads, layer.padding, layer.span or _NOWHERE)
    return replace(layer, problem=problem)


def _derived(operator: Operator) -> set[str]:
    """Dimensions whose sizes follow from what is read: alone on an axis, or those that a window slides along."""
    found: set[str] = set()
    for axis in (a for t in operator.inputs if not t.is_weight for a in t.axes):
        found.add(operator.sliding(axis) or axis.dims[0])
    return found


_NOWHERE = Span(SourceFile("", ""), 0, 0)
