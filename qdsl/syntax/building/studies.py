"""Making the nodes of studies."""

from __future__ import annotations

from typing import Any

from qdsl.diagnostics import Span
from qdsl.syntax import tree as t
from qdsl.syntax.building.base import Base


class Studies(Base):
    """Studies."""

    def study_decl(self, span: Span, c: list[Any]) -> t.StudyDecl:
        return t.StudyDecl(span=span, name=self.ident(c[0]), items=tuple(c[1:]))

    def map_stmt(self, span: Span, c: list[Any]) -> t.MapStmt:
        return t.MapStmt(span=span, networks=tuple(c[:-1:2]), accelerator=c[-1])

    def mapped_network(self, span: Span, c: list[Any]) -> t.MappedNetwork:
        return t.MappedNetwork(span=span, weight=c[0], name=self.ident(c[-1]))

    def limit_stmt(self, span: Span, c: list[Any]) -> t.LimitStmt:
        return t.LimitStmt(span=span, quantity=self.ident(c[0]), comparison=str(c[1]), value=c[2])

    def map_as_stmt(self, span: Span, c: list[Any]) -> t.MapAsStmt:
        return t.MapAsStmt(span=span, operator=self.ident(c[0]), call=c[1])

    def precision_block(self, span: Span, c: list[Any]) -> t.PrecisionBlock:
        return t.PrecisionBlock(span=span, statements=tuple(c))

    def width_rule(self, span: Span, c: list[Any]) -> t.WidthRule:
        given = tuple(x for x in c[3:] if x is not None)
        return t.WidthRule(span=span, role=str(c[0]), options=c[1], granularity=self.ident(c[2]), arguments=given)

    def layer_widths(self, span: Span, c: list[Any]) -> t.LayerWidths:
        return t.LayerWidths(span=span, layer=c[1], terms=tuple(c[2:]))

    def width_term(self, span: Span, c: list[Any]) -> t.WidthTerm:
        return t.WidthTerm(span=span, role=str(c[0]), value=c[1])

    def split_layer(self, span: Span, c: list[Any]) -> t.SplitLayer:
        return t.SplitLayer(span=span, layer=c[0], groups=tuple(c[1:]))

    def channel_group(self, span: Span, c: list[Any]) -> t.ChannelGroup:
        return t.ChannelGroup(span=span, channels=c[0], bits=c[1])

    def output_width(self, span: Span, c: list[Any]) -> t.OutputWidth:
        return t.OutputWidth(span=span, value=c[1])

    def partial_sums(self, span: Span, c: list[Any]) -> t.PartialSums:
        return t.PartialSums(span=span, value=c[1])

    def constrain_with(self, span: Span, c: list[Any]) -> t.ConstrainWith:
        return t.ConstrainWith(span=span, value=c[0])

    def constrain_block(self, span: Span, c: list[Any]) -> t.ConstrainBlock:
        return t.ConstrainBlock(span=span, body=tuple(c))

    def minimize_stmt(self, span: Span, c: list[Any]) -> t.MinimizeStmt:
        return t.MinimizeStmt(span=span, objectives=self.idents(c))

    def levels_stmt(self, span: Span, c: list[Any]) -> t.LevelsStmt:
        return t.LevelsStmt(span=span, levels=self.idents(c))

    def mapper_stmt(self, span: Span, c: list[Any]) -> t.MapperStmt:
        return t.MapperStmt(span=span, name=self.ident(c[0]), arguments=tuple(a for a in c[1:] if a is not None))

    def accuracy_stmt(self, span: Span, c: list[Any]) -> t.AccuracyStmt:
        method, *arguments, data, path, weights = c
        return t.AccuracyStmt(
            span=span,
            method=self.ident(method),
            arguments=tuple(a for a in arguments if a is not None),
            data=self.ident(data),
            path=path,
            weights=weights,
        )

    def data_files(self, span: Span, c: list[Any]) -> t.Text:
        return self.text(c[0])

    def weights_file(self, span: Span, c: list[Any]) -> t.Text:
        return self.text(c[1])

    def search_stmt(self, span: Span, c: list[Any]) -> t.SearchStmt:
        call = t.Call(span=c[0].span, function=c[0], arguments=()) if isinstance(c[0], t.Name) else c[0]
        return t.SearchStmt(span=span, call=call)

    def report_stmt(self, span: Span, c: list[Any]) -> t.ReportStmt:
        return t.ReportStmt(span=span, formats=self.idents(c))
