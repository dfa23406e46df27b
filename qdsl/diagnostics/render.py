"""Diagnostics as text for people and as JSON for programs."""

from __future__ import annotations

import json
import textwrap
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from qdsl.diagnostics.diagnostic import Diagnostic, Severity
from qdsl.diagnostics.span import Span

TAB = 4
MAX_LINE = 180  # characters of a source line that are shown
_MIN_WIDTH = 40
_STYLES = {"error": "1;31", "warning": "1;33", "bold": "1", "blue": "1;34", "green": "1;32"}


def render_text(diagnostics: Iterable[Diagnostic], color: bool = False, width: int = 100) -> str:
    """Each finding with its source lines, by place, then a line that counts them; '' if there are none.

    color: whether to use ANSI colours. width: columns to which messages, notes and helps are wrapped.
    """
    found = _in_order(diagnostics)
    if not found:
        return ""
    renderer = _Renderer(color, max(width, _MIN_WIDTH))
    return "\n".join([*(renderer.diagnostic(d) for d in found), renderer.summary(found)])


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """One JSON object per line. Lines and columns are 1-based; end_column is the column after the last character."""
    return "".join(json.dumps(_record(d), ensure_ascii=False) + "\n" for d in _in_order(diagnostics))


def _in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By place, files in the order in which they first appear; findings without a place first."""
    found = list(diagnostics)
    files = {path: i for i, path in enumerate(dict.fromkeys(d.span.source.path for d in found if d.span))}
    return sorted(found, key=lambda d: (files[d.span.source.path], d.span.start) if d.span else (-1, 0))


def _record(d: Diagnostic) -> dict[str, object]:
    labels = [{**_place(label.span), "text": label.text} for label in d.labels]
    head = {"code": d.code, "severity": str(d.severity), "message": d.message}
    return {**head, **_place(d.span), "label": d.label, "labels": labels, "notes": d.notes, "helps": d.helps}


def _place(span: Span | None) -> dict[str, object]:
    if span is None:
        return dict.fromkeys(("path", "line", "column", "end_line", "end_column"))
    end_line, end_column = span.source.position(span.end)
    place = {"path": span.source.path, "line": span.line, "column": span.column}
    return {**place, "end_line": end_line, "end_column": end_column}


class _Renderer:
    def __init__(self, color: bool, width: int) -> None:
        self.color = color
        self.width = width

    def style(self, text: str, *styles: str) -> str:
        return f"\x1b[{';'.join(_STYLES[s] for s in styles)}m{text}\x1b[0m" if self.color and text else text

    def diagnostic(self, d: Diagnostic) -> str:
        head = f"{d.severity}[{d.code}]"
        first, *more = self.wrapped(f"{head}: {_printable(d.message)}", "  ")
        lines = [self.style(head, d.severity) + self.style(first[len(head) :], "bold")]
        lines += [self.style(line, "bold") for line in more]
        margin = 1
        if d.span:
            marks = [(d.span, d.label, True), *((label.span, label.text, False) for label in d.labels)]
            margin = max(len(str(span.source.position(span.end)[0])) for span, _, _ in marks)
            paths = dict.fromkeys(span.source.path for span, _, _ in marks)
            for path in paths:
                here = [mark for mark in marks if mark[0].source.path == path]
                lines += self.file(here, margin, d.severity)
            if not d.notes and not d.helps:
                lines.pop()
        for kind, texts in (("note", d.notes), ("help", d.helps)):
            for text in texts:
                first, *more = self.wrapped(f"{' ' * margin} = {kind}: {_printable(text)}", " " * (margin + 9))
                before, after = first.split(f"= {kind}", 1)
                equals = self.style("=", "blue") + " " + self.style(kind, "bold" if kind == "note" else "green")
                lines += [f"{before}{equals}{after}", *more]
        return "\n".join([*lines, ""])

    def wrapped(self, text: str, indent: str) -> list[str]:
        return textwrap.wrap(text, self.width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)

    def file(self, marks: list[tuple[Span, str, bool]], margin: int, severity: Severity) -> list[str]:
        """The lines of one file that the marks lie in, each followed by its carets."""
        source = marks[0][0].source
        shown = next((span for span, _, primary in marks if primary), marks[0][0])
        arrow = "-->" if any(primary for _, _, primary in marks) else ":::"
        bar = self.style("|", "blue")
        lines = [f"{' ' * margin}{self.style(arrow, 'blue')} {shown}", f"{' ' * margin} {bar}"]
        pieces = sorted((piece for mark in marks for piece in _pieces(*mark)), key=itemgetter(0, 1))
        previous = 0
        for number, group in groupby(pieces, key=itemgetter(0)):
            on_line = list(group)
            if previous and number > previous + 2:
                lines.append(self.style("...", "blue"))
            elif previous and number == previous + 2:
                text = source.line(number - 1)
                lines.append(self.line(number - 1, _window(text, 0).show(text), margin))
            text = source.line(number)
            window = _window(text, on_line[0][1])
            lines.append(self.line(number, window.show(text), margin))
            for _, start, end, label, primary in reversed(on_line):
                at, after = window.column(text, start), window.column(text, end)
                carets = ("^" if primary else "-") * max(1, after - at) + (f" {_printable(label)}" if label else "")
                styled = self.style(carets, severity if primary else "blue")
                lines.append(f"{' ' * margin} {bar} {' ' * at}{styled}")
            previous = number
        lines.append(f"{' ' * margin} {bar}")
        return lines

    def line(self, number: int, shown: str, margin: int) -> str:
        return f"{self.style(f'{number:>{margin}} |', 'blue')} {shown}".rstrip()

    def summary(self, found: list[Diagnostic]) -> str:
        counts = []
        for severity in Severity:
            n = sum(d.severity is severity for d in found)
            if n:
                counts.append(self.style(f"{n} {severity}{'s' * (n > 1)}", severity))
        return ", ".join(counts) + "\n"


def _pieces(span: Span, label: str, primary: bool) -> list[tuple[int, int, int, str, bool]]:
    """(line, start, end, label, primary), 0-based offsets in the line; of a long span its first and last."""
    (first, column), (last, end) = span.source.position(span.start), span.source.position(span.end)
    if last > first and end == 1:  # up to a line break
        last -= 1
        end = len(span.source.line(last)) + 1
    if first == last:
        return [(first, column - 1, end - 1, label, primary)]
    text = span.source.line(last)
    indent = min(len(text) - len(text.lstrip()), end - 1)
    length = len(span.source.line(first).rstrip())
    return [(first, column - 1, length, "", primary), (last, indent, end - 1, label, primary)]


@dataclass(frozen=True, slots=True)
class _Window:
    """The part of a line that is shown."""

    start: int
    end: int

    def show(self, text: str) -> str:
        return "..." * (self.start > 0) + _expanded(text[self.start : self.end]) + "..." * (self.end < len(text))

    def column(self, text: str, offset: int) -> int:
        inside = min(max(offset, self.start), self.end)
        return 3 * (self.start > 0) + _columns(text[self.start : inside])


def _window(text: str, offset: int) -> _Window:
    """All of the line, or of a very long one what surrounds the offset."""
    if len(text) <= MAX_LINE:
        return _Window(0, len(text))
    start = max(0, min(offset - MAX_LINE // 3, len(text) - MAX_LINE))
    return _Window(start, start + MAX_LINE)


def _printable(text: str) -> str:
    """The text without control characters, which could rewrite what the terminal shows."""
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") else c for c in text)


def _expanded(text: str) -> str:
    """The line as it is shown: tabs as blanks, control characters replaced."""
    column, shown = 0, []
    for c in text:
        shown.append(" " * (TAB - column % TAB) if c == "\t" else _printable(c))
        column += len(shown[-1]) if c == "\t" else _columns(shown[-1])
    return "".join(shown)


def _columns(text: str) -> int:
    """Columns the beginning of a line takes in a terminal: wide characters two, combining ones none."""
    columns = 0
    for c in text:
        if c == "\t":
            columns += TAB - columns % TAB
        elif not unicodedata.combining(c):
            columns += 2 if unicodedata.east_asian_width(c) in "WF" else 1
    return columns
