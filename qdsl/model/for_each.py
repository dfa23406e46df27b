"""`for t in I, W { ... }`: the body with a value in place of the variable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import TypeVar, cast

from qdsl.model.expressions import members
from qdsl.model.findings import distinct, duplicate, fail, whole_name
from qdsl.model.units import COUNT
from qdsl.syntax.tree import Call, EveryConstraint, ForConstraint, Ident, IfConstraint, Name, Node, Number

N = TypeVar("N", bound=Node)

_MOST = 64


def values_of_variable(node: ForConstraint) -> Iterator[tuple[Name | Number, str]]:
    """Every value with its text. Raises SpecError for too many, for one twice, for a variable that nothing uses, and for one
    that an inner `for` declares again."""
    if again := next((inner for x in node.body for inner in _variables(x) if inner.name == node.variable.name), None):
        duplicate("variable", again, node.variable)
    if isinstance(node.values, tuple):
        distinct("value", map(whole_name, node.values))
        found: list[tuple[Name | Number, str]] = [(name, name.dotted) for name in node.values]
    else:
        texts = [str(n) if n.denominator == 1 else str(float(n)) for n in members(node.values, COUNT)]
        found = [(Number(span=node.values.span, text=text), text) for text in texts]
    if len(found) > _MOST:
        fail("Q0305", f"`for` takes at most {_MOST} values", node.variable.span, label=f"these are {len(found)}")
    if all(with_value(inner, node.variable, found[0][0]) == inner for inner in node.body):
        fail("Q0706", f"nothing depends on `{node.variable.name}`", node.variable.span, label="not used")
    yield from found


def _variables(node: Node) -> Iterator[Ident]:
    """Those of all `for` in a constraint."""
    if isinstance(node, ForConstraint):
        yield node.variable
    if isinstance(node, ForConstraint | EveryConstraint):
        for inner in node.body:
            yield from _variables(inner)
    if isinstance(node, IfConstraint):
        yield from _variables(node.body)


def with_value(node: N, variable: Ident, value: Name | Number) -> N:
    """A node with a value for all names that are the variable, also as parts of other names. Raises SpecError where a
    name is needed and the value is none."""
    return cast(N, _replaced(node, variable.name, value))


def _replaced(part: object, variable: str, value: Name | Number) -> object:
    if isinstance(part, tuple):
        return tuple(_replaced(x, variable, value) for x in part)
    if isinstance(part, Ident) and part.name == variable:
        return replace(part, name=_plain(part, value))
    if isinstance(part, Name) and any(x.name == variable for x in part.parts):
        if isinstance(value, Number):
            if len(part.parts) > 1:
                _plain(part, value)
            return replace(value, span=part.span)
        return replace(part, parts=tuple(p for x in part.parts for p in _parts(x, variable, value)))
    if not isinstance(part, Node):
        return part
    kept = ("function",) if isinstance(part, Call) else ()
    changed = {
        f.name: _replaced(getattr(part, f.name), variable, value) for f in fields(part) if f.name not in ("span", *kept)
    }
    return replace(part, **changed)  # type: ignore[arg-type]


def _parts(part: Ident, variable: str, value: Name) -> tuple[Ident, ...]:
    return tuple(replace(p, span=part.span) for p in value.parts) if part.name == variable else (part,)


def _plain(at: Node, value: Name | Number) -> str:
    """The name that a value is."""
    if isinstance(value, Number) or len(value.parts) > 1:
        shown = value.text if isinstance(value, Number) else value.dotted
        fail("Q0702", "a plain name is expected", at.span, label=f"this stands for `{shown}`")
    return value.parts[0].name
