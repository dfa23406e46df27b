"""Instances of a block that differ: one block whose statements ask which instance they are in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from qdsl.syntax import tree as t
from qdsl.unparse.nodes import NOWHERE, binary, conditional, name, number

_AXES = {1: "channels", 2: "height", 3: "width"}


@dataclass(frozen=True)
class Case:
    """What a block can tell its instances apart by: whether it is the first, and the shape of its first argument."""

    first: bool
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Choice:
    """chained: name of the first argument. first: name of a parameter that is 1 in the first instance and 0 in others."""

    chained: str
    first: str

    def between(self, options: Sequence[tuple[Case, t.Expr]]) -> t.Expr:
        """An expression with the right value in every case. Raises ValueError if the cases cannot be told apart."""
        expressions = [e for _, e in options]
        if all(e == expressions[0] for e in expressions):
            return expressions[0]
        if merged := self._arguments(options):
            return merged
        rest = [(case, e) for case, e in options if not case.first]
        if len(rest) < len(options):
            only = next(e for case, e in options if case.first)
            return conditional(binary("==", name(self.first), number(1)), only, self.between(rest))
        for axis, attribute in _AXES.items():
            extents = {case.shape[axis] for case, _ in options if axis < len(case.shape)}
            if len(extents) > 1:
                extent = min(extents)
                here = [(c, e) for c, e in options if c.shape[axis] == extent]
                others = [(c, e) for c, e in options if c.shape[axis] != extent]
                question = binary("==", name(f"{self.chained}.{attribute}"), number(extent))
                return conditional(question, self.between(here), self.between(others))
        raise ValueError("the instances of a `repeat` differ, and nothing tells them apart")

    def asked_in(self, e: t.Node) -> bool:
        """Whether an expression asks for the first instance."""
        return any(n.parts[0].name == self.first for n in _names(e))

    def _arguments(self, options: Sequence[tuple[Case, t.Expr]]) -> t.Call | None:
        """One call, if all are calls that differ in values of their arguments alone."""
        calls = [(case, e) for case, e in options if isinstance(e, t.Call)]
        if len(calls) < len(options) or len({_form(c) for _, c in calls}) > 1:
            return None
        first = calls[0][1]
        arguments = []
        for i, argument in enumerate(first.arguments):
            values = [(case, c.arguments[i].value) for case, c in calls]
            arguments.append(t.Argument(span=NOWHERE, name=argument.name, value=self.between(values)))
        return t.Call(span=NOWHERE, function=first.function, arguments=tuple(arguments), activation=first.activation)


def _names(e: object) -> Iterator[t.Name]:
    """All names in an expression."""
    if isinstance(e, t.Name):
        yield e
    if isinstance(e, t.Node):
        e = tuple(getattr(e, f.name) for f in fields(e))
    for part in e if isinstance(e, tuple) else ():
        yield from _names(part)


def _form(call: t.Call) -> object:
    return call.function, call.activation, tuple(a.name for a in call.arguments)


def merged_order(bodies: Sequence[Mapping[str, t.Expr]]) -> list[str]:
    """The names of all bodies, in an order that each has. Raises ValueError if there is none."""
    order: list[str] = []
    for body in bodies:
        at = 0
        for n in body:
            if n in order:
                at = order.index(n) + 1
            else:
                order.insert(at, n)
                at += 1
    for body in bodies:
        if [n for n in order if n in body] != list(body):
            raise ValueError("the instances of a `repeat` have their layers in different orders")
    return order
