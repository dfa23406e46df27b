"""Making the nodes of networks."""

from __future__ import annotations

from typing import Any

from qdsl.diagnostics import Span
from qdsl.syntax import tree as t
from qdsl.syntax.building.base import Base


class Networks(Base):
    """Networks."""

    def network_decl(self, span: Span, c: list[Any]) -> t.NetworkDecl:
        return t.NetworkDecl(span=span, name=self.ident(c[0]), items=tuple(c[1:]))

    def batch_stmt(self, span: Span, c: list[Any]) -> t.BatchStmt:
        return t.BatchStmt(span=span, value=c[1])

    def input_stmt(self, span: Span, c: list[Any]) -> t.InputStmt:
        shape = tuple(c[2::2])
        for size in shape:
            if (
                isinstance(size, t.Number)
                and size.unit
                and size.unit[0] == "x"
                and size.unit[1:].replace("x", "").isdigit()
            ):
                sizes = f"{size.text}{size.unit}".replace("x", " x ")
                self.error("Q0101", "the sizes of an input are set apart by ` x `", size.span, f"write `{sizes}`")
        return t.InputStmt(span=span, name=self.ident(c[1]), shape=shape)

    def block_decl(self, span: Span, c: list[Any]) -> t.BlockDecl:
        has_parameters = len(c) > 2 and isinstance(c[2], tuple)
        parameters, statements = (c[2], c[3:]) if has_parameters else ((), c[2:])
        return t.BlockDecl(span=span, name=self.ident(c[1]), parameters=parameters, statements=tuple(statements))

    def yield_stmt(self, span: Span, c: list[Any]) -> t.YieldStmt:
        return t.YieldStmt(span=span, value=c[0])

    def binding(self, span: Span, c: list[Any]) -> t.Binding:
        return t.Binding(span=span, name=self.ident(c[0]), value=c[1])

    def repeat(self, span: Span, c: list[Any]) -> t.Binding:
        return t.Binding(span=span, name=self.ident(c[2]), value=c[3], count=c[1])

    def layer_stmt(self, span: Span, c: list[Any]) -> t.LayerStmt:
        return t.LayerStmt(span=span, name=self.ident(c[1]), call=c[2])

    def output_stmt(self, span: Span, c: list[Any]) -> t.OutputStmt:
        return t.OutputStmt(span=span, value=c[1])
