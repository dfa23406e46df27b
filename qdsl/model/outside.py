"""Other files than specs that a spec names: tables of numbers, data and weights of networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from qdsl.diagnostics import Diagnostic, Sink
from qdsl.model.check_table import table_statements
from qdsl.model.imports import LoadedFile
from qdsl.syntax.tree import AccuracyStmt, File, StudyDecl, Text


def refuse_outside(files: Sequence[LoadedFile], root: Path, sink: Sink) -> None:
    """Reports (Q0012) every path that leads out of the directory that may be read."""
    root = root.resolve()
    for file in files:
        for text in _paths(file.tree):
            if not (file.path.parent / text.value.replace("\0", "")).resolve().is_relative_to(root):
                message = f'"{text.value}" leads out of the directory that may be read'
                sink.add(Diagnostic("Q0012", message, text.span, notes=(f"allowed: {root}",)))


def _paths(tree: File) -> Iterator[Text]:
    yield from (stmt.path for stmt in table_statements(tree))
    for study in (d for d in tree.declarations if isinstance(d, StudyDecl)):
        for stmt in (x for x in study.items if isinstance(x, AccuracyStmt)):
            yield from filter(None, (stmt.path, stmt.weights))
