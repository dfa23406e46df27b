"""Growing the graph of a network: calls become layers, blocks are expanded, bindings are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from qdsl.diagnostics import Diagnostic, Label, Span, SpecError
from qdsl.model.check_operator import OperatorTemplate, parameter_value
from qdsl.model.expressions import Value, as_activation, as_truth, evaluate, kind, split_arguments
from qdsl.model.findings import fail, lookup, quoted, skip, unknown, whole_name
from qdsl.model.network import Activation, Layer, concatenation
from qdsl.model.operator import Operator, Problem, Tensor
from qdsl.model.shapes import Padding, derive_problem, shape_text
from qdsl.model.units import COUNT, Quantity, whole
from qdsl.syntax.tree import Binding, BlockDecl, Call, Conditional, Expr, Ident, YieldStmt

CONCAT = "concat"
FUNCTIONS = ("relu", "relu6")
LAYER_LIMIT = 4096
BLOCK_DEPTH_LIMIT = 32

Operators = Mapping[str, OperatorTemplate | None]


@dataclass
class Frame:
    """The names that one list of statements sees. prefix: of the layers made there; reserved: names of its bindings."""

    prefix: str
    names: dict[str, Value | None]
    reserved: frozenset[str]
    first: bool | None = None  # inside a `repeat`: whether this is its first iteration


@dataclass
class Graph:
    """The layers and activations made so far. blocks: None for one that was reported as wrong."""

    network: Ident
    operators: Operators
    blocks: dict[str, BlockDecl | None] = field(default_factory=dict)
    layers: list[Layer] = field(default_factory=list)
    activations: dict[str, Activation] = field(default_factory=dict)
    used_blocks: set[str] = field(default_factory=set)
    taken: set[str] = field(default_factory=set)  # names of layers and of block instances
    open_blocks: list[str] = field(default_factory=list)
    problems: dict[object, Problem] = field(default_factory=dict)
    calls: int = 0

    def bind(self, stmt: Binding, frame: Frame) -> None:
        name = stmt.name.name
        frame.names[name] = None
        if stmt.count is None:
            frame.names[name] = self.value(stmt.value, frame, name)
            return
        if not isinstance(stmt.value, Call):
            helps = ["for example `repeat 3 as b = block(x, 64)`"]
            fail("Q0418", "`repeat` needs a call of an operator or block", stmt.value.span, helps=helps)
        positional, _ = split_arguments(stmt.value.arguments)
        if not positional:
            text = "`repeat` chains the first argument, and this call has none without a name"
            fail("Q0418", text, stmt.value.span, helps=["give the activation of the first iteration"])
        count = evaluate(stmt.count, frame.names)
        if not isinstance(count, Quantity) or count.dimension != COUNT:
            fail("Q0307", "`repeat` needs a number", stmt.count.span, label=f"this is {kind(count)}")
        result: Value | None = None
        for i in range(1, whole(count, stmt.count.span, "the number of repetitions", 1, LAYER_LIMIT) + 1):
            step = replace(frame, first=i == 1)
            result = as_activation(self._call(stmt.value, step, f"{name}.{i}", result), stmt.value.span)
        frame.names[name] = result

    def value(self, expr: Expr, frame: Frame, name: str | None) -> Value:
        """The value of an expression; `name` is for the layer or block instance that the outermost call makes."""
        if isinstance(expr, Conditional):
            condition = as_truth(self.value(expr.condition, frame, None), expr.condition.span)
            return self.value(expr.then if condition else expr.otherwise, frame, name)
        if isinstance(expr, Call):
            return self._call(expr, frame, name)
        return evaluate(expr, frame.names, lambda call: self._call(call, frame, None), frame.first)

    def _call(self, call: Call, frame: Frame, name: str | None, chained: Value | None = None) -> Value:
        self.calls += 1
        if self.calls > 4 * LAYER_LIMIT or len(self.layers) > LAYER_LIMIT:
            fail("Q0415", f"network `{self.network.name}` has too many layers", self.network.span)
        function = call.function.parts[0]
        known = function.name in self.blocks or function.name in self.operators
        if not known and whole_name(call.function).name == CONCAT:
            return self._concatenation(call, frame, chained)
        if len(call.function.parts) > 1 or not known:
            helps = ["import the file that declares it"]
            names = [*self.blocks, *self.operators, CONCAT]
            unknown("operator or block", whole_name(call.function), names, helps=helps)
        if function.name in self.blocks:
            return self._instance(lookup("block", function, self.blocks), call, frame, name, chained)
        return self._layer(lookup("operator", function, self.operators), call, frame, name, chained)

    def _layer(
        self, template: OperatorTemplate, call: Call, frame: Frame, name: str | None, chained: Value | None
    ) -> Activation:
        operator, given, pads = self.arguments(call, template, frame)
        positional, _ = split_arguments(call.arguments)
        if len(positional) != len(template.activations):
            n = len(template.activations)
            text = f"`{template.name}` reads {n} activation{'s' * (n > 1)}, and {len(positional)} are given"
            fail("Q0414", text, call.span, notes=[f"it reads {quoted(template.activations)}, in this order"])
        inputs = [as_activation(v, s) for v, s in self._positional(positional, frame, chained)]
        reads = [(operator.tensor(t), a) for t, a in zip(template.activations, inputs, strict=True)]
        padding = _padding(template, pads, call.span)
        problem = self._problem(operator, given, reads, padding, call.span)
        function = function_of(call)
        name = self._full_name(name or self._free_name(template.name, frame), frame, call.span)
        pairs = tuple((t.name, a.name) for t, a in reads)
        self.layers.append(Layer(name, problem, pairs, function, padding, call.span))
        self.activations[name] = Activation(name, problem.shape(operator.output), name)
        return self.activations[name]

    def _concatenation(self, call: Call, frame: Frame, chained: Value | None) -> Activation:
        """`concat(a, b)`: activations behind one another along the channels."""
        positional, named = split_arguments(call.arguments)
        if named:
            fail("Q0204", f"`{CONCAT}` has activations and no other arguments", next(iter(named.values()))[0].span)
        if call.activation is not None:
            helps = ["write it after the layers whose results are joined"]
            fail("Q0417", f"`{CONCAT}` computes nothing", call.activation.span, label="not allowed here", helps=helps)
        if len(positional) < 2:
            fail("Q0414", f"`{CONCAT}` joins two or more activations, and {len(positional)} are given", call.span)
        given = [as_activation(v, s) for v, s in self._positional(positional, frame, chained)]
        for a in given:
            if len(a.shape) < 2:
                fail("Q0413", f"`{a.name}` has no channels", call.span, notes=[shape_text(a)])
            if (a.shape[0], *a.shape[2:]) != (given[0].shape[0], *given[0].shape[2:]):
                notes = [shape_text(given[0]), shape_text(a), "all axes but the channels must agree"]
                fail("Q0410", "the joined activations have different sizes", call.span, notes=notes)
        made = concatenation(given)
        return self.activations.setdefault(made.name, made)

    def _problem(
        self,
        operator: Operator,
        given: dict[str, int],
        reads: list[tuple[Tensor, Activation]],
        padding: Padding,
        span: Span,
    ) -> Problem:
        """Derived once for all layers that are alike. Equal parameters make one operator, so its identity is enough."""
        key = (id(operator), tuple(given.items()), tuple(a.shape for _, a in reads), padding)
        if key not in self.problems:
            self.problems[key] = derive_problem(operator, given, reads, padding, span)
        return self.problems[key]

    def _instance(
        self, block: BlockDecl, call: Call, frame: Frame, name: str | None, chained: Value | None
    ) -> Activation:
        """Expands a block; findings in its body also point at the call."""
        self.used_blocks.add(block.name.name)
        if call.activation is not None:
            text, helps = "a block has no activation function", ["write it after a layer of the block"]
            fail("Q0417", text, call.activation.span, label="not allowed here", helps=helps)
        if block.name.name in self.open_blocks or len(self.open_blocks) >= BLOCK_DEPTH_LIMIT:
            chain = " -> ".join((*self.open_blocks, block.name.name))
            text = f"block `{block.name.name}` contains itself"
            if block.name.name not in self.open_blocks:
                text = f"blocks are nested more than {BLOCK_DEPTH_LIMIT} deep"
            fail("Q0415", text, call.function.span, notes=[chain])
        names = self._block_arguments(block, call, frame, chained)
        name = self._full_name(name or self._free_name(block.name.name, frame), frame, call.span)
        reserved = frozenset({*names, *(s.name.name for s in block.statements if isinstance(s, Binding))})
        inner = Frame(f"{name}.", names, reserved)
        self.open_blocks.append(block.name.name)
        try:
            for stmt in block.statements:
                if isinstance(stmt, YieldStmt):
                    return as_activation(self.value(stmt.value, inner, None), stmt.value.span)
                self.bind(stmt, inner)
        except SpecError as error:
            # One instance shows what is wrong; the others would say the same.
            self.blocks[block.name.name] = None
            label = Label(call.span, f"in the instance `{name}`")
            raise SpecError([_labelled(d, label) for d in error.diagnostics]) from None
        finally:
            self.open_blocks.pop()
        skip()

    def _block_arguments(
        self, block: BlockDecl, call: Call, frame: Frame, chained: Value | None
    ) -> dict[str, Value | None]:
        positional, named = split_arguments(call.arguments)
        parameters = [p.name.name for p in block.parameters]
        if len(positional) > len(parameters):
            text = f"block `{block.name.name}` has {len(parameters)} parameters, and {len(positional)} are given"
            fail("Q0204", text, positional[len(parameters)].span)
        names: dict[str, Value | None] = {}
        for name, (value, _) in zip(parameters, self._positional(positional, frame, chained), strict=False):
            names[name] = value
        for name, (ident, expr) in named.items():
            if name not in parameters:
                unknown("parameter", ident, parameters, of=block.name)
            if name in names:
                fail("Q0204", f"the argument `{name}` is given twice", ident.span)
            names[name] = self.value(expr, frame, None)
        for p in block.parameters:
            if p.name.name not in names:
                if p.default is None:
                    helps = [f"add `{p.name.name} = ...`"]
                    text = f"block `{block.name.name}` needs the argument `{p.name.name}`"
                    fail("Q0205", text, call.span, labels=[Label(p.span, "declared here")], helps=helps)
                names[p.name.name] = evaluate(p.default, names)
        return names

    def _positional(self, positional: Sequence[Expr], frame: Frame, chained: Value | None) -> list[tuple[Value, Span]]:
        """Values of positional arguments; in later iterations of a `repeat` the first one is the previous result."""
        values = [(chained, positional[0].span)] if chained is not None else []
        return values + [(self.value(e, frame, None), e.span) for e in positional[len(values) :]]

    def arguments(
        self, call: Call, template: OperatorTemplate, frame: Frame
    ) -> tuple[Operator, dict[str, int], dict[str, int]]:
        """The operator with its parameters, the sizes that are given, and what is given for `pad` and `pad_P`."""
        _, named = split_arguments(call.arguments)
        parameters: dict[str, int] = {}
        sizes: dict[str, int] = {}
        pads: dict[str, int] = {}
        known = [*template.parameters, *template.dims, *template.pads]
        for name, (ident, expr) in named.items():
            if name not in known:
                if name in template.tensors:
                    text = f"`{name}` is a tensor of `{template.name}`"
                    fail("Q0204", text, ident.span, helps=["give activations first, without names"])
                unknown("argument", ident, known, of=template.decl.name)
            q = self._count(expr, frame, name)
            if name in template.parameters:
                parameters[name] = parameter_value(q, expr.span, name)
            elif name in template.dims:
                sizes[name] = whole(q, expr.span, f"`{name}`")
            else:
                pads[name] = whole(q, expr.span, f"`{name}`", 0, 2**20)
        return template.bind(parameters, call.span), sizes, pads

    def _count(self, expr: Expr, frame: Frame, name: str) -> Quantity:
        value = self.value(expr, frame, None)
        if not isinstance(value, Quantity) or value.dimension != COUNT:
            fail("Q0307", f"`{name}` needs a plain number", expr.span, label=f"this is {kind(value)}")
        return value

    def _full_name(self, name: str, frame: Frame, span: Span) -> str:
        self.take(frame.prefix + name, span)
        return frame.prefix + name

    def _free_name(self, base: str, frame: Frame) -> str:
        """The first of `mean`, `mean_2`, `mean_3`, ... that nothing else has."""
        n, name = 1, base
        while name in frame.reserved or frame.prefix + name in self.taken:
            n += 1
            name = f"{base}_{n}"
        return name

    def take(self, name: str, span: Span) -> None:
        if name in self.taken:
            fail("Q0202", f"there are two layers named `{name}`", span, helps=["rename one of them"])
        self.taken.add(name)


def function_of(call: Call) -> str:
    """The activation function after a layer, '' for none. Raises SpecError for one that is not known."""
    if call.activation is None:
        return ""
    if call.activation.name not in FUNCTIONS:
        unknown("activation function", call.activation, FUNCTIONS)
    return call.activation.name


def _padding(template: OperatorTemplate, pads: Mapping[str, int], span: Span) -> Padding:
    """`pad` of every axis with a window, unless that axis has one of its own."""
    if pads and not template.windows:
        fail("Q0204", f"`{template.name}` has no window to pad", span, helps=["remove `pad`"])
    found = ((d, pads.get(f"pad_{d}", pads.get("pad", 0))) for d in template.windows)
    return tuple((d, n) for d, n in found if n)


def _labelled(diagnostic: Diagnostic, label: Label) -> Diagnostic:
    return replace(diagnostic, labels=(*diagnostic.labels, label))
