"""The names in constraints: places of the accelerator, dimensions, tensors, operators, layers, and variables of `for`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from qdsl.lsp.symbols import Symbol, declared, levels_of
from qdsl.lsp.walk import Finder, Names, parts_of, plain_arguments
from qdsl.syntax import tree as t

_OF_PLACES = ("spatial", "temporal", "tile", "utilization", "occupancy", "bandwidth")
_LIMITED = ("latency", "energy")


@dataclass(frozen=True)
class ConstraintNames:
    """machine, network: what is constrained, None where it is not known. variables: of the `for` around."""

    finder: Finder
    machine: t.AcceleratorDecl | None
    network: t.NetworkDecl | None
    variables: Names = field(default_factory=dict)

    def find(self, body: Iterable[t.Constraint]) -> None:
        for node in body:
            match node:
                case t.OnlyConstraint():
                    self._place(node.place.parts[0])
                    self._shared("dimension", node.dims)
                case t.OrderConstraint():
                    self._place(node.level.parts[0])
                    self._shared("dimension", node.dims)
                case t.KeepConstraint():
                    self._place(node.level)
                    self._shared("tensor", node.tensors)
                case t.FormulaConstraint():
                    self._formula(node.formula)
                case t.IfConstraint():
                    self._formula(node.condition)
                    self.find([node.body])
                case t.SameConstraint():
                    self._chosen(node)
                case t.EveryConstraint():
                    self._chosen(node)
                    self.find(node.body)
                case t.ForConstraint():
                    self._each(node)

    def _place(self, ident: t.Ident) -> None:
        self.finder.refer(ident, {**(levels_of(self.machine) if self.machine else {}), **self.variables})

    def _shared(self, kind: str, idents: Sequence[t.Ident]) -> None:
        """Tensors or dimensions, or variables that stand for some."""
        for ident in idents:
            self.finder.refer(ident, self.variables)
        find = self.finder.tensors if kind == "tensor" else self.finder.dims
        find(i for i in idents if i.name not in self.variables)

    def _chosen(self, node: t.EveryConstraint | t.SameConstraint) -> None:
        for operator in node.operators:
            if operator.name in self.variables:
                self.finder.refer(operator, self.variables)
            else:
                self.finder.to(t.OperatorDecl, operator)
        for pattern in node.layers:
            self.finder.layer(self.network, _split(pattern))

    def _each(self, node: t.ForConstraint) -> None:
        self.finder.declare("variable", node.variable)
        for name in node.values if isinstance(node.values, tuple) else ():
            self.finder.refer(name.parts[0], self._what_variables_stand_for())
        inner = {**self.variables, node.variable.name: declared("variable", node.variable)}
        replace(self, variables=inner).find(node.body)

    def _what_variables_stand_for(self) -> dict[str, Symbol]:
        visible = self.finder.visible
        operators = {o.name.name: declared("operator", o.name) for o in visible.all(t.OperatorDecl)}
        dims = {d: Symbol("dimension", d, None) for d in visible.dims}
        tensors = {x: Symbol("tensor", x, None) for x in visible.tensors}
        return {**operators, **dims, **tensors, **(levels_of(self.machine) if self.machine else {})}

    def _formula(self, node: t.Node) -> None:
        if isinstance(node, t.Name):
            self._shared("dimension", [p for p in node.parts[:1] if p.name not in _LIMITED])
        elif isinstance(node, t.Call) and node.function.dotted == "bits":
            self._shared("tensor", plain_arguments(node))
        elif isinstance(node, t.Call) and node.function.dotted in _OF_PLACES:
            names = [a.value.parts[0] for a in node.arguments if isinstance(a.value, t.Name)]
            for place in names[:1]:
                self._place(place)
            self._shared("tensor" if node.function.dotted == "occupancy" else "dimension", names[1:])
        else:
            for part in parts_of(node):
                self._formula(part)


def _split(pattern: t.Ident) -> list[t.Ident]:
    """The parts of `b1.*`, if it is written without blanks."""
    found, start = [], pattern.span.start
    for part in pattern.name.split("."):
        found.append(t.Ident(span=replace(pattern.span, start=start, end=start + len(part)), name=part))
        start += len(part) + 1
    return found if pattern.span.end - pattern.span.start == len(pattern.name) else []
