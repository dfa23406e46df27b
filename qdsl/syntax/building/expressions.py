"""Making the nodes of expressions."""

from __future__ import annotations

from typing import Any

from qdsl.diagnostics import Span
from qdsl.syntax import tree as t
from qdsl.syntax.building.base import MAX_DIGITS, MAX_EXPONENT, Base


class Expressions(Base):
    """Expressions."""

    def number(self, span: Span, c: list[Any]) -> t.Number:
        text, unit = str(c[0]), c[1]
        digits, _, exponent = text.lower().partition("e")
        if len(digits) > MAX_DIGITS or len(exponent.strip("+-")) > 3 or abs(int(exponent or 0)) > MAX_EXPONENT:
            note = f"a number has at most {MAX_DIGITS} digits and an exponent from -{MAX_EXPONENT} to {MAX_EXPONENT}"
            self.error("Q0006", "the number is too long", self.at(c[0]), note=note)
            text = "1"  # allowed in most places, so that no second finding follows from this one
        unit_span = self.at(unit) if unit is not None else None
        return t.Number(span=span, text=text, unit=str(unit) if unit is not None else None, unit_span=unit_span)

    def name(self, span: Span, c: list[Any]) -> t.Name:
        return t.Name(span=span, parts=self.idents(c))

    def unary(self, span: Span, c: list[Any]) -> t.Unary:
        node: t.Unary = self.deepen(t.Unary(span=span, op=str(c[0]), operand=c[1]), c[1])
        return node

    def binary(self, span: Span, c: list[Any]) -> t.Binary:
        node: t.Binary = self.deepen(t.Binary(span=span, op=str(c[1]), left=c[0], right=c[2]), c[0], c[2])
        return node

    def conditional(self, span: Span, c: list[Any]) -> t.Conditional:
        node: t.Conditional = self.deepen(t.Conditional(span=span, condition=c[0], then=c[1], otherwise=c[2]), *c)
        return node

    def then(self, span: Span, c: list[Any]) -> t.Then:
        node: t.Then = self.deepen(t.Then(span=span, first=c[0], rest=c[1]), *c)
        return node

    def call(self, span: Span, c: list[Any]) -> t.Call:
        activation = self.ident(c[-1]) if c[-1] is not None else None
        if activation:
            self.activations.append(activation)
        arguments = tuple(a for a in c[1:-1] if a is not None)
        node: t.Call = self.deepen(
            t.Call(span=span, function=c[0], arguments=arguments, activation=activation), *arguments
        )
        return node

    def argument(self, span: Span, c: list[Any]) -> t.Argument:
        name = self.ident(c[0]) if c[0] is not None else None
        node = t.Argument(span=span, name=name, value=c[1])
        self.depths[id(node)] = self.depths.get(id(c[1]), 0)
        return node

    def membership(self, span: Span, c: list[Any]) -> t.Membership:
        node: t.Membership = self.deepen(t.Membership(span=span, operand=c[0], options=c[1]), c[0])
        return node

    def value_set(self, span: Span, c: list[Any]) -> t.ValueSet:
        return t.ValueSet(span=span, items=tuple(c))

    def range(self, span: Span, c: list[Any]) -> t.Range:
        return t.Range(span=span, low=c[0], high=c[1], step=c[2])
