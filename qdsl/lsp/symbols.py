"""What names stand for, and what a file can name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from qdsl.diagnostics import Span
from qdsl.syntax.tree import (
    AcceleratorDecl,
    ArrayDecl,
    Binding,
    BlockDecl,
    Call,
    ComputeDecl,
    Conditional,
    ConstraintsDecl,
    Declaration,
    EngineDecl,
    Expr,
    File,
    Ident,
    InputStmt,
    LayerStmt,
    LetStmt,
    MappingDecl,
    MemoryDecl,
    NetworkDecl,
    Node,
    OperatorDecl,
    ParamDecl,
    StudyDecl,
    TableStmt,
    TechnologyDecl,
)

D = TypeVar("D", bound=Declaration)

KINDS: dict[type[Declaration], str] = {
    OperatorDecl: "operator",
    TechnologyDecl: "technology",
    EngineDecl: "engine",
    AcceleratorDecl: "accelerator",
    NetworkDecl: "network",
    ConstraintsDecl: "constraint set",
    MappingDecl: "mapping",
    StudyDecl: "study",
}


@dataclass(frozen=True, slots=True)
class Symbol:
    """What a name stands for.

    kind: one of KINDS, or 'parameter', 'entry', 'memory', 'array', 'compute', 'activation', 'layer', 'block', 'variable',
    'tensor', 'dimension'. place: file and offset of the declaration; None for tensors and dimensions, which operators share
    by name.
    """

    kind: str
    name: str
    place: tuple[str, int] | None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A name in the text. lower: it is the index of a dimension, its name in lower case."""

    span: Span
    symbol: Symbol
    declares: bool = False
    lower: bool = False


@dataclass
class Visible:
    """The declarations that a file can name, its own first."""

    declarations: dict[tuple[type, str], Declaration] = field(default_factory=dict)
    _layers: dict[str, LayerNames] = field(default_factory=dict)

    def layers(self, network: NetworkDecl) -> LayerNames:
        """Of one of the declarations."""
        return self._layers.setdefault(network.name.name, LayerNames(network))

    def get(self, kind: type[D], name: str) -> D | None:
        found = self.declarations.get((kind, name))
        return found if isinstance(found, kind) else None

    def all(self, kind: type[D]) -> Iterator[D]:
        return (d for d in self.declarations.values() if isinstance(d, kind))

    @property
    def dims(self) -> frozenset[str]:
        return frozenset(d.name for o in self.all(OperatorDecl) for d in o.dims)

    @property
    def tensors(self) -> frozenset[str]:
        return frozenset(t.name for o in self.all(OperatorDecl) for t in tensors_of(o))


def visible(trees: Iterable[File]) -> Visible:
    """trees: the file, then all that it imports."""
    found = Visible()
    for tree in trees:
        for decl in tree.declarations:
            found.declarations.setdefault((type(decl), decl.name.name), decl)
    return found


def declared(kind: str, ident: Ident) -> Symbol:
    """The symbol that a name declares where it stands."""
    return Symbol(kind, ident.name, (ident.span.source.path, ident.span.start))


def tensors_of(operator: OperatorDecl) -> list[Ident]:
    """Inputs and, last, the output, of the first rule."""
    return [a.tensor for rule in operator.rules[:1] for a in (*rule.inputs, rule.output)]


def levels_of(accelerator: AcceleratorDecl) -> dict[str, Symbol]:
    """Memories, arrays and the compute unit by name, outermost first."""
    kinds = {MemoryDecl: "memory", ArrayDecl: "array", ComputeDecl: "compute"}
    return {
        i.name.name: declared(kinds[type(i)], i.name)
        for i in accelerator.items
        if isinstance(i, MemoryDecl | ArrayDecl | ComputeDecl)
    }


def parameters_of(decl: AcceleratorDecl | EngineDecl | OperatorDecl | BlockDecl) -> dict[str, Symbol]:
    if isinstance(decl, AcceleratorDecl | EngineDecl):
        return {i.name.name: declared("parameter", i.name) for i in decl.items if isinstance(i, ParamDecl)}
    return {p.name.name: declared("parameter", p.name) for p in decl.parameters}


def defined_in(statements: Iterable[Node]) -> dict[str, Symbol]:
    """What `let` and `table` define in an engine or compute unit."""
    return {s.name.name: declared("parameter", s.name) for s in statements if isinstance(s, LetStmt | TableStmt)}


def blocks_of(network: NetworkDecl) -> dict[str, BlockDecl]:
    return {i.name.name: i for i in network.items if isinstance(i, BlockDecl)}


def bindings_of(owner: NetworkDecl | BlockDecl) -> dict[str, Symbol]:
    """Inputs, layers and whatever else is bound to a name in a network or block."""
    items = owner.items if isinstance(owner, NetworkDecl) else owner.statements
    return {
        i.name.name: declared("activation" if isinstance(i, InputStmt) else "layer", i.name)
        for i in items
        if isinstance(i, InputStmt | Binding | LayerStmt)
    }


@dataclass
class LayerNames:
    """What the parts of a layer's name stand for, worked out once for a network of many layers."""

    network: NetworkDecl

    @cached_property
    def _blocks(self) -> dict[str, BlockDecl]:
        return blocks_of(self.network)

    @cached_property
    def _bound(self) -> dict[str, tuple[dict[str, Symbol], dict[str, str]]]:
        """By block, '' for the network itself: the names bound in it, and which of them call a block."""
        owners: dict[str, NetworkDecl | BlockDecl] = {"": self.network, **self._blocks}
        return {name: (bindings_of(owner), dict(self._calls(owner))) for name, owner in owners.items()}

    def _calls(self, owner: NetworkDecl | BlockDecl) -> Iterator[tuple[str, str]]:
        for item in owner.items if isinstance(owner, NetworkDecl) else owner.statements:
            if isinstance(item, Binding):
                yield from ((item.name.name, f) for f in _called(item.value) if f in self._blocks)

    def path(self, parts: Iterable[Ident]) -> Iterator[tuple[Ident, Symbol]]:
        """The parts that are written in the network: of `b.2.e` the binding `b`, and `e` in the block it calls."""
        owner: str | None = ""
        for part in parts:
            if part.name.isdigit():
                continue
            bindings, calls = self._bound[owner] if owner is not None else ({}, {})
            if part.name not in bindings:
                return
            yield part, bindings[part.name]
            owner = calls.get(part.name)


def _called(value: Expr) -> Iterator[str]:
    """Names of what an expression may call in the end."""
    if isinstance(value, Call):
        yield value.function.dotted
    if isinstance(value, Conditional):
        yield from _called(value.then)
        yield from _called(value.otherwise)
