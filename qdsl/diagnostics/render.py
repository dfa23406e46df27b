"""Diagnostics as text for people."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

from qdsl.diagnostics.columns import View, columns, printable, view, wrapped
from qdsl.diagnostics.diagnostic import Diagnostic, Label, Severity
from qdsl.diagnostics.span import Span

MAX_LINE = 180  # columns of a source line that are shown
_MIN_WIDTH = 32
_MIN_LABEL = 24  # columns in which a label is wrapped
_STYLES = {"error": "1;31", "warning": "1;33", "bold": "1", "blue": "1;34", "green": "1;32"}

_Piece = tuple[int, int, int, str, bool]  # line, start and end as 0-based offsets in it, label, whether primary


def render_text(diagnostics: Iterable[Diagnostic], color: bool = False, width: int = 100) -> str:
    """Each finding with its source lines, by place, then a line that counts them; '' if there are none.

    color: whether to use ANSI colours. width: columns of the terminal.
    """
    found = in_order(diagnostics)
    if not found:
        return ""
    renderer = _Renderer(color, max(width, _MIN_WIDTH))
    return "\n".join([*(renderer.diagnostic(d) for d in found), renderer.summary(found)])


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """By place, files in the order in which they first appear; findings without a place first."""
    found = list(diagnostics)
    files = {path: i for i, path in enumerate(dict.fromkeys(d.span.source.path for d in found if d.span))}
    return sorted(found, key=lambda d: (files[d.span.source.path], d.span.start) if d.span else (-1, 0))


class _Renderer:
    def __init__(self, color: bool, width: int) -> None:
        self.color = color
        self.width = width
        self.introduced: set[str] = set()  # files whose chain of imports was shown

    def style(self, text: str, *styles: str) -> str:
        return f"\x1b[{';'.join(_STYLES[s] for s in styles)}m{text}\x1b[0m" if self.color and text else text

    def diagnostic(self, d: Diagnostic) -> str:
        head = f"{d.severity}[{d.code}]"
        first, *more = wrapped(printable(d.message), self.width, f"{head}: ", "  ")
        lines = [self.style(head, d.severity) + self.style(first[len(head) :], "bold")]
        lines += [self.style(line, "bold") for line in more]
        margin = 1
        if d.span:
            marks = [(d.span, d.label, True), *((x.span, x.text, False) for x in (*d.labels, *self.chain(d)))]
            margin = max(len(str(span.source.position(span.end)[0])) for span, _, _ in marks)
            paths = dict.fromkeys(span.source.path for span, _, _ in marks)
            for path in paths:
                here = [mark for mark in marks if mark[0].source.path == path]
                lines += self.file(here, margin, d.severity)
            if not d.notes and not d.helps:
                lines.pop()
        for kind, texts in (("note", d.notes), ("help", d.helps)):
            for text in texts:
                lines += self.remark(kind, text, margin)
        return "\n".join([*lines, ""])

    def chain(self, d: Diagnostic) -> tuple[Label, ...]:
        """How the file is imported, with the first of its findings."""
        path = d.span.source.path if d.span else ""
        shown = () if path in self.introduced else d.imported
        self.introduced.add(path)
        return shown

    def remark(self, kind: str, text: str, margin: int) -> list[str]:
        begin = f"{' ' * margin} = {kind}: "
        first, *more = wrapped(printable(text), self.width, begin, " " * len(begin))
        equals = self.style("=", "blue") + " " + self.style(kind, "bold" if kind == "note" else "green")
        return [f"{' ' * margin} {equals}{first[margin + 3 + len(kind) :]}", *more]

    def file(self, marks: list[tuple[Span, str, bool]], margin: int, severity: Severity) -> list[str]:
        """The lines of one file that the marks lie in, each followed by its carets."""
        source = marks[0][0].source
        shown = next((span for span, _, primary in marks if primary), marks[0][0])
        arrow = "-->" if any(primary for _, _, primary in marks) else ":::"
        bar = f"{' ' * margin} {self.style('|', 'blue')}"
        lines = [f"{' ' * margin}{self.style(arrow, 'blue')} {printable(str(shown))}", bar]
        pieces = sorted((piece for mark in marks for piece in _pieces(*mark)), key=itemgetter(0, 1))
        room = min(MAX_LINE, self.width - margin - 3)
        previous = 0
        for number, group in groupby(pieces, key=itemgetter(0)):
            if previous and number > previous + 2:
                lines.append(self.style("...", "blue"))
            elif previous and number == previous + 2:
                lines.append(self.line(number - 1, view(source.line(number - 1), 0, 0, room), margin))
            for seen, here in _views(source.line(number), list(group), room):
                lines.append(self.line(number, seen, margin))
                for piece in reversed(here):
                    lines += [f"{bar} {text}" for text in self.mark(piece, seen, room, severity)]
            previous = number
        return [*lines, bar]

    def mark(self, piece: _Piece, seen: View, room: int, severity: Severity) -> list[str]:
        """Carets with their label: behind them if it fits there, else below."""
        _, start, end, label, primary = piece
        at, after = seen.column(start), seen.column(end)
        carets, label = ("^" if primary else "-") * max(1, after - at), printable(label)
        fits = at + len(carets) + 1 + columns(label) <= room
        style = severity if primary else "blue"
        if fits or not label:
            return [" " * at + self.style(f"{carets} {label}" if label else carets, style)]
        indent = " " * min(at, max(0, room - _MIN_LABEL))
        below = [indent + self.style(text, style) for text in wrapped(label, room - len(indent))]
        return [" " * at + self.style(carets, style), *below]

    def line(self, number: int, seen: View, margin: int) -> str:
        return f"{self.style(f'{number:>{margin}} |', 'blue')} {seen.text}".rstrip()

    def summary(self, found: list[Diagnostic]) -> str:
        counts = []
        for severity in Severity:
            n = sum(d.severity is severity for d in found)
            if n:
                counts.append(self.style(f"{n} {severity}{'s' * (n > 1)}", severity))
        return ", ".join(counts) + "\n"


def _pieces(span: Span, label: str, primary: bool) -> list[_Piece]:
    """Of a span over several lines its first and last."""
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


def _views(line: str, pieces: list[_Piece], room: int) -> list[tuple[View, list[_Piece]]]:
    """One view of the line with all pieces if they fit into it, else one for each."""
    start, end = min(p[1] for p in pieces), max(p[2] for p in pieces)
    seen = view(line, start, end, room)
    if seen.start <= start and end <= seen.end:
        return [(seen, pieces)]
    return [(view(line, p[1], p[2], room), [p]) for p in pieces]
