"""Between offsets in a text and positions as the protocol counts them: lines from 0, columns in the units agreed upon."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import lru_cache

from lsprotocol.types import Position, Range
from pygls.workspace import PositionCodec

from qdsl.diagnostics import Span

_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Positions:
    """codec: counts the units of a text, UTF-16 unless client and server agreed on others."""

    codec: PositionCodec = field(default_factory=PositionCodec)

    def position(self, text: str, offset: int) -> Position:
        starts = _starts(text)
        line = bisect_right(starts, offset) - 1
        return Position(line, self.codec.client_num_units(text[starts[line] : offset]))

    def offset(self, text: str, at: Position) -> int:
        """The offset of a position; of one past the end of its line or of the text, that end."""
        starts = _starts(text)
        if at.line >= len(starts):
            return len(text)
        start = starts[at.line]
        line = text[start : starts[at.line + 1] if at.line + 1 < len(starts) else len(text)].rstrip("\r\n")
        units = 0
        for i, character in enumerate(line):
            if units >= at.character:
                return start + i
            units += self.codec.client_num_units(character)
        return start + len(line)

    def range(self, text: str, start: int, end: int) -> Range:
        return Range(self.position(text, start), self.position(text, end))

    def of(self, span: Span) -> Range:
        return self.range(span.source.text, span.start, span.end)


@lru_cache(maxsize=256)
def _starts(text: str) -> tuple[int, ...]:
    """Offsets at which lines start."""
    return (0, *(m.end() for m in _BREAK.finditer(text)))
