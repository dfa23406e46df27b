"""Text in the columns of a terminal: how wide it is, which part of a line fits, where words wrap."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate

TAB = 4
_CUT = "..."
_PIECE = re.compile(r"[^\s`]*`[^`]*`[^\s`]*|\S+")  # code in backquotes stays on one line
_JOINED_JAMO = range(0x1160, 0x1200)  # drawn into the syllable before them


def printable(text: str) -> str:
    """The text without control characters, which could rewrite what the terminal shows."""
    if text.isascii() and text.isprintable():
        return text
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in text)


def columns(text: str) -> int:
    """Columns of printable text: wide characters take two, combining ones none."""
    return len(text) if text.isascii() else sum(map(_width, text))


def _width(c: str) -> int:
    if unicodedata.category(c) in ("Mn", "Me") or ord(c) in _JOINED_JAMO:
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


@dataclass(frozen=True, slots=True)
class View:
    """The part of a line that is shown. text: as shown; offsets from `start` to `end` of the line are in it."""

    text: str
    start: int
    end: int
    _starts: tuple[int, ...]  # column of each offset in the part, and of its end

    def column(self, offset: int) -> int:
        """Where an offset of the line is; what is not shown lies at the nearest edge."""
        return self._starts[min(max(offset, self.start), self.end) - self.start]


def view(line: str, start: int, end: int, room: int) -> View:
    """All of a line if it fits into `room` columns, else what surrounds the offsets from `start` to `end`."""
    low = max(0, start - 2 * room)
    high = min(len(line), low + 6 * room)
    cells = list(_cells(line[low:high]))
    at = [0, *accumulate(columns(cell) for cell in cells)]  # column of each offset
    if low == 0 and high == len(line) and at[-1] <= room:
        return View("".join(cells), 0, high, tuple(at))
    inner = room - 2 * len(_CUT)
    here, there = at[start - low], at[min(end, high) - low]
    left = max(0, here - max(inner - (there - here), 0) // 2)
    if at[-1] - left < inner and high == len(line):
        left = max(0, at[-1] - inner - len(_CUT))
    first = next(i for i, column in enumerate(at) if column >= left)
    cut = inner + (len(_CUT) if low + first == 0 else 0)  # what fits before the mark of a cut
    last = max(i for i, column in enumerate(at) if column - at[first] <= cut)
    if high == len(line) and at[-1] - at[first] <= cut + len(_CUT):
        last = len(cells)
    before = _CUT if low + first > 0 else ""
    after = _CUT if low + last < len(line) else ""
    shown = tuple(column - at[first] + len(before) for column in at[first : last + 1])
    return View(before + "".join(cells[first:last]) + after, low + first, low + last, shown)


def _cells(text: str) -> Iterator[str]:
    """What is shown for each character: tabs as blanks, control characters replaced."""
    column = 0
    for c in text:
        cell = " " * (TAB - column % TAB) if c == "\t" else printable(c)
        column += columns(cell)
        yield cell


def wrapped(text: str, width: int, first: str = "", others: str = "") -> list[str]:
    """Lines of at most `width` columns where words allow it, begun with `first` and then `others`."""
    lines: list[str] = []
    line, begun = first, False
    for piece in _PIECE.findall(text):
        blank = " " if begun else ""
        if begun and columns(line) + len(blank) + columns(piece) > width:
            lines.append(line)
            line, blank = others, ""
        line += blank + piece
        begun = True
    return [*lines, line]
