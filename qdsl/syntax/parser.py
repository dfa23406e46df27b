"""Text to syntax tree. Every mistake of a file is reported in one pass over it."""

from __future__ import annotations

from bisect import bisect_left

from lark import Token, Tree, UnexpectedInput

from qdsl.diagnostics import Diagnostic, Sink, SourceFile, Span
from qdsl.syntax.blocks import headers
from qdsl.syntax.edits import Edited, Relocation
from qdsl.syntax.layout import Layout, Segment, lay_out, statement_at
from qdsl.syntax.mend import mend
from qdsl.syntax.mistakes import begins_declaration, explain
from qdsl.syntax.repair import refused_at
from qdsl.syntax.tables import parser
from qdsl.syntax.transform import transform
from qdsl.syntax.tree import Comment, Declaration, File, Import

MAX_CHARACTERS = 2_000_000
MAX_REPORTED = 20  # syntax errors per declaration
MAX_ERRORS = 100  # per file


def parse(source: SourceFile, sink: Sink) -> File:
    """The tree of a file. Findings go to the sink; statements that could not be read are missing from the tree.

    A statement that the grammar refuses is corrected if there is one small change that does it, else left out; either way
    it is reported, and the rest of its declaration is parsed again. If there is anything to report, the text is also read
    as `mend` would have it: the reading with fewer findings, and fewer lines left out, counts.
    """
    if problem := _unreadable(source):
        sink.add(problem)
        return File(span=Span(source, 0, len(source.text)), imports=(), declarations=())
    tree, found = _read(source)
    if found:
        edited, mended = mend(source)
        if mended or len(found) > 1:
            other, rest = _read(SourceFile(source.path, edited.text), balanced=True)
            if len(mended) + len(rest) + _lines_lost(other) <= len(found) + _lines_lost(tree):
                place = Relocation(edited, source)
                more = [place.finding(d) for d in rest]
                said = {d.span.start for d in more if d.span}
                tree, found = place.node(other), [*(d for d in mended if not d.span or d.span.start not in said), *more]
    for diagnostic in found:
        sink.add(diagnostic)
    return tree


def _read(source: SourceFile, balanced: bool = False) -> tuple[File, list[Diagnostic]]:
    """The tree of a text as it is, and what is wrong with it. balanced: whether its brackets are known to match."""
    sink = Sink()
    layout = lay_out(source, sink, balanced)
    reader = _Reader(source, layout, sink)
    items: list[Import | Declaration] = []
    for segment in layout.segments:
        if len(sink.diagnostics) > MAX_ERRORS:
            at = Span(source, segment.start, segment.start)
            sink.add(Diagnostic("Q0007", "too many mistakes; the rest of the file is not read", at))
            break
        if item := reader.read(segment):
            items.append(item)
    tree = File(
        span=Span(source, 0, len(source.text)),
        imports=tuple(i for i in items if isinstance(i, Import)),
        declarations=tuple(i for i in items if not isinstance(i, Import)),
        comments=tuple(Comment(span=Span(source, a, b), text=source.text[a:b]) for a, b in layout.comments),
        lost=tuple(reader.left_out),
    )
    return tree, sink.diagnostics


def _lines_lost(tree: File) -> int:
    return sum(span.source.position(span.end)[0] - span.line + 1 for span in tree.lost)


def _unreadable(source: SourceFile) -> Diagnostic | None:
    """Why the text cannot be a spec at all."""
    if len(source.text) > MAX_CHARACTERS:
        note = f"it has {len(source.text)} characters; at most {MAX_CHARACTERS} are read"
        return Diagnostic("Q0013", "the file is too large", Span(source, 0, 0), notes=(note,))
    if (nul := source.text.find("\0")) >= 0:
        return Diagnostic("Q0014", "the file is not text", Span(source, nul, nul + 1), "this is a NUL byte")
    return None


class _Reader:
    """Reads one segment after another. left_out: what is in no tree."""

    def __init__(self, source: SourceFile, layout: Layout, sink: Sink) -> None:
        self.source = source
        self.layout = layout
        self.sink = sink
        self.lost = False  # the last segment was no declaration, so what follows may be its remains
        self.left_out: list[Span] = []

    def read(self, segment: Segment) -> Import | Declaration | None:
        written = self.layout.text[segment.start : segment.end]
        if self.lost and not begins_declaration(written):
            self.left_out.append(Span(self.source, segment.start, segment.end))
            return None
        text = Edited(written)
        for offset in self.broken(segment):
            text = self.without(text, *statement_at(text.text, offset), segment)
        self.lost = not text.text.strip()
        tree, done = None, 0
        for _ in range(MAX_REPORTED):
            if self.lost:
                return None
            opened = "".join(headers(text.text, done)) if done else ""
            try:
                tree = parser().parse(opened + text.text[done:] + segment.missing)
            except UnexpectedInput as error:
                offset = max(refused_at(error, text.text, done - len(opened)), done)
                text, done = self.put_right(error, offset, text, segment)
            else:
                # of a declaration with mistakes only the rest was parsed
                return self.transformed(parser().parse(text.text + segment.missing) if done else tree, text, segment)
        self.lost = True
        return None

    def put_right(self, error: UnexpectedInput, offset: int, text: Edited, segment: Segment) -> tuple[Edited, int]:
        """The declaration with the statement at a mistake corrected or left out, and where to go on."""
        start, end = statement_at(text.text, offset)
        place = Span(self.source, segment.start, segment.end)
        mistake = explain(error, text, start, end, offset, place)
        self.sink.add(mistake.diagnostic)
        if mistake.made:
            return mistake.made.edited, mistake.made.begin
        # after a brace that is missing, further findings would follow from it
        self.lost = start == 0 or bool(segment.missing) or not text.text[start:end].strip()
        if self.lost:
            self.left_out.append(place)
        elif "LBRACE" in mistake.expected:  # a block without brace: its lines say nothing by themselves
            end = self.end_of_deeper_lines(text, start, end, segment)
        return self.without(text, start, end, segment), end

    def transformed(self, tree: Tree[Token], text: Edited, segment: Segment) -> Import | Declaration | None:
        if len(text.pieces) == 1:
            return transform(tree, self.source, segment.start, self.sink)
        found = Sink()
        item = transform(tree, SourceFile(self.source.path, text.text), 0, found)
        place = Relocation(text, self.source, segment.start)
        for diagnostic in found:
            self.sink.add(place.finding(diagnostic))
        return place.node(item) if item else None

    def end_of_deeper_lines(self, text: Edited, start: int, end: int, segment: Segment) -> int:
        """Where the statements end that follow one and are indented deeper than it."""

        def column(offset: int) -> int:
            blanks = len(text.text[offset:]) - len(text.text[offset:].lstrip())
            return self.source.position(segment.start + text.origin(offset + blanks))[1]

        indent = column(start)
        while end < len(text.text) and text.text[end] == "\n" and column(end) > indent:
            end = statement_at(text.text, end + 1)[1]
        return end

    def without(self, text: Edited, start: int, end: int, segment: Segment) -> Edited:
        first, last = (segment.start + text.origin(n) for n in (start, end))
        self.left_out.append(Span(self.source, first, last))
        return Edited(text.text[:start] + " " * (end - start) + text.text[end:], text.pieces)

    def broken(self, segment: Segment) -> list[int]:
        """Offsets in the segment of mistakes already reported; more than a few make the whole segment one."""
        offsets = self.layout.broken
        found = offsets[bisect_left(offsets, segment.start) : bisect_left(offsets, segment.end)]
        return [o - segment.start for o in found] if len(found) <= MAX_REPORTED else [0]
