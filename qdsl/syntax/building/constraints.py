"""Making the nodes of constraints."""

from __future__ import annotations

from typing import Any

from qdsl.diagnostics import Span
from qdsl.syntax import tree as t
from qdsl.syntax.building.base import Base


class Constraints(Base):
    """Constraints."""

    def constraints_decl(self, span: Span, c: list[Any]) -> t.ConstraintsDecl:
        return t.ConstraintsDecl(span=span, name=self.ident(c[0]), accelerator=self.ident(c[1]), body=tuple(c[2:]))

    def only_constraint(self, span: Span, c: list[Any]) -> t.OnlyConstraint:
        return t.OnlyConstraint(span=span, kind=str(c[0]), place=c[1], dims=self.idents(c[2:]))

    def order_constraint(self, span: Span, c: list[Any]) -> t.OrderConstraint:
        anchor = "" if c[-1] is None else str(c[-1])
        return t.OrderConstraint(span=span, level=c[0], dims=self.idents(c[1:-1]), anchor=anchor)

    def keep_constraint(self, span: Span, c: list[Any]) -> t.KeepConstraint:
        return t.KeepConstraint(span=span, kept=True, level=self.ident(c[0]), tensors=self.idents(c[1:]))

    def bypass_constraint(self, span: Span, c: list[Any]) -> t.KeepConstraint:
        return t.KeepConstraint(span=span, kept=False, level=self.ident(c[0]), tensors=self.idents(c[1:]))

    def same_constraint(self, span: Span, c: list[Any]) -> t.SameConstraint:
        return t.SameConstraint(span=span, **c[-1])

    def formula_constraint(self, span: Span, c: list[Any]) -> t.FormulaConstraint:
        return t.FormulaConstraint(span=span, formula=c[0])

    def if_constraint(self, span: Span, c: list[Any]) -> t.IfConstraint:
        node: t.IfConstraint = self.deepen(t.IfConstraint(span=span, condition=c[0], body=c[1]), *c)
        return node

    def every_constraint(self, span: Span, c: list[Any]) -> t.EveryConstraint:
        node: t.EveryConstraint = self.deepen(t.EveryConstraint(span=span, **c[0], body=tuple(c[1:])), *c[1:])
        return node

    def for_constraint(self, span: Span, c: list[Any]) -> t.ForConstraint:
        node: t.ForConstraint = self.deepen(
            t.ForConstraint(span=span, variable=self.ident(c[1]), values=c[2], body=tuple(c[3:])), *c[3:]
        )
        return node

    def each(self, _: Span, c: list[Any]) -> tuple[t.Name, ...] | t.ValueSet:
        return c[0] if isinstance(c[0], t.ValueSet) else tuple(c)

    def operator_names(self, _: Span, c: list[Any]) -> dict[str, tuple[t.Ident, ...]]:
        return {"operators": self.idents(c), "layers": ()}

    def layer_names(self, _: Span, c: list[Any]) -> dict[str, tuple[t.Ident, ...]]:
        return {"operators": (), "layers": tuple(c[1:])}

    def pattern(self, span: Span, c: list[Any]) -> t.Ident:
        return t.Ident(span=span, name=".".join(map(str, c)))
