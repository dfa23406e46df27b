"""Nodes that take apart what one layer writes: the projections of an attention, made by one product.

A network reads whole activations. So a layer of which only parts are read becomes one layer per part: the same products.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from qdsl.importers.builder import Builder, Constant
from qdsl.importers.graph import Activation, Axis, Layer, Term, View, index_of
from qdsl.importers.onnx_file import Node
from qdsl.importers.sizes import Dim, NotExpressible, leaves

Part = tuple[str, int, int]  # the value that it becomes, its first place and its length along the axis


def take(b: Builder, node: Node) -> None:
    """Split, Slice and Gather of one activation along one axis."""
    view = b.view(node)
    if len(node.outputs) == 1 and b.shape(node.outputs[0]) == view.shape:
        b.moved(node, view)
        return
    if b.listed:
        raise NotExpressible("a part of an activation is no activation")
    axis, parts = _parts(b, node, view)
    for name, start, length in parts:
        b.define(name, _part(b, view, axis, start, length, b.shape(name)))


def check(b: Builder) -> None:
    """Removes layers that were taken apart. Raises NotExpressible if the parts of one are not all of it, each once."""
    read = {a for layer in b.layers for r in layer.reads for a in r.source.all()}
    read |= {a for v in map(b.values.get, b.graph.outputs) if isinstance(v, View) for a in v.source.all()}
    for whole, parts in b.taken.items():
        assert whole.layer is not None  # of an input no part was made
        end, node = 0, whole.layer.node
        for dim, start, length in sorted(parts, key=lambda p: p[1]):
            if start != end or dim is not next(iter(parts))[0]:
                raise NotExpressible(f"what {node} writes is read in parts that are not all of it, each once")
            end += length
        if end < next(iter(parts))[0].size or whole in read:
            raise NotExpressible(f"what {node} writes is read in parts that are not all of it, each once")
        b.layers.remove(whole.layer)


def _parts(b: Builder, node: Node, view: View) -> tuple[int, list[Part]]:
    """The axis of a node, and what it takes along it. Raises NotExpressible if it does not take one piece of it."""
    rank, out = len(view.shape), node.outputs[0]
    if node.op == "Split":
        sizes = [b.shape(o)[node.attributes.get("axis", 0)] for o in node.outputs]
        return node.attributes.get("axis", 0) % rank, [
            (o, sum(sizes[:i]), sizes[i]) for i, o in enumerate(node.outputs) if o
        ]
    if node.op == "Gather":
        chosen = b.numbers(node, 1)
        axis = node.attributes.get("axis", 0) % rank
        if chosen and len(chosen) == 1:
            return axis, [(out, int(chosen[0]) % view.shape[axis], 1)]
    if node.op == "Slice":
        starts, axes, steps = (b.numbers(node, i) for i in (1, 3, 4))
        changed = [i for i in range(rank) if b.shape(out)[i] != view.shape[i]]
        if starts and steps in (None, [1.0] * len(starts)) and len(changed) == 1:
            along = [int(a) % rank for a in axes] if axes else list(range(len(starts)))
            start = int(starts[along.index(changed[0])])
            return changed[0], [(out, start % view.shape[changed[0]], b.shape(out)[changed[0]])]
    raise NotExpressible("it takes more than one piece along one axis")


def _part(b: Builder, view: View, axis: int, start: int, length: int, shape: tuple[int, ...]) -> View:
    """The view of a part, of the layer that makes it alone."""
    whole = view.source
    along = [d for d in view.axes()[axis] if d.size > 1]
    if len(along) != 1 or whole.layer is None:
        raise NotExpressible("a part of an activation is no activation")
    (dim,) = along
    made = b.taken.setdefault(whole, {})
    if (dim, start, length) not in made:
        made[dim, start, length] = _layer_of_part(b, whole, whole.layer, dim, length)
    part = made[dim, start, length]
    parallel = dict(zip(_kept(whole, dim, length), part.dims, strict=True))
    dims = tuple(parallel[d] for d in leaves(view.dims) if d in parallel)
    return View(part, dims, shape, view.bits)


def _kept(whole: Activation, dim: Dim, length: int) -> list[Dim]:
    """The dimensions that a part of an activation has, too: an axis of one place is none."""
    return [d for d in leaves(whole.dims) if d is not dim or length > 1]


def _layer_of_part(b: Builder, whole: Activation, layer: Layer, dim: Dim, length: int) -> Activation:
    """The layer with fewer places along one dimension of its output, which must come from its weights alone."""
    place = leaves(whole.dims).index(dim)
    old = index_of(layer.output)[place][0].dim
    if not layer.weights or any(t.dim is old for r in layer.reads for axis in r.index() for t in axis):
        raise NotExpressible("a part of an activation is no activation, unless its layer has weights for the part")
    new = [Dim.of(length, old.letter)] if length > 1 else []

    def shortened(axes: tuple[Axis, ...]) -> Iterator[Axis]:
        for axis in index_of(axes):
            yield from ([(Term(d),) for d in new] if axis[0].dim is old else [axis])

    output = tuple(shortened(layer.output))
    made = replace(
        layer,
        name=b.names.free(f"{layer.name}_{len(b.taken[whole]) + 1}"),
        dims=tuple(d for x in leaves(layer.dims) for d in (new if x is old else [x])),
        output=output,
        weights=tuple(shortened(layer.weights)),
        passed=list(layer.passed),
    )
    axes = tuple(axis[0].dim.twin(axis[0].dim.letter) for axis in output)
    b.layers.insert(b.layers.index(layer) + len(b.taken[whole]) + 1, made)
    return Activation(made.name, axes, made)


def gather(b: Builder, node: Node) -> None:
    """A part of an activation, or rows of a stored table that the input chooses: these come in as an input."""
    if not isinstance(b.values.get(node.inputs[0]), Constant):
        take(b, node)
        return
    name = b.names.of(node)
    view = b.input(name, b.shape(node.outputs[0]))
    b.inputs.append(view.source)
    b.remarks.append(f"`{name}` are the rows that {node} takes out of a table.")
    b.define(node.outputs[0], view)
