"""Line breaks, comments and brackets, before the grammar sees the text.

A line break ends a statement only between statements: not inside parentheses or brackets, not after `{`, `,`, `:`,
`=`, a binary operator or one of `and or not if then else`, and not before `}`, `{`, `then`, `else`, `and` or `or`. The
`*` of a pattern of names, as in `layer b1.*`, is no operator.
What is only layout becomes blanks of the same length, so that offsets in the laid out text are offsets in the source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from qdsl.diagnostics import Diagnostic, Label, Sink, SourceFile, Span

DECLARATIONS = (
    "import",
    "operator",
    "technology",
    "engine",
    "accelerator",
    "network",
    "mapping",
    "constraints",
    "study",
)
MAX_NESTING = 100
MAX_REPORTED = 50

TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*) | (?P<string>"[^"\\\n]*(?:\\.[^"\\\n]*)*"?) | (?P<newline>\n)
      | (?P<open>[({\[]) | (?P<close>[)}\]]) | (?P<separator>;) | (?P<rest>(?:[^\n"/;(){}\[\]]+|/(?!/))+)""",
    re.VERBOSE,
)
_CONTINUED = re.compile(r"(?:[,:=+*/<>-]|\.\.|\b(?:and|or|not|if|then|else))\Z")
_PATTERN = re.compile(r"(?:[.,]|\bfor\s+layer)\s*\*\s*\Z")  # `*` that stands for names, and multiplies nothing
_CONTINUES = re.compile(r"\s*(?:then|else|and|or)\b")
_DECLARATION = re.compile(
    rf'[ \t]*(?:import[ \t]+"|(?:{"|".join(DECLARATIONS)})[ \t]+[A-Za-z_]\w*[ \t]*(?:[({{]|for\b))'
)
BLANKS = " \t\r\f"  # of the grammar; other white space is no layout
VALUE_SET = re.compile(r"\bin\s*\Z")
CLOSING = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True, slots=True)
class Segment:
    """One import or declaration: a range of the laid out text, and the brackets missing at its end."""

    start: int
    end: int
    missing: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The laid out text, as long as the source.

    comments: their ranges, `//` included. broken: offsets of mistakes in brackets and quotes that are reported; their
    statements need no parsing.
    """

    text: str
    comments: tuple[tuple[int, int], ...]
    segments: tuple[Segment, ...]
    broken: tuple[int, ...]


def lay_out(source: SourceFile, sink: Sink, balanced: bool = False) -> Layout:
    """Separates layout from text. Reports brackets and quotes that do not match and nesting deeper than MAX_NESTING.

    balanced: whether brackets are known to match; if not, a line that begins a declaration ends all blocks.
    """
    return _Scan(source, sink, balanced).run()


def statement_at(text: str, offset: int) -> tuple[int, int]:
    """Range of the innermost statement that contains the offset or ends there, in the laid out text of one segment."""
    opened: list[
        tuple[str, int]
    ] = []  # `{` of a block or any other bracket, and the start of the statement it stands in
    start = 0
    depth: int | None = None  # of brackets at the offset
    for token in TOKEN.finditer(text):
        kind, at = token.lastgroup, token.start()
        if depth is None and at >= offset:
            depth = len(opened)
        in_block = not opened or opened[-1][0] == "{"
        if kind == "open":
            is_block = token[0] == "{" and in_block and not VALUE_SET.search(text, max(start, at - 80), at)
            opened.append(("{" if is_block else f"in {token[0]}", start))
            if is_block and depth is None:
                start = token.end()
        elif kind == "close":
            while opened and token[0] == "}" and not opened[-1][0].endswith("{"):
                opened.pop()  # reported as never closed
            if opened:
                bracket, outer = opened.pop()
                if bracket == "{" and depth is None:
                    start = outer
                elif bracket == "{" and len(opened) < (depth or 0):
                    return start, at
        elif kind in ("separator", "newline") and in_block:
            if depth is not None and len(opened) <= depth:
                return start, at
            if depth is None:
                start = token.end()
    return start, len(text)


class _Scan:
    def __init__(self, source: SourceFile, sink: Sink, balanced: bool) -> None:
        self.source = source
        self.sink = sink
        self.balanced = balanced
        self.pieces: list[str] = []
        self.comments: list[tuple[int, int]] = []
        self.segments: list[Segment] = []
        self.broken: list[int] = []
        self.opened: list[tuple[str, int]] = []
        self.start: int | None = None  # of the segment
        self.end = 0  # of the last thing that is not layout
        self.last = ""  # its text
        self.reported = 0
        self.pending: int | None = None  # index in pieces of a line break that may end a statement

    def run(self) -> Layout:
        text = self.source.text
        for token in TOKEN.finditer(text):
            kind, word, at = token.lastgroup or "", token[0], token.start()
            if at == 0:
                word = word.replace("\ufeff", " ", 1)  # a byte order mark
            if kind == "comment":
                self.comments.append((at, at + len(word.rstrip())))
                self.pieces.append(" " * len(word))
            elif kind == "newline":
                if self.pending is None:
                    self.pending = len(self.pieces)
                self.pieces.append(" ")
            elif kind == "rest" and not word.strip(BLANKS + "\ufeff"):
                self.pieces.append(" " * len(word))
            else:
                self.end_line(kind, word, token)
                self.pieces.append(word)
                self.take(kind, word, at)
                if len(self.opened) > MAX_NESTING:
                    return self.too_deep(at)
        self.close_segment()
        return Layout("".join(self.pieces), tuple(self.comments), tuple(self.segments), tuple(sorted(self.broken)))

    def too_deep(self, at: int) -> Layout:
        """Gives up on the declaration and the rest of the file."""
        span, note = Span(self.source, at, at + 1), f"brackets may be nested {MAX_NESTING} deep"
        self.sink.add(Diagnostic("Q0005", "brackets are nested too deeply", span, notes=(note,)))
        return Layout("".join(self.pieces), tuple(self.comments), tuple(self.segments), tuple(sorted(self.broken)))

    def end_line(self, kind: str, word: str, token: re.Match[str]) -> None:
        """Decides, now that the next thing is known, whether the pending line break ends a statement."""
        if self.pending is None:
            return
        index, self.pending = self.pending, None
        if kind == "rest" and self.opened and not self.balanced and _DECLARATION.match(self.source.text, token.start()):
            self.close_segment()
            return
        if self.opened and self.opened[-1][0] != "{":
            return
        if word in ("{", "}") or self.last in ("{", ";") or self.goes_on(index):
            return
        if kind == "rest" and _CONTINUES.match(word):
            return
        if self.opened:
            self.pieces[index] = "\n"
        else:
            self.close_segment()

    def goes_on(self, index: int) -> bool:
        """Whether what stands before a piece, a line break, asks for more."""
        if not _CONTINUED.search(self.last[-8:]):
            return False
        return self.last[-1] != "*" or not _PATTERN.search("".join(self.pieces[max(0, index - 6) : index]))

    def take(self, kind: str, word: str, at: int) -> None:
        if kind == "separator" and not self.opened:
            self.close_segment()
            self.pieces[-1] = " "
            return
        if kind == "close" and not self.close(word, at):
            self.pieces[-1] = " "
            return
        if self.start is None:
            self.start = at + len(word) - len(word.lstrip(BLANKS))
        self.end = at + len(word.rstrip(BLANKS))
        self.last = word.rstrip(BLANKS)
        if kind == "open":
            self.opened.append((word, at))
        elif kind == "string" and (len(word) < 2 or not word.endswith('"')):
            helps = ('end it with `"` on the same line',)
            self.report(Diagnostic("Q0103", "text without closing quote", Span(self.source, at, self.end), helps=helps))
            self.broken.append(at)
        elif word == "}" and not self.opened:
            self.close_segment()

    def close(self, word: str, at: int) -> bool:
        """Whether there is something to close. A `}` also ends what is open inside its block, which is reported."""
        span = Span(self.source, at, at + 1)
        while self.opened and word == "}" and self.opened[-1][0] != "{":
            bracket, where = self.opened.pop()
            self.unclosed(bracket, where, (Label(span, f"`{CLOSING[bracket]}` is missing before this"),))
        if not self.opened or CLOSING[self.opened[-1][0]] != word:
            opening = next(o for o, c in CLOSING.items() if c == word)
            helps = (f"remove it, or open it with `{opening}`",)
            self.report(Diagnostic("Q0102", f"`{word}` closes nothing", span, helps=helps))
            return False
        self.opened.pop()
        return True

    def close_segment(self) -> None:
        """Ends the import or declaration; what is still open in it is reported."""
        missing = "}" * sum(bracket == "{" for bracket, _ in self.opened)
        for bracket, where in self.opened:
            self.unclosed(bracket, where, ())
        self.opened.clear()
        if self.start is not None:
            self.segments.append(Segment(self.start, self.end, missing))
        self.start = None
        self.last = ""

    def unclosed(self, bracket: str, where: int, labels: tuple[Label, ...]) -> None:
        span = Span(self.source, where, where + 1)
        helps = (f"close it with `{CLOSING[bracket]}`",)
        self.report(Diagnostic("Q0102", f"`{bracket}` is never closed", span, "opened here", labels, helps=helps))
        if bracket != "{":
            self.broken.append(where)

    def report(self, diagnostic: Diagnostic) -> None:
        self.reported += 1
        if self.reported <= MAX_REPORTED:
            self.sink.add(diagnostic)
