"""What every method that makes nodes needs: spans, names, limits."""

from __future__ import annotations

import re
from typing import Any

from qdsl.diagnostics import Diagnostic, Sink, SourceFile, Span
from qdsl.syntax import tree as t

MAX_DEPTH = 100
MAX_NAME = 100
MAX_DIGITS = 64
MAX_EXPONENT = 99

_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class Word(str):
    """A terminal as it was written, and where in the text of the item."""

    __slots__ = ("end", "start")

    def __new__(cls, text: str, start: int, end: int) -> Word:
        made = super().__new__(cls, text)
        made.start, made.end = start, end
        return made

    start: int
    end: int


class Base:
    """Makes the nodes of one item, whose text begins at `offset` of the source. Findings go to the sink.

    Methods take the span of the rule and its children: words, nodes, or None where something optional is absent.
    """

    def __init__(self, source: SourceFile, offset: int, sink: Sink) -> None:
        self.source = source
        self.offset = offset
        self.last = len(source.text)
        self.sink = sink
        self.depths: dict[int, int] = {}  # of expressions, by id
        self.too_deep = False
        self.activations: list[t.Ident] = []

    def finish(self, item: t.Import | t.Declaration) -> t.Import | t.Declaration | None:
        """The item after checks of the whole; None if an expression is too deep, into which later stages could not recurse."""
        if not isinstance(item, t.NetworkDecl):
            self.refuse_activations()
        return None if self.too_deep else item

    def span(self, start: int, end: int) -> Span:
        """Of offsets in the text of the item, of which closing braces may be missing at the end of the source."""
        start, end = self.offset + start, self.offset + end
        return Span(self.source, start, end if end <= self.last else self.last)

    def at(self, word: Word) -> Span:
        return self.span(word.start, word.end)

    def ident(self, word: Word) -> t.Ident:
        if len(word) > MAX_NAME:
            note = f"it has {len(word)} characters, and at most {MAX_NAME} are allowed"
            self.error("Q0009", "the name is too long", self.at(word), note=note)
        return t.Ident(span=self.at(word), name=str(word))

    def idents(self, words: list[Word]) -> tuple[t.Ident, ...]:
        return tuple(self.ident(word) for word in words)

    def error(self, code: str, message: str, span: Span, *helps: str, note: str = "") -> None:
        self.sink.add(Diagnostic(code, message, span, notes=(note,) if note else (), helps=helps))

    def deepen(self, node: Any, *parts: Any) -> Any:
        """The node; its depth is noted, and reported where it first passes the limit."""
        depth = 1 + max((self.depths.get(id(p), 0) for p in parts), default=0)
        self.depths[id(node)] = depth
        if depth == MAX_DEPTH + 1:
            self.too_deep = True
            note = f"at most {MAX_DEPTH} operations may follow from each other"
            self.error("Q0005", "the expression is too deep", node.span, "split it over several names", note=note)
        return node

    def refuse_activations(self) -> None:
        for name in self.activations:
            self.error(
                "Q0101", f"`{name.name}` is not expected here", name.span, "only layers of a network have activations"
            )

    def text(self, word: Word) -> t.Text:
        span, raw = self.at(word), str(word)[1:-1]
        known = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), raw)
        if wrong := next((m for m in re.finditer(r"\\(.)", raw) if m[1] not in _ESCAPES), None):
            at = Span(self.source, span.start + 1 + wrong.start(), span.start + 1 + wrong.end())
            self.error("Q0104", f"unknown escape `{wrong[0]}`", at, "write `\\\\` for a backslash, `/` in paths")
        return t.Text(span=span, value=known)
