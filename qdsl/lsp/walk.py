"""Collecting the names of a file: what all kinds of statements need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields

from qdsl.lsp.symbols import KINDS, Occurrence, Symbol, Visible, declared, parameters_of
from qdsl.model.check_hardware import searched_parameter
from qdsl.syntax import tree as t

_ROLES = ("weights", "activations", "output")

Names = Mapping[str, Symbol]


@dataclass
class Finder:
    """found: in any order. A name that stands for nothing known is left out, but for those of tensors and dimensions."""

    visible: Visible
    found: list[Occurrence] = field(default_factory=list)

    def declare(self, kind: str, ident: t.Ident) -> None:
        self.found.append(Occurrence(ident.span, declared(kind, ident), declares=True))

    def refer(self, ident: t.Ident, names: Names) -> None:
        if symbol := names.get(ident.name):
            self.found.append(Occurrence(ident.span, symbol))

    def to(self, kind: type[t.Declaration], ident: t.Ident) -> None:
        """A reference to a declaration of a file."""
        if decl := self.visible.get(kind, ident.name):
            self.found.append(Occurrence(ident.span, declared(KINDS[kind], decl.name)))

    def dims(self, idents: Iterable[t.Ident], declares: bool = False) -> None:
        self.found += [Occurrence(i.span, Symbol("dimension", i.name, None), declares) for i in idents]

    def tensors(self, idents: Iterable[t.Ident], declares: bool = False) -> None:
        self.found += [Occurrence(i.span, Symbol("tensor", i.name, None), declares) for i in idents]

    def machine(self, reference: t.MachineRef) -> t.AcceleratorDecl | None:
        """An accelerator with arguments; its declaration, if there is one."""
        self.to(t.AcceleratorDecl, reference.name)
        decl = self.visible.get(t.AcceleratorDecl, reference.name.name)
        if decl:
            for argument in reference.arguments:
                if name := argument.name or searched_parameter(argument):
                    self.refer(name, parameters_of(decl))
        return decl

    def layer(self, network: t.NetworkDecl | None, parts: Iterable[t.Ident]) -> None:
        """The name of a layer in a network."""
        if network:
            self.found += [Occurrence(part.span, symbol) for part, symbol in self.visible.layers(network).path(parts)]

    def values(self, nodes: Iterable[t.Node], names: Names) -> None:
        """Statements with expressions: tensors, entries of technologies, and names with a value, such as parameters."""
        for node in all_nodes(nodes):
            match node:
                case t.Call() if node.function.dotted == "bits":
                    self.tensors(plain_arguments(node))
                case t.Call() if node.function.dotted in names:
                    self.refer(node.function.parts[0], names)
                case t.Name() if node.dotted in names:
                    self.refer(node.parts[0], names)
                case t.Name() if node.dotted in self.visible.dims:
                    self.dims(node.parts)
                case t.UseStmt():
                    self._engine(node.value)
                case t.LayerCost():
                    self._layer_cost(node)
                case t.EnergyStmt(origin=t.Name() as origin):
                    self._entry(origin)
                case t.BitsTerm() if node.tensor.name not in _ROLES:
                    self.tensors([node.tensor])
                case (
                    t.KeepStmt()
                    | t.MayKeepStmt()
                    | t.SharingStmt()
                    | t.SizeStmt()
                    | t.BandwidthStmt()
                    | t.DoubleBufferedStmt()
                ):
                    self.tensors(node.tensors or ())

    def _layer_cost(self, node: t.LayerCost) -> None:
        """The operators, the name of a figure, and what its formula reads of their parameters."""
        if node.name:
            self.declare("parameter", node.name)
        parameters: dict[str, Symbol] = {}
        for operator in node.operators:
            self.to(t.OperatorDecl, operator)
            decl = self.visible.get(t.OperatorDecl, operator.name)
            parameters.update(parameters_of(decl) if decl else {})
        for name in all_nodes([node.value]):
            if isinstance(name, t.Name):
                self.refer(name.parts[0], parameters)

    def constraint_set(self, value: t.Expr, machine: t.AcceleratorDecl | None) -> None:
        """`dataflow`, or a choice of one by parameters."""
        match value:
            case t.Conditional():
                self.values([value.condition], parameters_of(machine) if machine else {})
                self.constraint_set(value.then, machine)
                self.constraint_set(value.otherwise, machine)
            case t.Name():
                self.to(t.ConstraintsDecl, value.parts[0])

    def _engine(self, value: t.Expr) -> None:
        """`vector(width = 16)`, or a choice of one."""
        match value:
            case t.Conditional():
                self._engine(value.then)
                self._engine(value.otherwise)
            case t.Name():
                self.to(t.EngineDecl, value.parts[0])
            case t.Call():
                self.to(t.EngineDecl, value.function.parts[0])
                decl = self.visible.get(t.EngineDecl, value.function.dotted)
                for argument in value.arguments:
                    if decl and argument.name:
                        self.refer(argument.name, parameters_of(decl))

    def _entry(self, origin: t.Name) -> None:
        """`cmos45.sram`."""
        first, *rest = origin.parts
        self.to(t.TechnologyDecl, first)
        technology = self.visible.get(t.TechnologyDecl, first.name)
        if technology and rest:
            self.refer(rest[0], {e.name.name: declared("entry", e.name) for e in technology.entries})


def plain_arguments(call: t.Call) -> list[t.Ident]:
    """Arguments that are names, less roles such as `weights`."""
    names = [a.value.parts[0] for a in call.arguments if isinstance(a.value, t.Name)]
    return [n for n in names if n.name not in _ROLES]


def parts_of(node: t.Node) -> Iterator[t.Node]:
    """The nodes directly inside a node, but for the name of a function."""
    for name in _FIELDS.get(type(node)) or _fields_of(type(node)):
        value = getattr(node, name)
        if isinstance(value, t.Node):
            yield value
        elif isinstance(value, tuple):
            yield from (x for x in value if isinstance(x, t.Node))


# Fields that may hold nodes, by the kind of a node.
_FIELDS: dict[type[t.Node], list[str]] = {}


def _fields_of(kind: type[t.Node]) -> list[str]:
    aside = ("span", "unit_span", *(("function",) if kind is t.Call else ()))
    return _FIELDS.setdefault(kind, [f.name for f in fields(kind) if f.name not in aside])


def all_nodes(nodes: Iterable[t.Node]) -> Iterator[t.Node]:
    """The nodes and all inside them."""
    left = list(nodes)
    while left:
        node = left.pop()
        yield node
        left.extend(parts_of(node))
