"""Making the nodes of imports and operators."""

from __future__ import annotations

from typing import Any

from qdsl.diagnostics import Span
from qdsl.syntax import tree as t
from qdsl.syntax.building.base import Base


class Operators(Base):
    """Imports and operators."""

    def import_stmt(self, span: Span, c: list[Any]) -> t.Import:
        return t.Import(span=span, path=self.text(c[0]))

    def operator_decl(self, span: Span, c: list[Any]) -> t.OperatorDecl:
        parameters = c[1] if len(c) > 1 and isinstance(c[1], tuple) else ()
        listed: dict[str, list[t.Ident]] = {"dims": [], "weights": []}
        rules: list[t.Einsum] = []
        for statement in c[1:]:
            if isinstance(statement, t.Einsum):
                rules.append(statement)
            elif isinstance(statement, _Listed):
                listed[statement.kind].extend(statement.names)
        dims, weights = tuple(listed["dims"]), tuple(listed["weights"])
        name = self.ident(c[0])
        return t.OperatorDecl(
            span=span, name=name, parameters=parameters, dims=dims, weights=weights, rules=tuple(rules)
        )

    def parameters(self, _: Span, c: list[Any]) -> tuple[t.Parameter, ...]:
        return tuple(c)

    def parameter(self, span: Span, c: list[Any]) -> t.Parameter:
        return t.Parameter(span=span, name=self.ident(c[0]), default=c[1])

    def dims_stmt(self, _: Span, c: list[Any]) -> _Listed:
        return _Listed("dims", self.idents(c))

    def weights_stmt(self, _: Span, c: list[Any]) -> _Listed:
        return _Listed("weights", self.idents(c))

    def einsum(self, span: Span, c: list[Any]) -> t.Einsum:
        combine = str(c[3]) if len(c) > 3 else ""
        return t.Einsum(span=span, output=c[0], assign=str(c[1]), inputs=tuple(c[2::2]), combine=combine)

    def access(self, span: Span, c: list[Any]) -> t.TensorAccess:
        return t.TensorAccess(span=span, tensor=self.ident(c[0]), indices=tuple(c[1:]))


class _Listed:
    """`dims N, K` or `weights W`, until the operator collects them."""

    def __init__(self, kind: str, names: tuple[t.Ident, ...]) -> None:
        self.kind = kind
        self.names = names
