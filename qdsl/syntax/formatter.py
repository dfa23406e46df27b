"""The one way to lay a spec out: two blanks per level, one statement per line, comments and single blank lines kept.

A block written on one line stays on one line while it fits. Line breaks inside a statement are kept, with four blanks.
Only what stands between tokens changes, so the tree is the same before and after.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from math import inf

from qdsl.diagnostics import Sink, SourceFile
from qdsl.syntax.layout import Layout, lay_out
from qdsl.syntax.parser import parse
from qdsl.syntax.tree import File, Node, ValueSet

WIDTH = 100

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*) | (?P<string>"(?:\\.|[^"\\\n])*") | (?P<newline>\n) | (?P<blank>[ \t\r\f\ufeff]+)
      | (?P<number>[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)
        (?:[ \t\r\f]*(?P<unit>%|[A-Za-z_µ][A-Za-z0-9_µ]*(?:/[A-Za-z_µ][A-Za-z0-9_µ]*)*))?
      | (?P<maximum>max=(?!=)) | (?P<word>[A-Za-z_][A-Za-z0-9_]*) | (?P<sign>\.\.|\+=|[<>=!]=|.)""",
    re.VERBOSE,
)
_OPERAND = re.compile(r"[\w%\")\]µ]\Z")
# Words before `(` that do not call, and before `-` that it does not subtract from.
_NOT_CALLED = re.compile(
    r"(?:and|or|not|if|then|else|in|step|size|word|width|clock|energy|read|write|update|hop|leakage|area|throughput|x|y|batch|repeat|yield|output)\Z"
)


def format_source(text: str, path: str = "<text>") -> str:
    """The text laid out anew. Raises SpecError if it has syntax errors; `path` is what they name."""
    source = SourceFile(path, text)
    sink = Sink()
    tree = parse(source, sink)
    sink.raise_if_errors()
    layout = lay_out(source, Sink())
    entries = _Reader(_tokens(source, layout, _value_sets(tree))).block()
    return "".join(f"{line}\n" for line in _entries(entries, 0))


@dataclass(slots=True)
class _Token:
    """breaks: line breaks before it. starts: whether it begins a statement.

    kind: 'comment', 'open' and 'close' of blocks, else ''.
    tight: of `{`, `}` around a set of values, and of `*`, `/` in an index.
    """

    text: str
    kind: str
    breaks: int
    starts: bool
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


def _value_sets(tree: File) -> set[int]:
    """Offsets of the braces that begin a set of values rather than a block."""
    found = set()
    left: list[object] = [tree.declarations]
    while left:
        part = left.pop()
        if isinstance(part, ValueSet):
            found.add(part.span.start)
        if isinstance(part, tuple):
            left.extend(part)
        elif isinstance(part, Node):
            left.extend(getattr(part, f.name) for f in fields(part))
    return found


def _tokens(source: SourceFile, layout: Layout, value_sets: set[int]) -> list[_Token]:
    segments = {segment.start for segment in layout.segments}
    tokens: list[_Token] = []
    opened: list[str] = []  # `{` of blocks, `=` for sets of values, `(` and `[`
    breaks = 0
    ended = False
    for match in _TOKEN.finditer(source.text):
        text, at = match[0].strip(), match.start()
        if match["newline"]:
            breaks += 1
            ended |= layout.text[at] == "\n"
        elif text == ";":
            ended = True
        elif match["comment"]:
            tokens.append(_Token(text, "comment", breaks, False))
            breaks = 0
        elif not match["blank"]:
            if match["maximum"] and tokens[-1].text != "]":  # an argument called `max`
                tokens.append(_Token("max", "", breaks, ended))
                text, breaks, ended = "=", 0, False
            if match["unit"]:
                text = f"{match['number']} {match['unit']}"
            token = _Token(text, "", breaks, at in segments or (bool(opened) and ended))
            if text in ("(", "[", "{"):
                opened.append("=" if at in value_sets else text)
                token.tight = at in value_sets
                token.kind = "open" if opened[-1] == "{" else ""
                ended = opened[-1] == "{"
            elif text in (")", "]", "}"):
                bracket = opened.pop()
                token.tight = bracket == "="
                token.kind = "close" if bracket == "{" else ""
                ended = False
            else:
                token.tight = text in ("*", "/") and "[" in opened
                ended = False
            tokens.append(token)
            breaks = 0
    return tokens


class _Reader:
    """Groups tokens into statements and blocks, and says to which of them a comment belongs."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.after: list[_Token | None] = [None] * (len(tokens) + 1)  # the first token from here on that is no comment
        for i in reversed(range(len(tokens))):
            self.after[i] = self.after[i + 1] if tokens[i].kind == "comment" else tokens[i]

    def block(self) -> list[_Entry]:
        """Entries up to the closing brace, which is left to be read, or to the end."""
        entries: list[_Entry] = []
        while self.at < len(self.tokens) and self.tokens[self.at].kind != "close":
            token = self.tokens[self.at]
            if token.kind == "comment":
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
            if token.kind == "open":
                entry.parts.append(self.braces(self.at - 1, entry.parts))
            else:
                entry.parts.append(token)
            if self.ends():
                entry.comment = self.comment_on_line()
                return entry

    def comment_on_line(self) -> str:
        """Reads the comment that follows on the same line, if there is one."""
        if self.at == len(self.tokens) or self.tokens[self.at].kind != "comment" or self.tokens[self.at].breaks:
            return ""
        self.at += 1
        return self.tokens[self.at - 1].text

    def braces(self, first: int, before: list[_Token | _Block]) -> _Block:
        block = _Block(one_line=False)
        moved: list[_Token] = []  # comments between the head and its `{`
        while before and isinstance(before[-1], _Token) and before[-1].kind == "comment":
            moved.insert(0, before.pop())  # type: ignore[arg-type]
        if moved:
            block.comment = moved.pop(0).text
        else:
            block.comment = self.comment_on_line()
        block.entries = [_Entry(False, comment=token.text) for token in moved] + self.block()
        self.at += 1
        inside = self.tokens[first + 1 : self.at]
        block.one_line = not block.comment and not any(t.breaks or t.kind == "comment" for t in inside)
        return block

    def ends(self) -> bool:
        """Whether what follows, comments aside, is not part of the statement."""
        token = self.after[self.at]
        return token is None or token.starts or token.kind == "close"


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
        elif part.kind == "comment":
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
                following = next((p for p in entry.parts[i + 1 :] if isinstance(p, _Token)), None)
                gap = _gap(before, last, part, following) if last else " "
            line += gap + part.text
            before, last = last, part
    return [*lines, line + (f"  {entry.comment}" if entry.comment else "")]


def _inline(block: _Block) -> str:
    statements = ("; ".join(_statement(entry, 0, inf)[0] for entry in block.entries)) if block.entries else ""
    return f"{{ {statements} }}" if statements else "{ }"


def _gap(before: _Token | None, last: _Token, token: _Token, following: _Token | None) -> str:
    """What stands between two tokens of a line: a blank, with few exceptions."""
    a, b = last.text, token.text
    if a in ("(", "[", ".") or b in (")", "]", ",", ":", ".", "["):
        return ""
    if (last.tight and a != "}") or (token.tight and b != "{"):
        return ""
    if b == "(":
        return "" if a.isidentifier() and not _NOT_CALLED.match(a) else " "
    if a == "-" and not (before and _OPERAND.search(before.text) and not _NOT_CALLED.match(before.text)):
        return ""
    if b == "..":
        return "" if _OPERAND.search(a) and " " not in a and _is_short(following) else " "
    if a == "..":
        return "" if before and " " not in before.text and _is_short(token) else " "
    return " "


def _is_short(token: _Token | None) -> bool:
    return token is not None and " " not in token.text
