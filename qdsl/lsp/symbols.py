"""What names stand for, and what a file can name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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
    Expr,
    File,
    Ident,
    InputStmt,
    LayerStmt,
    MappingDecl,
    MemoryDecl,
    NetworkDecl,
    OperatorDecl,
    ParamDecl,
    StudyDecl,
    TechnologyDecl,
)

D = TypeVar("D", bound=Declaration)

KINDS: dict[type[Declaration], str] = {
    OperatorDecl: "operator",
    TechnologyDecl: "technology",
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


def parameters_of(decl: AcceleratorDecl | OperatorDecl | BlockDecl) -> dict[str, Symbol]:
    params = (
        (i for i in decl.items if isinstance(i, ParamDecl)) if isinstance(decl, AcceleratorDecl) else decl.parameters
    )
    return {p.name.name: declared("parameter", p.name) for p in params}


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


def binding(owner: NetworkDecl | BlockDecl, name: str) -> Binding | LayerStmt | None:
    items = owner.items if isinstance(owner, NetworkDecl) else owner.statements
    return next((i for i in items if isinstance(i, Binding | LayerStmt) and i.name.name == name), None)


def called(value: Expr) -> Iterator[str]:
    """Names of what an expression may call in the end."""
    if isinstance(value, Call):
        yield value.function.dotted
    if isinstance(value, Conditional):
        yield from called(value.then)
        yield from called(value.otherwise)


def path_of(network: NetworkDecl, parts: Iterable[Ident]) -> Iterator[tuple[Ident, Symbol]]:
    """What the parts of a layer's name stand for, as far as it is written in the network: of `b.2.e` the binding `b`
    and `e` in the block it calls."""
    owner: NetworkDecl | BlockDecl | None = network
    blocks: Mapping[str, BlockDecl] = blocks_of(network)
    for part in parts:
        if part.name.isdigit():
            continue
        symbol = bindings_of(owner).get(part.name) if owner else None
        if owner is None or symbol is None:
            return
        yield part, symbol
        bound = binding(owner, part.name)
        functions = called(bound.value) if isinstance(bound, Binding) else ()
        owner = next((blocks[f] for f in functions if f in blocks), None)
