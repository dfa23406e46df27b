"""Text to syntax tree. Every mistake of a file is reported in one pass over it."""

from __future__ import annotations

import re
from bisect import bisect_left

from qdsl.diagnostics import Diagnostic, Sink, SourceFile, Span, nearest
from qdsl.syntax.layout import DECLARATIONS, Layout, Segment, lay_out
from qdsl.syntax.reader import NotReadableError, read
from qdsl.syntax.tree import Comment, Declaration, File, Import

MAX_CHARACTERS = 2_000_000
MAX_ERRORS = 100  # per file
MAX_BROKEN = 20  # statements of a declaration with brackets or quotes that do not match; more make all of it one


def parse(source: SourceFile, sink: Sink) -> File:
    """The tree of a file. Findings go to the sink; statements that could not be read are missing from the tree.

    A statement that the grammar refuses is corrected if there is one small change that does it, else left out; either way
    it is reported. If there is anything to report, the text is also read as `mend` would have it: the reading with fewer
    findings, and fewer lines left out, counts.
    """
    if problem := _unreadable(source):
        sink.add(problem)
        return File(span=Span(source, 0, len(source.text)), imports=(), declarations=())
    tree, found = _read(source)
    if found:
        tree, found = _mended(source, tree, found)
    sink.take(found)
    return tree


def _mended(source: SourceFile, tree: File, found: list[Diagnostic]) -> tuple[File, list[Diagnostic]]:
    """The better of a reading and that of the mended text."""
    from qdsl.syntax.edits import Relocation
    from qdsl.syntax.mend import mend

    edited, mended = mend(source)
    if not mended and len(found) == 1:
        return tree, found
    other, rest = _read(SourceFile(source.path, edited.text), balanced=True)
    if len(mended) + len(rest) + _lines_lost(other) > len(found) + _lines_lost(tree):
        return tree, found
    place = Relocation(edited, source)
    more = [place.finding(d) for d in rest]
    said = {d.span.start for d in more if d.span}
    return place.node(other), [*(d for d in mended if not d.span or d.span.start not in said), *more]


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
        text = self.layout.text[segment.start : segment.end]
        if self.lost and not _begins_declaration(text):
            self.left_out.append(Span(self.source, segment.start, segment.end))
            return None
        broken = self.broken(segment)
        if not broken:
            try:
                item = read(text + segment.missing, self.source, segment.start, self.sink)
            except NotReadableError:
                pass
            else:
                self.lost = False
                if item is None:
                    self.left_out.append(Span(self.source, segment.start, segment.end))
                return item
        from qdsl.syntax.recovery import Recovery  # loads Lark

        recovery = Recovery(self.source, segment, self.sink)
        found = recovery.read(text, broken)
        self.lost = recovery.lost
        self.left_out += recovery.left_out
        return found

    def broken(self, segment: Segment) -> list[int]:
        """Offsets in the segment of mistakes already reported; more than a few make the whole segment one."""
        offsets = self.layout.broken
        found = offsets[bisect_left(offsets, segment.start) : bisect_left(offsets, segment.end)]
        return [o - segment.start for o in found] if len(found) <= MAX_BROKEN else [0]


def _begins_declaration(text: str) -> bool:
    """Whether the first word is a declaration's, or nearly so."""
    match = re.match(r"\s*([A-Za-z_]\w*)", text)
    return match is not None and (match[1] in DECLARATIONS or nearest(match[1], DECLARATIONS) is not None)
