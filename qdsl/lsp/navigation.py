"""Where a name is declared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qdsl.diagnostics import SourceFile, Span
from qdsl.lsp.project import Analysis
from qdsl.lsp.symbols import Symbol, tensors_of
from qdsl.syntax.tree import Ident, MappingDecl, OperatorDecl


def definition(analysis: Analysis, offset: int) -> list[Span]:
    """The declaration of the name at an offset; of a tensor or dimension those of all operators that have it, in a mapping
    that of its operator; of an import the beginning of the file."""
    for node, path in analysis.loaded.files[-1].imports:
        if node.path.span.start <= offset <= node.path.span.end:
            source = _source(analysis, str(path))
            return [Span(source, 0, 0)] if source else []
    occurrence = analysis.occurrence(offset)
    return list(_declarations(analysis, occurrence.symbol, offset)) if occurrence else []


def _declarations(analysis: Analysis, symbol: Symbol, offset: int) -> Iterator[Span]:
    if symbol.place is not None:
        path, start = symbol.place
        source = _source(analysis, path)
        if source:
            yield Span(source, start, start + len(symbol.name))
        return
    of_mapping = _operator_of_mapping(analysis, offset)
    for operator in analysis.visible.all(OperatorDecl):
        if of_mapping in (None, operator.name.name):
            yield from (i.span for i in _shared(operator, symbol.kind) if i.name == symbol.name)


def _shared(operator: OperatorDecl, kind: str) -> list[Ident]:
    return tensors_of(operator) if kind == "tensor" else list(operator.dims)


def _operator_of_mapping(analysis: Analysis, offset: int) -> str | None:
    decl = analysis.declaration(offset)
    written = analysis.names.mappings.get(decl.name.name) if isinstance(decl, MappingDecl) else None
    return written.layer.problem.operator.name if written else None


def _source(analysis: Analysis, path: str) -> SourceFile | None:
    return next((f.source for f in analysis.loaded.files if f.path == Path(path)), None)
