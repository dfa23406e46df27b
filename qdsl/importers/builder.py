"""From the nodes of an ONNX graph to layers: what every kind of node needs to make its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from qdsl.diagnostics import Diagnostic
from qdsl.importers.graph import Activation, Axis, Layer, Read, Term, View
from qdsl.importers.names import Names
from qdsl.importers.onnx_file import Node, OnnxGraph
from qdsl.importers.sizes import Dim, NotExpressible, leaves, link

# They change no value by more than rounding or by a factor and a summand of its channel: a `relu` may still follow.
_LINEAR = ("Add", "BatchNormalization", "Cast", "DequantizeLinear", "Dropout", "Identity", "Quant", "QuantizeLinear")


@dataclass(frozen=True)
class Constant:
    """A value that does not depend on the input. origin: the name under which it is stored. bits: its quantized width."""

    origin: str
    bits: int | None = None


Value = View | Constant | None  # None: of a node that has no meaning here


@dataclass
class Builder:
    """What is made so far. listed: layers need not be connected. uses: how often each value is read.

    taken: of activations that are taken apart, the parts: dimension, first place and length of each.
    shared: activations of which a value before the last node is read again, so that the layer cannot take a function on.
    """

    graph: OnnxGraph
    listed: bool
    names: Names
    values: dict[str, Value] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)
    inputs: list[Activation] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    uses: Counter[str] = field(default_factory=Counter)
    shared: set[Activation] = field(default_factory=set)
    taken: dict[Activation, dict[tuple[Dim, int, int], Activation]] = field(default_factory=dict)

    def view(self, node: Node, i: int = 0) -> View:
        """The activation that a node reads. Raises NotExpressible if it is a constant."""
        value = self.values.get(node.inputs[i])
        if not isinstance(value, View):
            raise NotExpressible(f"its input {i} is a constant")
        return value

    def constant(self, node: Node, i: int) -> Constant | None:
        """None for an input that is an activation or missing."""
        value = self.values.get(node.inputs[i]) if i < len(node.inputs) else None
        return value if isinstance(value, Constant) else None

    def is_given(self, node: Node, i: int) -> bool:
        return i < len(node.inputs) and bool(node.inputs[i])

    def numbers(self, node: Node, i: int) -> list[float] | None:
        """The stored numbers of an input; None if it is missing or computed."""
        found = self.graph.value(node.inputs[i]) if self.is_given(node, i) else None
        return None if found is None else [float(x) for x in found.reshape(-1)]

    def shape(self, name: str) -> tuple[int, ...]:
        """Raises NotExpressible if it is not known."""
        if name not in self.graph.shapes:
            raise NotExpressible(f"the shape of `{name}` is not known")
        return self.graph.shapes[name]

    def define(self, name: str, value: Value) -> None:
        if isinstance(value, View) and self.uses[name] > 1:
            self.shared.add(value.source)
        self.values[name] = value

    def input(self, name: str, shape: Sequence[int]) -> View:
        """A new activation that no layer writes."""
        dims = tuple(Dim.of(n, "N") for n in shape)
        return View(Activation(name, dims), dims, tuple(shape))

    def moved(self, node: Node, view: View, dims: Iterable[Dim] | None = None) -> None:
        """The output of a node is a view of the same values in another shape."""
        shape = self.shape(node.outputs[0])
        if prod(shape) != prod(view.shape):
            raise NotExpressible(f"it makes {prod(shape)} values of {prod(view.shape)}")
        self.define(node.outputs[0], View(view.source, tuple(dims or view.dims), shape, view.bits))

    def passed(self, node: Node, view: View, bits: int | None = None) -> None:
        """A node without multiply-accumulates: its output stands for the activation that it reads."""
        layer = view.source.layer
        if layer is None:
            kind = "" if view.source.parts else "the input "
            self.remarks.append(f"{node}, which reads {kind}`{view.source.name}`, is not counted.")
        else:
            layer.passed.append(f"{node.op} {node.name}".strip())
        self.moved(node, replace(view, bits=bits))

    def function(self, node: Node, view: View, name: str) -> None:
        """An activation function: of the layer before it if nothing else reads that, else a node without arithmetic."""
        layer = view.source.layer
        linear = layer and all(p.split()[0] in _LINEAR for p in layer.passed)
        if layer is None or layer.function or not linear or view.source in self.shared or self.uses[node.inputs[0]] > 1:
            self.passed(node, view)
        else:
            layer.function = name
            self.moved(node, replace(view, bits=None))

    def layer(
        self,
        node: Node,
        operator: str,
        dims: Iterable[Dim],
        reads: Iterable[Read],
        output: Iterable[Axis],
        *,
        weights: Iterable[Axis] = (),
        joined: str = "*",
        combined: str = "",
        parameters: Mapping[str, int] | None = None,
        padding: Mapping[Dim, int] | None = None,
        stored: Constant | None = None,
    ) -> None:
        """Makes the layer of a node; its first output is what the layer writes. combined: '+=' where something is summed."""
        made = Layer(
            self.names.of(node, stored.origin if stored else ""),
            operator,
            str(node),
            tuple(dims),
            tuple(reads),
            tuple(output),
            tuple(weights),
            joined,
            combined,
            dict(parameters or {}),
            dict(padding or {}),
            weight_bits=stored.bits if stored else None,
        )
        written = {t.dim for axis in made.output for t in axis}
        if not combined:
            made.combined = "=" if written == set(made.dims) else "+="
        axes = tuple(_written(axis, made.parameters) for axis in made.output)
        activation = Activation(made.name, axes, made)
        shape = self.shape(node.outputs[0])
        if prod(d.size for d in axes) != prod(shape):
            raise NotExpressible(f"its output has {prod(shape)} values, not {prod(d.size for d in axes)}")
        self.layers.append(made)
        self.define(node.outputs[0], View(activation, axes, shape))


def _written(axis: Axis, parameters: Mapping[str, int]) -> Dim:
    """The axis of an activation for an expression of the layer that writes it."""
    if len(axis) == 1:
        return axis[0].dim.twin(axis[0].dim.letter)
    extent = 1 + sum(parameters.get(t.coefficient, 1) * (t.dim.size - 1) for t in axis)
    return Dim.of(extent, "U", rigid=True)


def twins(dims: Iterable[Dim], letter: str) -> dict[Dim, Axis]:
    """Dimensions of a layer for those of an activation, each with the expression that indexes it."""
    return {d: (Term(d.twin(letter)),) for d in leaves(dims)}


def paired(left: Iterable[Dim], right: Iterable[Dim], letter: str) -> tuple[dict[Dim, Axis], dict[Dim, Axis]]:
    """Dimensions of a layer that index two axes alike; an axis of one value beside a larger one is apart.

    Raises NotExpressible as `link` does.
    """
    a, b = list(left), list(right)
    extents = [prod(d.size for d in side) for side in (a, b)]
    if extents[0] != extents[1] and 1 in extents:
        return twins(a, letter), twins(b, letter)
    link(a, b)
    first, second = twins(a, letter), twins(b, letter)
    for larger in (True, False):
        common = [[d for d in index if (d.size > 1) is larger] for index in (first, second)]
        second.update({d: first[twin] for twin, d in zip(*common, strict=False)})
    return first, second


def dims_of(*indices: Mapping[Dim, Axis]) -> list[Dim]:
    """All dimensions in some index expressions, each once."""
    return list(dict.fromkeys(t.dim for index in indices for axis in index.values() for t in axis))
