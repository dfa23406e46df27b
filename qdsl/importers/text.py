"""Imported layers as a spec that a person reads: operators, then the network, one statement per layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from qdsl.importers.graph import Activation, Axis, Layer, index_of
from qdsl.importers.sizes import Dim, leaves
from qdsl.syntax import format_source


@dataclass(frozen=True)
class Imported:
    """A network as it was read. source: what it was read from. listed: whether its layers stand without a graph.

    remarks: what a reader must know of the whole. left_out: nodes without multiply-accumulates in front of the first layer.
    """

    name: str
    source: str
    inputs: tuple[Activation, ...]
    layers: tuple[Layer, ...]
    outputs: tuple[Activation, ...]
    batch: int
    output_bits: int | None = None
    listed: bool = False
    remarks: tuple[str, ...] = ()


@dataclass
class _Operators:
    """The operators of a network: equal rules share one, others of the same name are numbered."""

    texts: dict[str, str] = field(default_factory=dict)  # of each rule without its name, the name
    names: set[str] = field(default_factory=set)

    def name(self, layer: Layer, letters: dict[Dim, str]) -> str:
        body = _rule(layer, letters)
        if body not in self.texts:
            n, name = 1, layer.operator
            while name in self.names:
                n += 1
                name = f"{layer.operator}_{n}"
            self.names.add(name)
            self.texts[body] = name
        return self.texts[body]

    def declarations(self) -> Iterator[str]:
        yield from (f"operator {name}{body}" for body, name in self.texts.items())


def network_text(network: Imported) -> str:
    """A formatted spec."""
    operators = _Operators()
    statements = [_statement(x, operators, network.listed) for x in network.layers]
    lines = [f"// Imported from {network.source}. Bias, and nodes named after `then`, are not counted."]
    lines += [f"// {remark}" for remark in network.remarks]
    lines += ["", *(f"{d}\n" for d in operators.declarations()), f"network {network.name} {{"]
    if not network.listed:
        if network.batch != 1:
            lines.append(f"batch {network.batch}")
        lines += [_input(x) for x in network.inputs]
    lines += statements
    if not network.listed:
        lines += [f"output {x.name}" for x in network.outputs]
    lines += ["}", *_precision(network)]
    return format_source("\n".join(lines) + "\n")


def _input(activation: Activation) -> str:
    return f"input {activation.name}: {' x '.join(str(d.size) for d in leaves(activation.dims)[1:])}"


def _letters(layer: Layer) -> dict[Dim, str]:
    """A name for each dimension: its letter, numbered where several have it."""
    dims = leaves(layer.dims)
    alike = Counter(d.letter for d in dims)
    seen: Counter[str] = Counter()
    names = {}
    for d in dims:
        seen[d.letter] += 1
        names[d] = f"{d.letter}{seen[d.letter]}" if alike[d.letter] > 1 else d.letter
    return names


def _rule(layer: Layer, letters: dict[Dim, str]) -> str:
    """The declaration of an operator without its name."""
    parameters = ", ".join(f"{p} = 1" for p in layer.parameters)
    factors = [f"{t}{_index(r.index(), letters)}" for t, r in zip(("I", "W"), layer.reads, strict=False)]
    if layer.weights:
        factors.append(f"W{_index(index_of(layer.weights), letters)}")
    rule = f"O{_index(index_of(layer.output), letters)} {layer.combined} {f' {layer.joined} '.join(factors)}"
    weights = ["weights W"] if layer.weights else []
    body = "\n".join([f"dims {', '.join(letters.values())}", *weights, rule])
    return f"{f'({parameters})' if parameters else ''} {{\n{body}\n}}"


def _index(axes: Iterable[Axis], letters: dict[Dim, str]) -> str:
    def text(axis: Axis) -> str:
        names = ((t.coefficient, letters[t.dim].lower()) for t in axis)
        return " + ".join(f"{c}*{n}" if c else n for c, n in names)

    return f"[{', '.join(map(text, axes))}]"


def _statement(layer: Layer, operators: _Operators, listed: bool) -> str:
    letters = _letters(layer)
    sizes = leaves(layer.dims) if listed else layer.given()
    named = {letters[d]: d.size for d in sizes}
    named.update({p: n for p, n in layer.parameters.items() if n != 1})
    if not listed:
        named.update(_padding(layer, letters))
    read = [] if listed else [r.source.name for r in layer.reads]
    arguments = ", ".join([*read, *(f"{n} = {v}" for n, v in named.items())])
    call = f"{operators.name(layer, letters)}({arguments})"
    kind = "layer " if listed else ""
    return f"{kind}{layer.name} = {call}{f' {layer.function}' if layer.function else ''} // {_remark(layer)}"


def _padding(layer: Layer, letters: dict[Dim, str]) -> dict[str, int]:
    if len(set(layer.padding.values())) == 1:
        (same,) = set(layer.padding.values())
        return {"pad": same} if same else {}
    return {f"pad_{letters[d]}": n for d, n in layer.padding.items() if n}


def _remark(layer: Layer) -> str:
    bits = [f"weights {layer.weight_bits} bit"] if layer.weight_bits else []
    activations = {r.bits for r in layer.reads if r.bits}
    bits += [f"activations {max(activations)} bit"] if activations else []
    then = f", then {', '.join(layer.passed)}" if layer.passed else ""
    return f"{layer.node}{then}{': ' if bits else ''}{', '.join(bits)}"


def _precision(network: Imported) -> Iterator[str]:
    """The widths to which the network is quantized, as the statements of a study."""
    widths = {x.name: (x.weight_bits, max((r.bits for r in x.reads if r.bits), default=None)) for x in network.layers}
    known = {name: (w, a) for name, (w, a) in widths.items() if w or a}
    if not known:
        return
    yield "\n// Its widths, for a study of it:\n//   precision {"
    for kind, found in zip(("weights", "activations"), zip(*known.values(), strict=True), strict=True):
        if some := sorted({bits for bits in found if bits}):
            yield f"//     {kind} in {{{', '.join(map(str, some))}}} per layer"
    if network.output_bits:
        yield f"//     output {network.output_bits} bit"
    for name, (w, a) in known.items():
        fixed = [f"{kind} = {bits}" for kind, bits in (("weights", w), ("activations", a)) if bits]
        yield f"//     layer {name}: {', '.join(fixed)}"
    yield "//   }"
