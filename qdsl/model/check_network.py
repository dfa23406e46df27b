"""Networks: the statements of a network in order, and what must hold of the whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qdsl.diagnostics import Sink
from qdsl.model.expressions import as_activation, number, split_arguments
from qdsl.model.findings import (
    collecting,
    distinct,
    fail,
    hand_on,
    lookup,
    quoted,
    skip,
    text_of,
    warn,
    warning,
    whole_name,
)
from qdsl.model.graph import Frame, Graph, Operators, function_of
from qdsl.model.network import Activation, Layer, Network
from qdsl.model.shapes import derive_problem
from qdsl.model.statements import Statements
from qdsl.model.units import whole
from qdsl.syntax.tree import BatchStmt, Binding, BlockDecl, InputStmt, LayerStmt, NetworkDecl, OutputStmt, YieldStmt


def check_network(decl: NetworkDecl, operators: Operators, sink: Sink) -> Network | None:
    """The network with all layers, in topological order, and their sizes; None if errors were found."""
    found = Sink()
    network = None
    with collecting(found):
        network = _build(decl, Graph(decl.name, operators), found)
    return network if hand_on(found, sink) else None


def _build(decl: NetworkDecl, graph: Graph, sink: Sink) -> Network:
    items = decl.items
    with collecting(sink):
        distinct("name", (i.name for i in items if isinstance(i, InputStmt | Binding | LayerStmt | BlockDecl)))
    for block in (i for i in items if isinstance(i, BlockDecl)):
        graph.blocks.setdefault(block.name.name, None)
        with collecting(sink):
            _check_block(block, graph.operators)
            graph.blocks[block.name.name] = block
    bindings = frozenset(i.name.name for i in items if isinstance(i, InputStmt | Binding | LayerStmt))
    frame = Frame("", {}, bindings)
    batch = 1
    with collecting(sink):
        batch = _batch(decl)
    outputs: list[str] = []
    failed = False
    for item in items:
        with (statement := collecting(sink)):
            match item:
                case InputStmt():
                    frame.names[item.name.name] = None
                    frame.names[item.name.name] = _input(item, batch, graph)
                case Binding():
                    graph.bind(item, frame)
                case LayerStmt():
                    _free_layer(item, graph)
                case OutputStmt():
                    outputs.append(_output(item, frame, outputs, graph))
        failed |= statement.failed
    if failed or sink.errors:
        skip()  # a network without the layers that are wrong says nothing
    _check_whole(decl, graph, outputs, sink)
    activations = tuple(_activations(graph, outputs))
    return Network(decl.name.name, tuple(graph.layers), activations, tuple(outputs), decl.name.span)


def _activations(graph: Graph, outputs: Sequence[str]) -> Iterator[Activation]:
    """Those of inputs and layers as they were made, then the concatenations that are read, each after its parts."""
    used = [a for layer in graph.layers for _, a in layer.inputs] + list(outputs)
    joined: dict[str, Activation] = {}

    def use(name: str) -> None:
        if name not in joined and (parts := graph.activations[name].parts):
            for part in parts:
                use(part)
            joined[name] = graph.activations[name]

    for name in used:
        use(name)
    yield from (a for a in graph.activations.values() if not a.parts)
    yield from joined.values()


def _batch(decl: NetworkDecl) -> int:
    items = [i for i in decl.items if isinstance(i, BatchStmt)]
    stmt = Statements(items, f"network `{decl.name.name}`", decl.name, BatchStmt).get(BatchStmt)
    return whole(number(stmt.value, {}, "`batch`", "batch 1"), stmt.value.span, "`batch`") if stmt else 1


def _input(stmt: InputStmt, batch: int, graph: Graph) -> Activation:
    what = f"an axis of `{stmt.name.name}`"
    shape = [whole(number(e, {}, what, "input image: 3 x 224 x 224"), e.span, what) for e in stmt.shape]
    graph.take(stmt.name.name, stmt.name.span)
    graph.activations[stmt.name.name] = Activation(stmt.name.name, (batch, *shape), None)
    return graph.activations[stmt.name.name]


def _free_layer(stmt: LayerStmt, graph: Graph) -> None:
    """A layer outside the graph: all of its sizes are given."""
    call = stmt.call
    template = lookup("operator", whole_name(call.function), graph.operators)
    positional, _ = split_arguments(call.arguments)
    if positional:
        text = "a `layer` stands outside the graph and reads no activation"
        sizes = [text_of(e.span) for e in positional]
        helps = [f"give the sizes of {quoted(template.dims)} by name"]
        if len(sizes) == len(template.dims):
            shown = ", ".join(f"{d} = {size}" for d, size in zip(template.dims, sizes, strict=True))
            helps = [f"write `{template.name}({shown})`"]
        fail("Q0414", text, positional[0].span, helps=helps)
    operator, given, pads = graph.arguments(call, template, Frame("", {}, frozenset()))
    if pads:
        fail("Q0204", "`pad` has no meaning for a `layer` with given sizes", call.span, helps=["remove it"])
    problem = derive_problem(operator, given, [], (), call.span)
    graph.take(stmt.name.name, stmt.name.span)
    graph.layers.append(Layer(stmt.name.name, problem, (), function_of(call), (), call.span))


def _output(stmt: OutputStmt, frame: Frame, outputs: Sequence[str], graph: Graph) -> str:
    name = as_activation(graph.value(stmt.value, frame, None), stmt.value.span).name
    if name in outputs:
        fail("Q0202", f"`{name}` is already an output", stmt.span, helps=["remove it"])
    return name


def _check_block(block: BlockDecl, operators: Operators) -> None:
    if block.name.name in operators:
        text = f"block `{block.name.name}` has the name of an operator"
        fail("Q0202", text, block.name.span, helps=["rename the block"])
    parameters = [p.name for p in block.parameters]
    distinct("name", [*parameters, *(s.name for s in block.statements if isinstance(s, Binding))])
    yields = [s for s in block.statements if isinstance(s, YieldStmt)]
    if not yields:
        text = f"block `{block.name.name}` yields nothing"
        fail("Q0416", text, block.name.span, helps=["end it with `yield NAME`"])
    if len(yields) > 1 or block.statements[-1] is not yields[0]:
        fail("Q0416", "`yield` must be the last statement of a block", yields[0].span, label="not the last one")


def _check_whole(decl: NetworkDecl, graph: Graph, outputs: Sequence[str], sink: Sink) -> None:
    """Raises SpecError for a network without layers or a graph without output; warns of what has no effect."""
    if not graph.layers:
        helps = ["for example `layer l = matmul(M = 8, N = 8, K = 8)`"]
        fail("Q0419", f"network `{decl.name.name}` has no layers", decl.name.span, helps=helps)
    connected = [layer for layer in graph.layers if layer.inputs]
    if connected and not outputs:
        helps = [f"add `output {connected[-1].name}`"]
        fail("Q0419", f"network `{decl.name.name}` has no output", decl.name.span, helps=helps)
    for name, block in graph.blocks.items():
        if block is not None and name not in graph.used_blocks:
            warn(sink, "Q0420", f"block `{name}` is not used", block.name.span, helps=["remove it"])
    for layer in {x.span: x for x in graph.layers if x.padding}.values():  # one instance of a block speaks for all
        _check_padding(layer, sink)
    read = {a for layer in graph.layers for _, a in layer.inputs} | set(outputs)
    for a in reversed(graph.activations.values()):  # concatenations come after their parts
        read.update(a.parts if a.name in read else ())
    for layer in connected:
        if layer.name not in read:
            helps = ["remove the layer or make it an output"]
            warn(sink, "Q0420", f"nothing reads the result of layer `{layer.name}`", layer.span, helps=helps)
    for stmt in decl.items:
        if isinstance(stmt, InputStmt) and stmt.name.name not in read:
            warn(sink, "Q0420", f"nothing reads the input `{stmt.name.name}`", stmt.name.span, helps=["remove it"])


def _check_padding(layer: Layer, sink: Sink) -> None:
    """Warns of outputs that see nothing but padding."""
    operator = layer.problem.operator
    for axis in (a for t in operator.inputs for a in t.axes if len(a.terms) > 1):
        sizes = [(t, layer.problem.size(t.dim)) for t in axis.terms if t.dim not in operator.output.dims]
        window = 1 + sum(t.coefficient * (size - 1) for t, size in sizes)
        if (pad := layer.padded(axis)) >= window:
            dims = quoted(t.dim for t, _ in sizes)
            text = f"`pad = {pad}` is as wide as the window of `{layer.name}`"
            note = f"the window over {dims} spans {window}; outputs at the border see zeros only"
            helps = [f"`pad = {(window - 1) // 2}` keeps the size at stride 1"] if window > 1 else ["remove `pad`"]
            sink.add(warning("Q0421", text, layer.span, notes=[note], helps=helps))
            return
