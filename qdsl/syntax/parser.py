"""Text to syntax tree. Every mistake of a file is reported in one pass over it."""

from __future__ import annotations

from bisect import bisect_left

from qdsl.diagnostics import Diagnostic, Sink, SourceFile, Span
from qdsl.syntax.layout import Layout, Segment, lay_out, statement_at
from qdsl.syntax.reader import NotReadableError, read
from qdsl.syntax.tree import Comment, Declaration, File, Import

MAX_CHARACTERS = 2_000_000
MAX_REPORTED = 20  # syntax errors per declaration
MAX_ERRORS = 100  # per file
MAX_REPARSED = 2_000_000  # characters parsed again in one file after errors


def parse(source: SourceFile, sink: Sink) -> File:
    """The tree of a file. Findings go to the sink; statements with mistakes are missing from the tree.

    A statement that the grammar refuses is reported and blanked, and the rest of its declaration is parsed again.
    """
    span = Span(source, 0, len(source.text))
    if problem := _unreadable(source):
        sink.add(problem)
        return File(span=span, imports=(), declarations=())
    before = len(sink.diagnostics)
    layout = lay_out(source, sink)
    imports: list[Import] = []
    declarations: list[Declaration] = []
    reader = _Reader(source, layout, sink)
    for segment in layout.segments:
        if len(sink.diagnostics) - before > MAX_ERRORS:
            at = Span(source, segment.start, segment.start)
            sink.add(Diagnostic("Q0007", "too many mistakes; the rest of the file is not read", at))
            break
        item = reader.read(segment)
        if isinstance(item, Import):
            imports.append(item)
        elif item is not None:
            declarations.append(item)
    comments = tuple(Comment(span=Span(source, a, b), text=source.text[a:b]) for a, b in layout.comments)
    return File(span=span, imports=tuple(imports), declarations=tuple(declarations), comments=comments)


def _unreadable(source: SourceFile) -> Diagnostic | None:
    """Why the text cannot be a spec at all."""
    if len(source.text) > MAX_CHARACTERS:
        note = f"it has {len(source.text)} characters; at most {MAX_CHARACTERS} are read"
        return Diagnostic("Q0013", "the file is too large", Span(source, 0, 0), notes=(note,))
    if (nul := source.text.find("\0")) >= 0:
        return Diagnostic("Q0014", "the file is not text", Span(source, nul, nul + 1), "this is a NUL byte")
    return None


class _Reader:
    """Reads one segment after another."""

    def __init__(self, source: SourceFile, layout: Layout, sink: Sink) -> None:
        self.source = source
        self.layout = layout
        self.sink = sink
        self.budget = MAX_REPARSED
        self.lost = False  # the last segment was no declaration, so what follows may be its remains

    def read(self, segment: Segment) -> Import | Declaration | None:
        text = self.layout.text[segment.start : segment.end]
        if self.lost and not _begins_declaration(text):
            return None
        self.lost = False
        for offset in self.broken(segment):
            text = _blank(text, *statement_at(text, offset))
        for _ in range(MAX_REPORTED):
            if not text.strip():
                break
            try:
                return read(text + segment.missing, self.source, segment.start, self.sink)
            except NotReadableError:
                from qdsl.syntax.mistakes import error_offset, explain, refusal  # loads Lark

                error = refusal(text + segment.missing)
                offset = error_offset(error, text)
                start, end = statement_at(text, offset)
                self.sink.add(explain(error, text[:start], text, Span(self.source, segment.start, segment.end)))
                self.budget -= len(text)
                if segment.missing or not text[start:end].strip() or self.budget < 0:
                    return None  # after a brace that is missing, further findings would follow from it
                text = _blank(text, start, end)
        self.lost = True
        return None

    def broken(self, segment: Segment) -> list[int]:
        """Offsets in the segment of mistakes already reported; more than a few make the whole segment one."""
        offsets = self.layout.broken
        found = offsets[bisect_left(offsets, segment.start) : bisect_left(offsets, segment.end)]
        return [o - segment.start for o in found] if len(found) <= MAX_REPORTED else [0]


def _begins_declaration(text: str) -> bool:
    from qdsl.syntax.mistakes import begins_declaration  # loads Lark

    return begins_declaration(text)


def _blank(text: str, start: int, end: int) -> str:
    return text[:start] + " " * (end - start) + text[end:]
