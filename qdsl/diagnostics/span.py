"""Where something stands in a source file."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property


@dataclass(frozen=True)
class SourceFile:
    """One text file as it was read; `path` is what diagnostics print."""

    path: str
    text: str = field(repr=False)

    @cached_property
    def _line_starts(self) -> tuple[int, ...]:
        starts = [0]
        starts.extend(i + 1 for i, c in enumerate(self.text) if c == "\n")
        return tuple(starts)

    def position(self, offset: int) -> tuple[int, int]:
        """1-based (line, column) of a character offset."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """Text of the 1-based line, without its line break."""
        start, end = self.line_range(number)
        return self.text[start:end].rstrip("\r")

    def line_range(self, number: int) -> tuple[int, int]:
        """Offsets at which the 1-based line begins and at which its line break stands."""
        end = self._line_starts[number] - 1 if number < len(self._line_starts) else len(self.text)
        return self._line_starts[number - 1], end


@dataclass(frozen=True, slots=True)
class Span:
    """Half-open range of character offsets in one source file."""

    source: SourceFile
    start: int
    end: int

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    @property
    def column(self) -> int:
        return self.source.position(self.start)[1]

    def to(self, other: Span) -> Span:
        """The span from the start of this one to the end of `other`."""
        return Span(self.source, self.start, max(self.end, other.end))

    def __str__(self) -> str:
        return f"{self.source.path}:{self.line}:{self.column}"
