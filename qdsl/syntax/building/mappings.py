"""Making the nodes of mappings."""

from __future__ import annotations

from typing import Any

from qdsl.diagnostics import Span
from qdsl.syntax import tree as t
from qdsl.syntax.building.base import Base


class Mappings(Base):
    """Mappings."""

    def mapping_decl(self, span: Span, c: list[Any]) -> t.MappingDecl:
        return t.MappingDecl(span=span, name=self.ident(c[0]), layer=c[1], accelerator=c[2], statements=tuple(c[3:]))

    def machine(self, span: Span, c: list[Any]) -> t.MachineRef:
        return t.MachineRef(span=span, name=self.ident(c[0]), arguments=tuple(a for a in c[1:] if a is not None))

    def bypass_stmt(self, span: Span, c: list[Any]) -> t.BypassStmt:
        return t.BypassStmt(span=span, level=self.ident(c[0]), tensors=self.idents(c[1:]))

    def bits_stmt(self, span: Span, c: list[Any]) -> t.BitsStmt:
        return t.BitsStmt(span=span, terms=tuple(c))

    def bits_term(self, span: Span, c: list[Any]) -> t.BitsTerm:
        return t.BitsTerm(span=span, tensor=self.ident(c[0]), value=c[1])

    def imperfect_stmt(self, span: Span, c: list[Any]) -> t.ImperfectStmt:
        return t.ImperfectStmt(span=span, kind=str(c[0]))

    def nest_stmt(self, span: Span, c: list[Any]) -> t.NestStmt:
        return t.NestStmt(span=span, place=c[0], kind=str(c[1]), loops=tuple(c[2:]))

    def loop(self, span: Span, c: list[Any]) -> t.LoopTerm:
        return t.LoopTerm(span=span, dim=self.ident(c[0]), factor=c[1])
