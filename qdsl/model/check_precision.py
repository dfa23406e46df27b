"""Bit-width options become independent variables: which tensors share one follows from the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from qdsl.diagnostics import Label, Sink, Span
from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.check_mapping import BITS_LIMIT, find_layers
from qdsl.model.expressions import number, values_of
from qdsl.model.findings import collecting, fail, hand_on
from qdsl.model.network import Layer, Network
from qdsl.model.precision import PrecisionSpace, WidthVariable
from qdsl.model.units import BITS, COUNT, whole
from qdsl.syntax.tree import LayerWidths, OutputWidth, PrecisionBlock, SplitLayer, WidthRule

GRANULARITIES = ("layer", "network", "channel")
_EXAMPLES = {"weights": "weights in {2..8} per layer", "activations": "activations in {2..8} per layer"}


def check_precision(
    block: PrecisionBlock, network: Network, accelerator: Accelerator, sink: Sink
) -> PrecisionSpace | None:
    """The space of bit-widths of a study; None if errors were found. network: with split layers replaced by their groups."""
    found = Sink()
    rules: dict[str, WidthRule] = {}
    options: dict[str, tuple[int, ...]] = {}
    for stmt in block.statements:
        with collecting(found):
            if isinstance(stmt, WidthRule):
                first = rules.setdefault(stmt.role, stmt)
                _check_rule(stmt, first)
                options[stmt.role] = _options(stmt, network, accelerator)
    output = 0
    with collecting(found):
        output = _output(block, network, accelerator)
    for role, example in _EXAMPLES.items():
        with collecting(found):
            if role not in rules:
                text = f"`precision` does not say which widths {role} may have"
                fail("Q0804", text, block.span, helps=[f"add `{example}`"])
    if found.errors:
        hand_on(found, sink)
        return None
    graph = _Graph(network, frozenset(role for role, rule in rules.items() if rule.granularity.name == "network"))
    graph.number_variables()
    groups = ((x.name, x.group) for x in network.layers if x.group)
    fixed = _Fixed({graph.weights[name]: (group.bits, group.span) for name, group in groups if group.bits is not None})
    for stmt in block.statements:
        with collecting(found):
            if isinstance(stmt, LayerWidths | SplitLayer):
                _check_shared(stmt, graph.shared, rules)
            if isinstance(stmt, LayerWidths):
                fixed.add(stmt, network, accelerator, graph)
    variables = []
    for i, variable in enumerate(graph.variables):
        value, span = fixed.values.get(i, (None, rules[variable.role].span))
        chosen = options[variable.role] if value is None else (value,)
        variables.append(replace(variable, options=chosen, span=span))
    return PrecisionSpace(tuple(variables), graph.assignment(), output) if hand_on(found, sink) else None


def precision_space(network: Network, bits: Mapping[str, Mapping[str, int]], output_bits: int) -> PrecisionSpace:
    """The space in which every width is given. bits: layer -> tensor -> width, one for all tensors of a variable; network: with
    split layers replaced by their groups."""
    graph = _Graph(network)
    graph.number_variables()
    assignment = graph.assignment()
    given = {i: bits[layer][tensor] for layer, tensors in assignment for tensor, i in tensors if i is not None}
    variables = tuple(replace(v, options=(given[i],)) for i, v in enumerate(graph.variables))
    return PrecisionSpace(variables, assignment, output_bits)


@dataclass
class _Graph:
    """Gives every tensor of every layer its variable. shared: roles whose tensors have the same one in all layers. reads: per
    layer (tensor, what the activation that it reads is stored as)."""

    network: Network
    shared: frozenset[str] = frozenset()
    variables: list[WidthVariable] = field(default_factory=list)
    weights: dict[str, int] = field(default_factory=dict)  # layer -> variable of its weights
    outside: dict[str, int] = field(default_factory=dict)  # layer outside the graph -> variable of what it reads
    reads: dict[str, list[tuple[str, str]]] = field(init=False)
    activations: dict[str, int] = field(default_factory=dict)  # what an activation is stored as -> variable

    def __post_init__(self) -> None:
        stored = self.network.stored_as
        self.reads = {x.name: [(t, stored[a]) for t, a in x.inputs] for x in self.network.layers}

    def number_variables(self) -> None:
        """Variables in layer order, activations before weights."""
        readers: dict[str, list[str]] = {}
        for layer in self.network.layers:
            for activation in dict.fromkeys(a for _, a in self.reads[layer.name] if layer.has_weights):
                readers.setdefault(activation, []).append(layer.name)
        for layer in self.network.layers:
            if not layer.inputs:
                # Nothing in the graph says how wide the inputs of a `layer` with given sizes are: it decides itself.
                if layer.output not in self.outside:
                    groups = [x.name for x in self.network.writers(layer.output)]
                    variable = self._variable(f"{layer.output}.activations", "activations", groups)
                    self.outside[layer.output] = variable
            elif layer.has_weights:
                several = len({a for _, a in self.reads[layer.name]}) > 1
                for tensor, activation in self.reads[layer.name]:
                    if activation not in self.activations:
                        name = f"{layer.output}.activations" + (f".{tensor}" if several else "")
                        self.activations[activation] = self._variable(name, "activations", readers[activation])
            if layer.has_weights:
                self.weights[layer.name] = self._variable(f"{layer.name}.weights", "weights", [layer.name])

    def assignment(self) -> tuple[tuple[str, tuple[tuple[str, int | None], ...]], ...]:
        """Per layer the variable of each tensor; None: the width of the network's outputs."""
        widths = self._activation_widths()
        out = []
        for layer in self.network.layers:
            inputs = dict(self.reads[layer.name])
            pairs: list[tuple[str, int | None]] = []
            for t in layer.problem.operator.tensors:
                if t.is_output:
                    pairs.append((t.name, widths.get(self._stored(layer.output))))
                elif t.is_weight:
                    pairs.append((t.name, self.weights[layer.name]))
                else:
                    read = widths[inputs[t.name]] if t.name in inputs else self.outside[layer.output]
                    pairs.append((t.name, read))
            out.append((layer.name, tuple(pairs)))
        return tuple(out)

    def _activation_widths(self) -> dict[str, int | None]:
        """What is stored as one has the width its readers with weights chose; else that of its first reader's result."""
        first_reader: dict[str, str] = {}
        for layer in self.network.layers:
            for _, activation in self.reads[layer.name]:
                first_reader.setdefault(activation, self._stored(layer.output))
        widths: dict[str, int | None] = {}
        for a in self.network.activations:
            # followed to a width; a circle, which concatenations can close, has that of the network's outputs
            name, passed = self._stored(a.name), set()
            while name not in self.activations and name in first_reader and name not in passed:
                passed.add(name)
                name = first_reader[name]
            widths[self._stored(a.name)] = self.activations.get(name)
        return widths

    def _stored(self, activation: str) -> str:
        return self.network.stored_as.get(activation, activation)

    def _variable(self, name: str, role: str, layers: Sequence[str]) -> int:
        if role in self.shared:
            name = f"{self.network.layer(layers[0]).network or self.network.name}.{role}"
            for i, known in enumerate(self.variables):
                if known.name == name:
                    self.variables[i] = replace(known, layers=tuple(dict.fromkeys((*known.layers, *layers))))
                    return i
        self.variables.append(WidthVariable(name, role, tuple(layers), (1,)))
        return len(self.variables) - 1

    def of(self, layers: tuple[Layer, ...], role: str) -> tuple[int, ...]:
        """The variables that `layer X: role = ...` fixes. layers: X, or the groups it is split into; they read the same."""
        first = layers[0]
        if role == "weights":
            return tuple(self.weights[x.name] for x in layers if x.has_weights)
        if not first.inputs:
            return (self.outside[first.output],)
        return tuple({self.activations[a] for _, a in self.reads[first.name] if first.has_weights})


@dataclass
class _Fixed:
    """Widths fixed by `layer X: ...` and `split X: ...` statements, per variable."""

    values: dict[int, tuple[int | None, Span | None]]

    def add(self, stmt: LayerWidths, network: Network, accelerator: Accelerator, graph: _Graph) -> None:
        layers = find_layers(network, stmt.layer, stmt.layer.parts)
        for term in stmt.terms:
            variables = graph.of(layers, term.role)
            if not variables:
                text = f"layer `{stmt.layer.dotted}` has no weights, so it has no width of its own"
                fail("Q0805", text, stmt.layer.span, helps=["fix the layers with weights that it feeds or is fed by"])
            q = number(term.value, {}, f"the width of {term.role}", f"{term.role} = 8", COUNT, BITS)
            bits = whole(q, term.value.span, f"the width of {term.role} in bits", 1, BITS_LIMIT)
            check_fit((bits,), term.role, network, accelerator, term.span)
            for variable in variables:
                old, span = self.values.get(variable, (bits, term.span))
                if variable in self.values:
                    labels = [Label(span, f"{old} bits here")] if span else []
                    text = f"the {term.role} of `{stmt.layer.dotted}` are fixed twice"
                    shared = ["layers that read the same activation share its width"]
                    notes = shared if term.role == "activations" else []
                    fail("Q0805", text, term.span, label=f"{bits} bits here", labels=labels, notes=notes)
                self.values[variable] = (bits, term.span)


def _check_rule(stmt: WidthRule, first: WidthRule) -> None:
    if first is not stmt:
        text = f"`{stmt.role}` has two sets of widths"
        fail("Q0503", text, stmt.span, labels=[Label(first.span, "first one")], helps=["keep one of them"])
    if stmt.granularity.name not in GRANULARITIES:
        text = f"widths per {stmt.granularity.name} are not supported"
        helps = ["write `per layer`, `per network` or `per channel(groups = 4)`"]
        fail("Q0806", text, stmt.granularity.span, helps=helps)
    if stmt.granularity.name == "channel" and stmt.role != "weights":
        fail("Q0806", "only weights have widths per channel", stmt.granularity.span, helps=["write `per layer`"])
    if stmt.arguments and stmt.granularity.name != "channel":
        fail("Q0204", f"`per {stmt.granularity.name}` has no arguments", stmt.arguments[0].span)


def _check_shared(stmt: LayerWidths | SplitLayer, shared: frozenset[str], rules: Mapping[str, WidthRule]) -> None:
    """Raises SpecError for a width of a layer where all layers have the same."""
    roles = [term.role for term in stmt.terms] if isinstance(stmt, LayerWidths) else ["weights"]
    if role := next((r for r in roles if r in shared), None):
        labels = [Label(rules[role].span, "chosen once for all layers")]
        text = f"`{stmt.layer.dotted}` cannot have {role} of its own width"
        fail("Q0806", text, stmt.span, labels=labels, helps=[f"choose {role} `per layer`"])


def _options(stmt: WidthRule, network: Network, accelerator: Accelerator) -> tuple[int, ...]:
    options = values_of(
        stmt.options, f"a width of {stmt.role} in bits", _EXAMPLES[stmt.role], 1, BITS_LIMIT, COUNT, BITS
    )
    check_fit(options, stmt.role, network, accelerator, stmt.options.span)
    return options


def _output(block: PrecisionBlock, network: Network, accelerator: Accelerator) -> int:
    stmts = [s for s in block.statements if isinstance(s, OutputWidth)]
    if not stmts:
        text = "`precision` does not say how wide the outputs of the network are"
        fail("Q0804", text, block.span, helps=["add `output 8 bit`"])
    if len(stmts) > 1:
        fail("Q0503", "`output` is given twice", stmts[1].span, labels=[Label(stmts[0].span, "first one")])
    q = number(stmts[0].value, {}, "the output width", "output 8 bit", BITS, COUNT)
    bits = whole(q, stmts[0].value.span, "the output width in bits", 1, BITS_LIMIT)
    check_fit((bits,), "output", network, accelerator, stmts[0].value.span)
    return bits


def check_fit(options: tuple[int, ...], role: str, network: Network, accelerator: Accelerator, span: Span) -> None:
    """Raises SpecError if an option is wider than the words of a level that keeps such a tensor."""
    found = _narrowest(role, network, accelerator)
    if found is None or options[-1] <= found[0].word_bits:
        return
    level, tensor = found
    fitting = [o for o in options if o <= level.word_bits]
    helps = f"options that fit: `{{{_listed(fitting)}}}`" if fitting else f"at most {level.word_bits} bits fit"
    labels = [Label(level.span, f"keeps `{tensor}` in words of {level.word_bits} bits")] if level.span else []
    text = f"{options[-1]} bits do not fit a word of `{level.name}`"
    fail("Q0804", text, span, label="too wide", labels=labels, helps=[helps])


def _listed(options: Sequence[int]) -> str:
    """`2..8` or `4, 8`."""
    if len(options) > 2 and options[-1] - options[0] == len(options) - 1:
        return f"{options[0]}..{options[-1]}"
    return ", ".join(map(str, options))


def _narrowest(role: str, network: Network, accelerator: Accelerator) -> tuple[StorageLevel, str] | None:
    """The level with the narrowest words among those that keep a tensor of the role as wide as it is, in whole words, and
    that tensor."""
    tensors = dict.fromkeys(
        t.name
        for operator in network.operators
        for t in operator.tensors
        if t.is_weight == (role == "weights") and (role != "output" or t.is_output)
    )
    keeping = [
        (level, t)
        for t in tensors
        for level in accelerator.levels
        if level.keeps(t) and not level.dense and not {t, "output"} & dict(level.stored).keys()
    ]
    return min(keeping, key=lambda pair: pair[0].word_bits, default=None)
