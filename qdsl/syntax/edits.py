"""Text with corrections in it, and the way back from its offsets to those of the text as written."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from math import inf
from typing import Any, TypeVar

from qdsl.diagnostics import Diagnostic, SourceFile, Span
from qdsl.syntax.tree import Node

MAX_SHOWN = 60  # characters of a corrected statement in a help

N = TypeVar("N", bound=Node)


@dataclass(frozen=True, slots=True)
class Edited:
    """text: with the edits made. pieces: where something new begins, as offsets in it and in the text as written, ascending."""

    text: str
    pieces: tuple[tuple[int, int], ...] = ((0, 0),)

    @classmethod
    def of(cls, text: str, edits: Iterable[tuple[int, int, str]]) -> Edited:
        """edits: (start, end, what comes in place of it) as of the text given, in its order."""
        parts, pieces, done, length = [], [(0, 0)], 0, 0
        for start, end, new in edits:
            parts += [text[done:start], new]
            length += start - done
            pieces += [(length, start), (length + len(new), end)]
            done, length = end, length + len(new)
        return cls("".join([*parts, text[done:]]), tuple(pieces))

    def replaced(self, start: int, end: int, new: str) -> Edited:
        """With `new` in place of the characters from `start` to `end`."""
        grown = len(new) - (end - start)
        middle = ((start, self.origin(start)), (start + len(new), self.origin(end)))
        before = tuple(p for p in self.pieces if p[0] < start)
        after = tuple((at + grown, was) for at, was in self.pieces if at > end)
        return Edited(self.text[:start] + new + self.text[end:], (*before, *middle, *after))

    def origin(self, offset: int) -> int:
        """The offset in the text as written; what was added stands where it was put in."""
        i = bisect_right(self.pieces, (offset, inf))
        at, was = self.pieces[i - 1]
        following = self.pieces[i][1] if i < len(self.pieces) else inf
        return int(min(was + offset - at, following))


class Relocation:
    """Moves findings and nodes from an edited text to the source that it was made from.

    offset: where the edited text begins in the source."""

    def __init__(self, edited: Edited, source: SourceFile, offset: int = 0) -> None:
        self.source = source
        self._at: Callable[[int], int] = lambda n: min(offset + edited.origin(n), len(source.text))

    def span(self, span: Span) -> Span:
        start = self._at(span.start)
        return Span(self.source, start, max(start, self._at(span.end)))

    def finding(self, d: Diagnostic) -> Diagnostic:
        labels = tuple(replace(label, span=self.span(label.span)) for label in d.labels)
        return replace(d, span=self.span(d.span) if d.span else None, labels=labels)

    def node(self, node: N) -> N:
        moved: dict[str, Any] = {f.name: self._part(getattr(node, f.name)) for f in fields(node)}
        return replace(node, **moved)

    def _part(self, part: object) -> object:
        if isinstance(part, Span):
            return self.span(part)
        if isinstance(part, tuple):
            return tuple(map(self._part, part))
        return self.node(part) if isinstance(part, Node) else part


def shown(text: str, start: int, end: int) -> str:
    """The statement, or the beginning of its block, as it should be; '' if that is too long."""
    words = " ".join(text[start:end].split())
    return f"write `{words}`" if len(words) <= MAX_SHOWN else ""


def told(old: str, new: str) -> str:
    """What to do in place of some text."""
    old, new = old.strip(), new.strip()
    if not new:
        return f"remove `{old}`"
    return f"write `{new}` in place of `{old}`" if old else f"put `{new}` before it"
