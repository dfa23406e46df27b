"""Findings, symbols and edits as the protocol has them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from lsprotocol import types

from qdsl.diagnostics import Diagnostic, Severity, Span
from qdsl.lsp.candidates import Item
from qdsl.lsp.outline import Entry
from qdsl.lsp.positions import Positions
from qdsl.lsp.rename import Edit
from qdsl.resources import data_dir

_SYMBOLS = {
    "operator": types.SymbolKind.Function,
    "technology": types.SymbolKind.Namespace,
    "entry": types.SymbolKind.Constant,
    "engine": types.SymbolKind.Class,
    "accelerator": types.SymbolKind.Class,
    "memory": types.SymbolKind.Field,
    "array": types.SymbolKind.Array,
    "compute": types.SymbolKind.Operator,
    "parameter": types.SymbolKind.TypeParameter,
    "network": types.SymbolKind.Module,
    "activation": types.SymbolKind.Variable,
    "layer": types.SymbolKind.Variable,
    "block": types.SymbolKind.Method,
    "dimension": types.SymbolKind.Key,
    "tensor": types.SymbolKind.Variable,
}
_ITEMS = {
    "keyword": types.CompletionItemKind.Keyword,
    "unit": types.CompletionItemKind.Unit,
    "file": types.CompletionItemKind.File,
    "directory": types.CompletionItemKind.Folder,
    "function": types.CompletionItemKind.Function,
    "operator": types.CompletionItemKind.Function,
    "block": types.CompletionItemKind.Function,
    "constant": types.CompletionItemKind.EnumMember,
    "attribute": types.CompletionItemKind.Property,
    "parameter": types.CompletionItemKind.Property,
    "engine": types.CompletionItemKind.Class,
    "accelerator": types.CompletionItemKind.Class,
    "network": types.CompletionItemKind.Module,
    "technology": types.CompletionItemKind.Module,
    "memory": types.CompletionItemKind.Field,
    "array": types.CompletionItemKind.Field,
}
_UNUSED = ("Q0404", "Q0420")


@dataclass(frozen=True)
class Converter:
    """uri: of a file by the path that its spans have. related: whether the client shows related places."""

    positions: Positions
    uri: Callable[[str], str]
    related: bool = True

    def diagnostic(self, d: Diagnostic) -> types.Diagnostic:
        labels = d.labels if self.related else ()
        return types.Diagnostic(
            range=self.positions.of(d.span) if d.span else types.Range(types.Position(0, 0), types.Position(0, 0)),
            message="\n".join(self._message(d)),
            severity=types.DiagnosticSeverity.Error
            if d.severity is Severity.ERROR
            else types.DiagnosticSeverity.Warning,
            code=d.code,
            code_description=types.CodeDescription(_page(d.code)),
            source="qdsl",
            tags=[types.DiagnosticTag.Unnecessary] if d.code in _UNUSED else None,
            related_information=[
                types.DiagnosticRelatedInformation(self.location(label.span), label.text) for label in labels
            ]
            or None,
        )

    def _message(self, d: Diagnostic) -> Iterator[str]:
        yield d.message + (f" ({d.label})" if d.label else "")
        if not self.related:
            yield from (f"{label.span.line}:{label.span.column}: {label.text}" for label in d.labels)
        yield from (f"note: {text}" for text in d.notes)
        yield from (f"help: {text}" for text in d.helps)

    def location(self, span: Span) -> types.Location:
        return types.Location(self.uri(span.source.path), self.positions.of(span))

    def symbol(self, entry: Entry) -> types.DocumentSymbol:
        return types.DocumentSymbol(
            name=entry.name,
            detail=entry.kind,
            kind=_SYMBOLS.get(entry.kind, types.SymbolKind.Object),
            range=self.positions.of(entry.span),
            selection_range=self.positions.of(entry.name_span),
            children=[self.symbol(e) for e in entry.inside],
        )

    def workspace_edit(self, edits: Iterable[Edit]) -> types.WorkspaceEdit:
        changes: dict[str, list[types.TextEdit]] = {}
        for edit in edits:
            text_edit = types.TextEdit(self.positions.of(edit.span), edit.text)
            changes.setdefault(self.uri(edit.span.source.path), []).append(text_edit)
        return types.WorkspaceEdit(changes=changes)

    def line_edits(self, before: str, after: str) -> list[types.TextEdit]:
        """What turns one text into the other, whole lines at a time, so that a cursor elsewhere stays where it is."""
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
        starts = [0]
        for line in old:
            starts.append(starts[-1] + len(line))
        matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
        return [
            types.TextEdit(self.positions.range(before, starts[a], starts[b]), "".join(new[c:d]))
            for tag, a, b, c, d in matcher.get_opcodes()
            if tag != "equal"
        ]


def _page(code: str) -> str:
    """Where a code is explained: its page, or the language reference."""
    page = data_dir("grammar") / "rules" / f"{code}.md"
    return (page if page.is_file() else data_dir("grammar") / "README.md").as_uri()


def completion_item(item: Item) -> types.CompletionItem:
    return types.CompletionItem(
        label=item.label,
        kind=_ITEMS.get(item.kind, types.CompletionItemKind.Variable),
        detail=", ".join(x for x in (item.kind, item.detail) if x),
        sort_text=f"{item.rank}{item.label}",
    )
