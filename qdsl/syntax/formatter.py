"""The one way to lay a spec out: two blanks per level, one statement per line, comments and single blank lines kept.

A block written on one line stays on one line while it fits. Line breaks inside a statement are kept, with four blanks.
Only what stands between tokens changes, so the tree is the same before and after.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf

from qdsl.diagnostics import Sink, SourceFile
from qdsl.syntax.layout import Layout, lay_out
from qdsl.syntax.parser import parse
from qdsl.syntax.reader import words

WIDTH = 100

_CALLED = ("NAME", "SPATIAL", "TEMPORAL", "INSTANCE")
_OPERANDS = (*_CALLED, "NUMBER", "UNIT", "RPAR")  # what ends them


def format_source(text: str, path: str = "<text>") -> str:
    """The text laid out anew. Raises SpecError if it has syntax errors; `path` is what they name."""
    source = SourceFile(path, text)
    sink = Sink()
    parse(source, sink)
    sink.raise_if_errors()
    entries = _Reader(_tokens(source, lay_out(source, Sink()))).block()
    return "".join(f"{line}\n" for line in _entries(entries, 0))


@dataclass(slots=True)
class _Token:
    """A word, a number with its unit, or a comment.

    kind: its terminal; 'COMMENT'; 'OPEN' and 'CLOSE' for the braces of blocks.
    breaks: line breaks before it. starts: whether it begins a statement.
    tight: of `{`, `}` around a set of values, of `..`, and of `*`, `/` in an index.
    """

    text: str
    kind: str
    breaks: int
    starts: bool = False
    tight: bool = False


@dataclass(slots=True)
class _Block:
    one_line: bool
    comment: str = ""  # behind its `{`
    entries: list[_Entry] = field(default_factory=list)


@dataclass(slots=True)
class _Entry:
    """A statement, or a comment on a line of its own (no parts)."""

    blank_before: bool
    parts: list[_Token | _Block] = field(default_factory=list)
    comment: str = ""


def _tokens(source: SourceFile, layout: Layout) -> list[_Token]:
    tokens: list[_Token] = []
    opened: list[str] = []  # `{` of blocks, `=` for sets of values, `(` and `[`
    end, starts, before = 0, False, ""
    for kind, start, stop in _words(layout):
        if kind in ("_SEP", "START"):
            starts = True
            continue
        text, breaks = source.text[start:stop], source.text.count("\n", end, start)
        end = stop
        if kind == "COMMENT":
            tokens.append(_Token(text, kind, breaks))
        elif kind == "UNIT":
            number = next(t for t in reversed(tokens) if t.kind == "NUMBER")  # a comment may stand between them
            number.text, number.kind = f"{number.text} {text}", kind
        else:
            token = _Token(text, kind, breaks, starts)
            tokens.append(token)
            starts = False
            if kind in ("LPAR", "LSQB", "LBRACE"):
                opened.append("=" if before == "IN" else text)
                token.tight = opened[-1] == "="
                if opened[-1] == "{":
                    token.kind, starts = "OPEN", True
            elif kind in ("RPAR", "RSQB", "RBRACE"):
                token.tight = opened[-1] == "="
                if opened.pop() == "{":
                    token.kind = "CLOSE"
            elif kind in ("STAR", "SLASH"):
                token.tight = "[" in opened and before != "UNIT"  # `word/K` would be a unit
        before = kind if kind != "COMMENT" else before
    for low, dots, high, after in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        if dots.text == "..":  # `2..8`, but `2 .. 8 step 2` and `1 KiB .. 4 KiB`
            dots.tight = low.kind != "UNIT" and high.kind not in ("UNIT", "COMMENT") and after.kind != "STEP"
    return tokens


def _words(layout: Layout) -> Iterator[tuple[str, int, int]]:
    """Words and comments in order, and a START before every import or declaration."""
    found = [("COMMENT", start, end) for start, end in layout.comments]
    for segment in layout.segments:
        found.append(("START", segment.start, segment.start))
        for kind, start, end in words(layout.text[segment.start : segment.end]):
            found.append((kind, segment.start + start, segment.start + end))
    return iter(sorted(found, key=lambda word: word[1]))


class _Reader:
    """Groups tokens into statements and blocks, and says to which of them a comment belongs."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.after: list[_Token | None] = [None] * (len(tokens) + 1)  # the first token from here on that is no comment
        for i in reversed(range(len(tokens))):
            self.after[i] = self.after[i + 1] if tokens[i].kind == "COMMENT" else tokens[i]

    def block(self) -> list[_Entry]:
        """Entries up to the closing brace, which is left to be read, or to the end."""
        entries: list[_Entry] = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind != "CLOSE":
            token = self.tokens[self.at]
            if token.kind == "COMMENT":
                self.at += 1
                entries.append(_Entry(token.breaks > 1, comment=token.text))
            else:
                entries.append(self.statement())
        return entries

    def statement(self) -> _Entry:
        entry = _Entry(self.tokens[self.at].breaks > 1)
        while True:
            token = self.tokens[self.at]
            self.at += 1
            if token.kind == "OPEN":
                entry.parts.append(self.braces(self.at - 1, entry.parts))
            else:
                entry.parts.append(token)
            if self.ends():
                entry.comment = self.comment_on_line()
                return entry

    def comment_on_line(self) -> str:
        """Reads the comment that follows on the same line, if there is one."""
        if self.at == len(self.tokens) or self.tokens[self.at].kind != "COMMENT" or self.tokens[self.at].breaks:
            return ""
        self.at += 1
        return self.tokens[self.at - 1].text

    def braces(self, first: int, before: list[_Token | _Block]) -> _Block:
        block = _Block(one_line=False)
        moved: list[_Token] = []  # comments between the head and its `{`
        while before and isinstance(before[-1], _Token) and before[-1].kind == "COMMENT":
            moved.insert(0, before.pop())  # type: ignore[arg-type]
        if moved:
            block.comment = moved.pop(0).text
        else:
            block.comment = self.comment_on_line()
        block.entries = [_Entry(False, comment=token.text) for token in moved] + self.block()
        self.at += 1
        inside = self.tokens[first + 1 : self.at]
        block.one_line = not block.comment and not any(t.breaks or t.kind == "COMMENT" for t in inside)
        return block

    def ends(self) -> bool:
        """Whether what follows, comments aside, is not part of the statement."""
        token = self.after[self.at]
        return token is None or token.starts or token.kind == "CLOSE"


def _entries(entries: list[_Entry], indent: int) -> list[str]:
    lines: list[str] = []
    for entry in entries:
        if entry.blank_before and lines:
            lines.append("")
        if entry.parts:
            lines += _statement(entry, indent)
        else:
            lines.append(" " * indent + entry.comment)
    return lines


def _statement(entry: _Entry, indent: int, width: float = WIDTH) -> list[str]:
    lines: list[str] = []
    line = " " * indent
    last: _Token | None = None
    before: _Token | None = None
    for i, part in enumerate(entry.parts):
        if isinstance(part, _Block):
            if part.one_line and len(line) + len(inline := " " + _inline(part)) <= width:
                line += inline
                continue
            lines.append(f"{line} {{" + (f"  {part.comment}" if part.comment else ""))
            lines += _entries(part.entries, indent + 2)
            line = " " * indent + "}"
            last = None
        elif part.kind == "COMMENT":
            if part.breaks or not line.strip():
                lines += [line] if line.strip() else []
                lines.append(" " * (indent + 4) + part.text)
            else:
                lines.append(f"{line}  {part.text}")
            line = " " * (indent + 4)
        else:
            if part.breaks and i and line.strip():
                lines.append(line)
                line = " " * (indent + 4)
            if not line.strip():
                line = " " * (indent if part.text in (")", "]") or not i else indent + 4)
                gap = ""
            else:
                gap = _gap(before, last, part) if last else " "
            line += gap + part.text
            before, last = last, part
    return [*lines, line + (f"  {entry.comment}" if entry.comment else "")]


def _inline(block: _Block) -> str:
    statements = ("; ".join(_statement(entry, 0, inf)[0] for entry in block.entries)) if block.entries else ""
    return f"{{ {statements} }}" if statements else "{ }"


def _gap(before: _Token | None, last: _Token, token: _Token) -> str:
    """What stands between two tokens of a line: a blank, with few exceptions."""
    a, b = last.text, token.text
    if a in ("(", "[", ".") or b in (")", "]", ",", ":", ".", "["):
        return ""
    if (last.tight and a != "}") or (token.tight and b != "{"):
        return ""
    if a == "-" and not (before and before.kind in _OPERANDS):
        return ""
    if b == "(":
        return "" if last.kind in _CALLED else " "
    return " "
