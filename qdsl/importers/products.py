"""Nodes that multiply matrices, and those that reduce axes."""

from __future__ import annotations

from qdsl.importers.builder import Builder, Constant, dims_of, paired, twins
from qdsl.importers.graph import Axis, Read, View, plain
from qdsl.importers.onnx_file import Node
from qdsl.importers.sizes import Dim, NotExpressible

_ROWS = "NTUVXYZ"  # letters of the axes in front of the channels
_BATCH = "BHGUVXYZ"


def matmul(b: Builder, node: Node) -> None:
    """MatMul: of an activation with weights, or of two activations."""
    left, right = b.values[node.inputs[0]], b.values[node.inputs[1]]
    if isinstance(left, View) and isinstance(right, View):
        _both(b, node, left, right)
    elif isinstance(left, View) and isinstance(right, Constant):
        if len(b.shape(node.inputs[1])) != 2:
            raise NotExpressible("its weights are no matrix")
        _linear(b, node, left, right)
    else:
        raise NotExpressible("its first factor is stored, and the second is not")


def gemm(b: Builder, node: Node) -> None:
    """Gemm; the factor and the summand are not counted."""
    left = b.view(node)
    if node.attributes.get("transA"):
        left = transposed(left, (1, 0))
    weights = b.constant(node, 1)
    if weights:
        _linear(b, node, left, weights)
    else:
        right = b.view(node, 1)
        _both(b, node, left, transposed(right, (1, 0)) if node.attributes.get("transB") else right)


def transposed(view: View, order: tuple[int, ...]) -> View:
    axes = view.axes()
    if sorted(order) != list(range(len(axes))):
        raise NotExpressible(f"{order} is no order of {len(axes)} axes")
    dims = tuple(d for i in order for d in axes[i])
    return View(view.source, dims, tuple(view.shape[i] for i in order), view.bits)


def reduced(b: Builder, node: Node) -> None:
    """ReduceMean and its like, and pooling over all of an image."""
    view = b.view(node)
    gone = _gone(b, node, len(view.shape))
    axes = view.axes()
    kept: dict[Dim, Axis] = {}
    over: dict[Dim, Axis] = {}
    letters = letters_of(len(view.shape))
    for i, dims in enumerate(axes):
        (over if i in gone else kept).update(twins(dims, letters[i]))
    if not any(d.size > 1 for d in over):
        b.passed(node, view)
        return
    if not kept:
        raise NotExpressible("it leaves no axis")
    most = node.op in ("ReduceMax", "GlobalMaxPool")
    operator = "maximum" if most else "mean" if node.op in ("ReduceMean", "GlobalAveragePool") else "total"
    index = {**kept, **over}
    reads = [Read(view.source, index, view.bits)]
    b.layer(node, operator, dims_of(index), reads, plain(dims_of(kept)), combined="max=" if most else "+=")


def letters_of(rank: int) -> str:
    """Letters of the axes of an activation: images, sequences, rows."""
    return {1: "C", 2: "NC", 3: "NTC", 4: "NCPQ"}.get(rank, "NCPQUVXYZ")


def _gone(b: Builder, node: Node, rank: int) -> set[int]:
    if node.op.startswith("Global"):
        return set(range(2, rank))
    axes = node.attributes.get("axes")
    if axes is None and b.is_given(node, 1):
        axes = b.numbers(node, 1)
        if axes is None:
            raise NotExpressible("its axes are computed")
    if not axes:
        return set() if node.attributes.get("noop_with_empty_axes") else set(range(rank))
    return {int(a) % rank for a in axes}


def _linear(b: Builder, node: Node, view: View, weights: Constant) -> None:
    """The last axis times a matrix."""
    *rows, last = view.axes()
    index = {d: axis for dims, letter in zip(rows, _ROWS, strict=False) for d, axis in twins(dims, letter).items()}
    channels = twins(last, "C")
    out = Dim.of(b.shape(node.outputs[0])[-1], "K")
    b.layer(
        node,
        "linear",
        [*dims_of(index), out, *dims_of(channels)],
        [Read(view.source, {**index, **channels}, view.bits)],
        plain([*dims_of(index), out]),
        weights=plain([out, *dims_of(channels)]),
        combined="+=",
        stored=weights,
    )


def _both(b: Builder, node: Node, left: View, right: View) -> None:
    """Matrices of activations, batch by batch."""
    a, c = left.axes(), right.axes()
    if min(len(a), len(c)) < 2:
        raise NotExpressible("a factor is a vector")
    first, second = paired(a[-1], c[-2], "K")
    output: list[Dim] = []
    for i in range(max(len(a), len(c)) - 2, 0, -1):
        x, y = (side[-i - 2] if len(side) > i + 1 else () for side in (a, c))
        one, other = paired(x, y, _BATCH[len(output)] if len(output) < len(_BATCH) else "B")
        output += dims_of(one) if any(d.size > 1 for d in one) or not other else dims_of(other)
        first, second = {**first, **one}, {**second, **other}
    rows, columns = twins(a[-2], "M"), twins(c[-1], "N")
    first, second = {**first, **rows}, {**second, **columns}
    output += [*dims_of(rows), *dims_of(columns)]
    dims = dict.fromkeys([*output, *dims_of(first, second)])
    reads = [Read(left.source, first, left.bits), Read(right.source, second, right.bits)]
    b.layer(node, "batched_matmul", dims, reads, plain(output), combined="+=")
