"""Reading a declaration with mistakes: each is reported, and corrected or left out, and the rest is read."""

from __future__ import annotations

from lark import UnexpectedInput

from qdsl.diagnostics import Sink, SourceFile, Span
from qdsl.syntax.blocks import headers
from qdsl.syntax.edits import Edited, Relocation
from qdsl.syntax.layout import BLANKS, Segment, statement_at
from qdsl.syntax.mistakes import explain, refusal
from qdsl.syntax.reader import NotReadableError, read, words
from qdsl.syntax.repair import refused_at
from qdsl.syntax.tree import Declaration, Import

MAX_REPORTED = 20  # mistakes per declaration


class Recovery:
    """Of one segment. lost: whether it is none at all, so that what follows may be its remains; left_out: what is in no
    tree."""

    def __init__(self, source: SourceFile, segment: Segment, sink: Sink) -> None:
        self.source = source
        self.segment = segment
        self.sink = sink
        self.lost = False
        self.left_out: list[Span] = []
        self.place = Span(source, segment.start, segment.end)

    def read(self, written: str, broken: list[int]) -> Import | Declaration | None:
        """The node, if anything can be made of it. broken: offsets in statements whose mistakes are reported already."""
        text, done = Edited(written), 0
        for offset in broken:
            text = self.without(text, *statement_at(text.text, offset))
        for _ in range(MAX_REPORTED):
            self.lost = self.lost or not text.text.strip(BLANKS + "\n")
            if self.lost:
                return None
            opened = "".join(headers(text.text, done)) if done else ""
            try:
                words(opened + text.text[done:] + self.segment.missing)
            except NotReadableError as error:
                at = min(max(error.at - len(opened) + done, done), len(text.text))
                text, done = self.put_right(text, at)
            else:
                return self.node(text)
        self.lost = True
        return None

    def put_right(self, text: Edited, at: int) -> tuple[Edited, int]:
        """The declaration with the statement at a mistake corrected or left out, and where to go on."""
        start, end = statement_at(text.text, at)
        error, offset = self.refused(text.text, start, end, at)
        mistake = explain(error, text, start, end, offset, self.place)
        self.sink.add(mistake.diagnostic)
        if mistake.made:
            return mistake.made.edited, mistake.made.begin
        # after a brace that is missing, further findings would follow from it
        self.lost = start == 0 or bool(self.segment.missing) or not text.text[start:end].strip(BLANKS + "\n")
        if self.lost:
            self.left_out.append(self.place)
        elif "LBRACE" in mistake.expected:  # a block without brace: its lines say nothing by themselves
            end = self.end_of_deeper_lines(text, start, end)
        return self.without(text, start, end), end

    def refused(self, text: str, start: int, end: int, at: int) -> tuple[UnexpectedInput, int]:
        """What Lark says of a statement, and where: of it alone, if it is refused alone, since Lark takes its time."""
        opened = headers(text, start)
        alone = "".join(opened) + text[start : end + 1]  # with the separator behind it
        if error := refusal(alone + "}" * len(opened)):
            return error, max(start, refused_at(error, text[: end + 1], start - len("".join(opened))))
        error = refusal(text + self.segment.missing)
        assert error, "Lark reads what the tables of its grammar refuse"
        return error, refused_at(error, text)

    def node(self, text: Edited) -> Import | Declaration | None:
        """The node of a text that can be read, with the places of what was written."""
        found = Sink()
        item = read(text.text + self.segment.missing, SourceFile(self.source.path, text.text), 0, found)
        place = Relocation(text, self.source, self.segment.start)
        self.sink.take(place.finding(d) for d in found)
        if item is None:
            self.left_out.append(self.place)
            return None
        return place.node(item)

    def end_of_deeper_lines(self, text: Edited, start: int, end: int) -> int:
        """Where the statements end that follow one and are indented deeper than it."""

        def column(offset: int) -> int:
            blanks = len(text.text[offset:]) - len(text.text[offset:].lstrip())
            return self.source.position(self.segment.start + text.origin(offset + blanks))[1]

        indent = column(start)
        while end < len(text.text) and text.text[end] == "\n" and column(end) > indent:
            end = statement_at(text.text, end + 1)[1]
        return end

    def without(self, text: Edited, start: int, end: int) -> Edited:
        first, last = (self.segment.start + text.origin(n) for n in (start, end))
        self.left_out.append(Span(self.source, first, last))
        return Edited(text.text[:start] + " " * (end - start) + text.text[end:], text.pieces)
