"""Expressions, value sets and texts."""

from __future__ import annotations

from dataclasses import field

from qdsl.diagnostics import Span
from qdsl.syntax.node import Node, node


@node
class Ident(Node):
    """One name, or one part of a dotted one."""

    name: str


@node
class Number(Node):
    """`text` is the number as written (`0.42018`, `1e-3`); `unit` as written (`pJ`, `word/cycle`, `%`) or None."""

    text: str
    unit: str | None = None
    unit_span: Span | None = field(default=None, compare=False, repr=False)


@node
class Name(Node):
    """A reference, dotted or not: `K`, `pe.x`, `x.channels`, `mobilenet_v1.stem`."""

    parts: tuple[Ident, ...]

    @property
    def dotted(self) -> str:
        return ".".join(p.name for p in self.parts)


@node
class Unary(Node):
    """`-x`, `not x`."""

    op: str  # '-' 'not'
    operand: Expr


@node
class Binary(Node):
    """`a + b`, `a <= b`, `a and b`."""

    op: str  # + - * / == != < <= > >= and or
    left: Expr
    right: Expr


@node
class Argument(Node):
    """`x` or `K = 32`."""

    name: Ident | None
    value: Expr


@node
class Call(Node):
    """`conv2d(x, K = 32) relu6`, `spatial(pe.x, K)`, `bits(W)`; `activation` only on layer calls."""

    function: Name
    arguments: tuple[Argument, ...]
    activation: Ident | None = None


@node
class Conditional(Node):
    """`if c then a else b`."""

    condition: Expr
    then: Expr
    otherwise: Expr


@node
class Then(Node):
    """`2 then 1`: the first value in the first iteration of a `repeat`, the other one afterwards."""

    first: Expr
    rest: Expr


@node
class Membership(Node):
    """`temporal(glb, C) in {2..8}`."""

    operand: Expr
    options: ValueSet


Expr = Number | Name | Unary | Binary | Call | Conditional | Then | Membership


@node
class Range(Node):
    """`2 .. 8` or `32 KiB .. 256 KiB step 32 KiB`, both ends included."""

    low: Expr
    high: Expr
    step: Expr | None


@node
class ValueSet(Node):
    """`{2..8}`, `{8, 12, 14}`."""

    items: tuple[Range | Expr, ...]


@node
class Text(Node):
    """A string literal; `value` is unescaped."""

    value: str
