"""Nodes that work value by value, and those that only move values."""

from __future__ import annotations

from qdsl.importers.builder import Builder, Constant, dims_of, paired
from qdsl.importers.graph import Activation, Axis, Read, View, plain
from qdsl.importers.onnx_file import Node
from qdsl.importers.products import letters_of, transposed
from qdsl.importers.sizes import Dim, NotExpressible, leaves, link

_JOINED = {"Add": ("add", "+"), "Sub": ("subtract", "+"), "Mul": ("multiply", "*"), "Div": ("divide", "*")}


def pointwise(b: Builder, node: Node) -> None:
    """Sums and products of two activations are layers; with a constant, or of one activation, they are no layers."""
    views = [v for v in map(b.values.get, node.inputs) if isinstance(v, View)]
    widest = max(views, key=lambda v: len(v.shape))
    if all(v.is_same(widest) for v in views):
        if _is_bias(b, node, widest):
            b.moved(node, widest)
        else:
            b.passed(node, widest)
    elif len(views) == 2 and len(node.inputs) == 2 and node.op in _JOINED:
        _joined(b, node, views[0], views[1])
    else:
        raise NotExpressible("it joins several activations")


def _is_bias(b: Builder, node: Node, view: View) -> bool:
    """Whether a constant per channel is added right after a layer with weights."""
    layer = view.source.layer
    stored = [b.shape(n) for n in node.inputs if isinstance(b.values.get(n), Constant)]
    alone = len(stored) == 1 and sum(n > 1 for n in stored[0]) <= 1
    return node.op == "Add" and bool(layer and layer.weights and not layer.passed and not layer.function) and alone


def _joined(b: Builder, node: Node, left: View, right: View) -> None:
    a, c = left.axes(), right.axes()
    rank = max(len(a), len(c))
    first: dict[Dim, Axis] = {}
    second: dict[Dim, Axis] = {}
    output: list[Dim] = []
    for i in range(rank):
        x, y = (side[i - rank + len(side)] if i - rank + len(side) >= 0 else () for side in (a, c))
        one, other = paired(x, y, letters_of(rank)[i])
        output += dims_of(other) if any(d.size > 1 for d in other) or not one else dims_of(one)
        first, second = {**first, **one}, {**second, **other}
    name, sign = _JOINED[node.op]
    dims = dict.fromkeys([*output, *dims_of(first, second)])
    reads = [Read(left.source, first, left.bits), Read(right.source, second, right.bits)]
    b.layer(node, name, dims, reads, plain(output), joined=sign)


def unary(b: Builder, node: Node) -> None:
    """A function of every value, or one that is computed from them: a norm, a softmax."""
    view = b.view(node)
    if any(isinstance(b.values.get(n), View) for n in node.inputs[1:]):
        raise NotExpressible("it joins several activations")
    b.passed(node, view)


def relu(b: Builder, node: Node) -> None:
    b.function(node, b.view(node), "relu")


def clip(b: Builder, node: Node) -> None:
    given = node.attributes
    low, high = ([given[n]] if n in given else b.numbers(node, i) for i, n in ((1, "min"), (2, "max")))
    if low == [0.0] and high == [6.0]:
        b.function(node, b.view(node), "relu6")
    else:
        unary(b, node)


def quantized(b: Builder, node: Node) -> None:
    """QuantizeLinear, and Quant of QONNX: the width of what follows."""
    bits = width(b, node)
    view = b.view(node)
    b.moved(node, View(view.source, view.dims, view.shape, bits))


def dequantized(b: Builder, node: Node) -> None:
    view = b.view(node)
    b.moved(node, view)


def width(b: Builder, node: Node) -> int | None:
    """The width to which a node quantizes; None if it is computed."""
    if node.op == "BipolarQuant":
        return 1
    if node.op in ("Quant", "IntQuant", "Trunc"):
        found = b.numbers(node, 3)
        return int(found[0]) if found else None
    return b.graph.bits.get(node.outputs[0]) if node.op == "QuantizeLinear" else None


def reshaped(b: Builder, node: Node) -> None:
    b.moved(node, b.view(node))


def transpose(b: Builder, node: Node) -> None:
    view = b.view(node)
    order = node.attributes.get("perm") or range(len(view.shape))[::-1]
    b.define(node.outputs[0], transposed(view, tuple(order)))


def concatenated(b: Builder, node: Node) -> None:
    """Activations as one, behind one another along their second axis. The sizes that they have in common stay linked, and no
    reshape may split the joined axis."""
    views = [v for v in map(b.values.get, node.inputs) if isinstance(v, View)]
    if len(views) == 1 == len(node.inputs):
        b.moved(node, views[0])
        return
    rank = len(b.shape(node.outputs[0]))
    whole = all(leaves(v.dims) == leaves(v.source.dims) and _axes_of(v.source) == v.shape for v in views)
    if len(views) < len(node.inputs) or node.attributes["axis"] % rank != 1 or not whole:
        raise NotExpressible("a network joins whole activations, along their second axis")
    first = views[0].source
    for view in views:
        link([d for d in first.dims if d is not first.dims[1]], [d for d in view.dims if d is not view.source.dims[1]])
        view.source.dims[1].fix()
    channels = Dim.of(sum(v.shape[1] for v in views), first.dims[1].letter, rigid=True)
    dims = tuple(channels if i == 1 else d.twin(d.letter) for i, d in enumerate(first.dims))
    sources = tuple(v.source for v in views)
    name = f"concat({', '.join(a.name for a in sources)})"
    widths = {v.bits for v in views}
    bits = next(iter(widths)) if len(widths) == 1 else None
    b.define(node.outputs[0], View(Activation(name, dims, None, sources), dims, b.shape(node.outputs[0]), bits))


def _axes_of(activation: Activation) -> tuple[int, ...]:
    return tuple(d.size for d in activation.dims)


def moves(b: Builder, node: Node) -> None:
    """What cuts, pads or repeats activations, unless it does nothing."""
    views = [v for v in map(b.values.get, node.inputs) if isinstance(v, View)]
    if len(views) == 1 and b.shape(node.outputs[0]) == views[0].shape and len(node.outputs) == 1:
        b.moved(node, views[0])
        return
    raise NotExpressible("a network has no operator that cuts, pads or repeats activations")
