"""Making nodes of the syntax tree that stand in no text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from math import isfinite

from qdsl.diagnostics import SourceFile, Span
from qdsl.syntax import tree as t
from qdsl.syntax.building import MAX_EXPONENT

NOWHERE = Span(SourceFile("<python>", ""), 0, 0)


def ident(name: str) -> t.Ident:
    return t.Ident(span=NOWHERE, name=name)


def idents(names: Iterable[str]) -> tuple[t.Ident, ...]:
    return tuple(map(ident, names))


def name(dotted: str) -> t.Name:
    return t.Name(span=NOWHERE, parts=idents(dotted.split(".")))


def text(value: str) -> t.Text:
    return t.Text(span=NOWHERE, value=value)


def number(value: float, unit: str | None = None) -> t.Expr:
    """A number that is read as the same one. Raises ValueError for one that is not finite, or too large or small to read."""
    if not isfinite(value) or (value and not 10.0**-MAX_EXPONENT <= abs(value) < 10.0**MAX_EXPONENT):
        raise ValueError(f"{value} cannot be written as a number")
    if value < 0:
        return t.Unary(span=NOWHERE, op="-", operand=number(-value, unit))
    whole = isinstance(value, int) or (value.is_integer() and value < 1e16)
    return t.Number(span=NOWHERE, text=str(int(value)) if whole else repr(value), unit=unit)


def call(
    function: str,
    positional: Iterable[t.Expr] = (),
    named: Mapping[str, t.Expr | t.Then] | None = None,
    activation: str = "",
) -> t.Call:
    arguments = [t.Argument(span=NOWHERE, name=None, value=e) for e in positional]
    arguments += [t.Argument(span=NOWHERE, name=ident(n), value=e) for n, e in (named or {}).items()]
    after = ident(activation) if activation else None
    return t.Call(span=NOWHERE, function=name(function), arguments=tuple(arguments), activation=after)


def binary(op: str, left: t.Expr, right: t.Expr) -> t.Binary:
    return t.Binary(span=NOWHERE, op=op, left=left, right=right)


def conditional(condition: t.Expr, then: t.Expr, otherwise: t.Expr) -> t.Conditional:
    return t.Conditional(span=NOWHERE, condition=condition, then=then, otherwise=otherwise)


def values(options: Iterable[float]) -> t.ValueSet:
    """`{2, 4, 8}`, or a range where the options are whole and follow each other."""
    found = list(options)
    consecutive = len(found) > 2 and all(b - a == 1 for a, b in pairwise(found))
    if consecutive and float(found[0]).is_integer():
        both = t.Range(span=NOWHERE, low=number(found[0]), high=number(found[-1]), step=None)
        return t.ValueSet(span=NOWHERE, items=(both,))
    return t.ValueSet(span=NOWHERE, items=tuple(map(number, found)))
