"""Constraints as statements: each by itself, in the blocks and conditions that make its scope."""

from __future__ import annotations

from collections.abc import Sequence

from qdsl.model.constraint import Constraint, Keep, Limit, Only, Order, Require, Same, Scope
from qdsl.model.network import Layer
from qdsl.syntax import tree as t
from qdsl.unparse.formulas import formula
from qdsl.unparse.nodes import NOWHERE, binary, call, ident, idents, name, number

_UNITS = {"latency": "cycle", "energy": "pJ", "bandwidth": "word/cycle"}


def constraint_stmt(c: Constraint, layers: Sequence[Layer]) -> t.Constraint:
    """layers: those of the network. Raises ValueError for a constraint that has no text."""
    if isinstance(c, Same):
        return _same(c.scope, layers)
    stmt = _leaf(c)
    if c.scope.condition is not None:
        stmt = t.IfConstraint(span=NOWHERE, condition=formula(c.scope.condition), body=stmt)
    for operators, named in _blocks(c.scope, layers):
        stmt = t.EveryConstraint(span=NOWHERE, operators=idents(operators), layers=idents(named), body=(stmt,))
    return stmt


def _blocks(scope: Scope, layers: Sequence[Layer]) -> list[tuple[list[str], list[str]]]:
    """The blocks around a constraint, innermost first: names of operators, or of layers."""
    found: list[tuple[list[str], list[str]]] = []
    if scope.problems is not None:
        found.append(([], [x.name for x in layers if x.problem in scope.problems]))
    if scope.operators is not None:
        found.append((sorted(scope.operators), []))
    if any(not operators and not named for operators, named in found):
        raise ValueError("a constraint holds for no operator or layer of the network")
    return found


def _same(scope: Scope, layers: Sequence[Layer]) -> t.Constraint:
    if scope.condition is not None:
        raise ValueError("`same spatial` has no condition")
    (operators, named), *outer = _blocks(scope, layers) or [([], [])]
    stmt: t.Constraint = t.SameConstraint(span=NOWHERE, operators=idents(operators), layers=idents(named))
    for operators, named in outer:
        stmt = t.EveryConstraint(span=NOWHERE, operators=idents(operators), layers=idents(named), body=(stmt,))
    return stmt


def _leaf(c: Only | Order | Keep | Require | Limit) -> t.Constraint:
    match c:
        case Only():
            kind = "spatial" if "." in c.place else "temporal"
            return t.OnlyConstraint(span=NOWHERE, kind=kind, place=name(c.place), dims=idents(sorted(c.dims)))
        case Order():
            return t.OrderConstraint(span=NOWHERE, level=name(c.level), dims=idents(c.dims), anchor=c.anchor)
        case Keep():
            return t.KeepConstraint(span=NOWHERE, kept=c.kept, level=ident(c.level), tensors=idents(sorted(c.tensors)))
        case Require():
            return t.FormulaConstraint(span=NOWHERE, formula=formula(c.formula))
        case Limit():
            limited = call(c.quantity, [name(c.level)]) if c.level else name(c.quantity)
            most = number(c.most, _UNITS[c.quantity])
            return t.FormulaConstraint(span=NOWHERE, formula=binary("<=", limited, most))
