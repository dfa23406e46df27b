"""An ONNX graph as a network of the language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.importers import others, parts, products, windows
from qdsl.importers.builder import Builder, Constant
from qdsl.importers.errors import left_out, no_meaning, not_readable
from qdsl.importers.graph import Activation, View
from qdsl.importers.names import Names
from qdsl.importers.onnx_file import QUANTIZERS, Node, OnnxGraph
from qdsl.importers.sizes import NotExpressible
from qdsl.importers.text import Imported

Handler = Callable[[Builder, Node], None]

# They make no layer, and what they write has the shape of their first input.
_UNARY = frozenset(
    [
        *("Abs", "BatchNormalization", "Cast", "CastLike", "Ceil", "Celu", "Cos"),
        *("Dropout", "Elu", "Erf", "Exp", "Floor", "Gelu", "GroupNormalization"),
        *("HardSigmoid", "HardSwish", "Hardmax", "Identity", "InstanceNormalization", "LRN", "LayerNormalization"),
        *("LeakyRelu", "Log", "LogSoftmax", "LpNormalization", "MeanVarianceNormalization", "Mish", "Neg"),
        *("PRelu", "RMSNormalization", "Reciprocal", "Round", "Selu", "Sigmoid", "Sign"),
        *("Sin", "Softmax", "Softplus", "Softsign", "Sqrt", "Swish", "Tanh"),
        *("ThresholdedRelu",),
    ]
)
_POINTWISE = ("Add", "Div", "Max", "Min", "Mod", "Mul", "Pow", "Sub", "Sum", "Where")
_REDUCED = ("GlobalAveragePool", "GlobalMaxPool", "ReduceMax", "ReduceMean", "ReduceSum")
_MOVES = frozenset(
    [
        *("DepthToSpace", "Expand", "GatherElements", "GatherND", "Pad", "Resize"),
        *("Slice", "SpaceToDepth", "Split", "Tile", "Upsample"),
    ]
)

HANDLERS: dict[str, Handler] = {
    **dict.fromkeys(_UNARY, others.unary),
    **dict.fromkeys(_POINTWISE, others.pointwise),
    **dict.fromkeys(_REDUCED, products.reduced),
    **dict.fromkeys(_MOVES, others.moves),
    **dict.fromkeys(("Slice", "Split"), parts.take),
    **dict.fromkeys(("Flatten", "Reshape", "Squeeze", "Unsqueeze"), others.reshaped),
    **dict.fromkeys((*QUANTIZERS, "QuantizeLinear"), others.quantized),
    **dict.fromkeys(("AveragePool", "MaxPool"), windows.pool),
    "Clip": others.clip,
    "Concat": others.concatenated,
    "Conv": windows.conv,
    "ConvTranspose": windows.conv_transposed,
    "DequantizeLinear": others.dequantized,
    "Gather": parts.gather,
    "Gemm": products.gemm,
    "MatMul": products.matmul,
    "Relu": others.relu,
    "Transpose": others.transpose,
}
_LISTED = "`--layers` writes every layer with its sizes and no graph"


def import_graph(
    graph: OnnxGraph, source: str, name: str, listed: bool = False
) -> tuple[Imported, tuple[Diagnostic, ...]]:
    """The network that a graph computes, and warnings. listed: layers with their sizes and no graph.

    Raises SpecError with all nodes that have no meaning in a network (Q0971).
    """
    b = Builder(graph, listed, Names())
    b.uses.update(n for node in graph.nodes for n in node.inputs)
    b.uses.update(graph.outputs)
    for constant in graph.constants:
        b.values[constant] = Constant(constant, graph.bits.get(constant))
    for given in graph.inputs:
        view = b.input(b.names.free(given), graph.shapes[given])
        b.inputs.append(view.source)
        b.define(given, view)
    for node in graph.nodes:
        _take(b, node)
    try:
        parts.check(b)
    except NotExpressible as reason:
        b.findings.append(no_meaning(source, str(reason), *([] if b.listed else [_LISTED])))
    if any(f.severity == "error" for f in b.findings):
        raise SpecError(b.findings)
    return _network(b, source, name), tuple(b.findings)


def _take(b: Builder, node: Node) -> None:
    values = [b.values[n] for n in node.inputs if n]
    if node.op in ("Shape", "Size") or all(isinstance(v, Constant) for v in values):
        for name in node.outputs:
            b.values.setdefault(name, _constant(b, node))
        return
    b.values.update(dict.fromkeys(node.outputs))
    if any(v is None for v in values):
        return  # what it reads has been reported
    try:
        HANDLERS.get(node.op, _unknown)(b, node)
    except NotExpressible as reason:
        _refuse(b, node, str(reason))


def _constant(b: Builder, node: Node) -> Constant:
    """Computed from constants: weights that are quantized or transposed keep their name."""
    first = b.values.get(node.inputs[0]) if node.inputs else None
    if not isinstance(first, Constant):
        return Constant("")
    quantizes = node.op in (*QUANTIZERS, "QuantizeLinear")
    keeps = node.op in ("DequantizeLinear", "Identity", "Reshape", "Transpose")
    return Constant(first.origin, others.width(b, node) if quantizes else first.bits if keeps else None)


def _unknown(b: Builder, node: Node) -> None:
    raise NotExpressible(f"`{node.op}` is not known")


def _refuse(b: Builder, node: Node, reason: str) -> None:
    """Reports a node. In a list of layers one that only moves values is a warning: what follows has its shape."""
    moves = node.op in (*_MOVES, "Concat", "Gather", "Reshape")
    known = all(n in b.graph.shapes for n in node.outputs if n)
    if not (b.listed and moves and known):
        b.findings.append(no_meaning(str(node), reason, *([] if b.listed or not moves else [_LISTED])))
    else:
        b.findings.append(left_out(str(node), reason))
        b.remarks.append(f"{node}: {reason}.")
        for name in filter(None, node.outputs):
            b.define(name, b.input("", b.graph.shapes[name]))


def _network(b: Builder, source: str, name: str) -> Imported:
    read = {a for layer in b.layers for r in layer.reads for a in r.source.all()}
    inputs = [a for a in b.inputs if a in read]
    outputs: dict[Activation, View] = {}
    for out in b.graph.outputs:
        view = b.values.get(out)
        if isinstance(view, View) and any(a.layer for a in view.source.all()):
            outputs.setdefault(view.source, view)
    if not b.layers:
        raise not_readable(source, "none of its nodes has multiply-accumulates")
    if not (outputs or b.listed):
        raise not_readable(source, "none of its outputs is that of a layer")
    batches = Counter(a.dims[0].leaves()[0].size for a in inputs if a.dims)
    if len(batches) > 1 and not b.listed:
        raise not_readable(source, "its inputs begin with axes of different sizes", _LISTED)
    return Imported(
        name,
        source,
        tuple(inputs),
        tuple(b.layers),
        tuple(outputs),
        next(iter(batches), 1),
        next((v.bits for v in outputs.values() if v.bits), None),
        b.listed,
        (*b.graph.remarks, *b.remarks),
    )
