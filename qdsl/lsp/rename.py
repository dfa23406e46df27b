"""Another name for a symbol, wherever it is used: only if every name then still stands for what it stood for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qdsl.diagnostics import Span
from qdsl.lsp.project import Analysis, Project
from qdsl.lsp.symbols import Occurrence, Symbol

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class RenameRefusedError(Exception):
    """Says why, for the user."""


@dataclass(frozen=True)
class Edit:
    span: Span
    text: str


def uses(symbol: Symbol, analyses: Sequence[Analysis]) -> list[Occurrence]:
    """Every place where a symbol is named, its declarations included."""
    return [o for a in analyses for o in a.occurrences if o.symbol == symbol]


def rename(symbol: Symbol, new: str, path: Path, project: Project, unsaved: Mapping[Path, str]) -> list[Edit]:
    """What to replace in the file and all files connected with it. Raises RenameRefusedError."""
    if not _NAME.fullmatch(new):
        raise RenameRefusedError(f"`{new}` is not a name: letters, digits and `_`, not beginning with a digit")
    analyses = project.linked(path, unsaved)
    found = uses(symbol, analyses)
    if not any(o.declares for o in found):
        raise RenameRefusedError(f"`{symbol.name}` is declared nowhere")
    edits = [Edit(o.span, new.lower() if o.lower else new) for o in found]
    _check(symbol, new, edits, analyses, project, unsaved)
    return edits


def _check(
    symbol: Symbol,
    new: str,
    edits: Sequence[Edit],
    before: Sequence[Analysis],
    project: Project,
    unsaved: Mapping[Path, str],
) -> None:
    """Raises RenameRefusedError if names would change their meaning, or the text no longer be read."""
    texts = {a.path: a.source.text for a in before}
    for edit in sorted(edits, key=lambda e: -e.span.start):
        path = Path(edit.span.source.path)
        texts[path] = texts[path][: edit.span.start] + edit.text + texts[path][edit.span.end :]
    changed = {Path(e.span.source.path) for e in edits}
    edited = {**unsaved, **{p: texts[p] for p in changed}}
    meant: dict[Symbol, Symbol] = {}  # what a symbol of the new text is in the old one
    named: dict[Symbol, Symbol] = {}  # and the other way round
    for old in before:
        now = project.analyse(old.path, edited)
        if now is None or len(now.occurrences) != len(old.occurrences):
            raise RenameRefusedError(f"`{new}` cannot stand everywhere that `{symbol.name}` does")
        for is_, was in zip(now.occurrences, old.occurrences, strict=True):
            if (
                meant.setdefault(is_.symbol, was.symbol) != was.symbol
                or named.setdefault(was.symbol, is_.symbol) != is_.symbol
            ):
                raise RenameRefusedError(f"`{new}` already stands for something in {old.path.name}")
