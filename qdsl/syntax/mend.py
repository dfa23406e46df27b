"""What a person would put right before reading on: brackets by the indentation, quotes, and comments of other languages.

A missing or superfluous bracket shifts the meaning of everything behind it. Where people indent their blocks, the
indentation says which bracket it is. The reading is a guess: `parse` takes it only if it finds less to complain about.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from qdsl.diagnostics import Diagnostic, Label, SourceFile, Span
from qdsl.syntax.edits import Edited
from qdsl.syntax.layout import CLOSING, DECLARATIONS, MAX_NESTING, VALUE_SET

MAX_FINDINGS = 50

_TOKEN = re.compile(
    r"""(?P<comment>//[^\n]*) | (?P<block>/\*) | (?P<hash>\#[^\n]*) | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<quoted>'[^'"\n]*'|[“”„][^“”"\n]*[“”]) | (?P<unquoted>"[^\n]*) | (?P<newline>\n) | (?P<blank>[ \t\r\f\ufeff]+)
      | (?P<wide>[\u00a0\u2000-\u200b\u202f\u3000]+) | (?P<open>[({\[]) | (?P<close>[)}\]]) | (?P<word>\w+) | (?P<sign>.)""",
    re.VERBOSE,
)
# What begins a block, and how the rest of its line looks.
_NAMED = "|".join((*DECLARATIONS[1:], "memory", "array", "compute", "block", "every", "for"))
_LEVELS = ("memory", "array", "compute", "technology", "accelerator", "network", "block", "operator", "study")
_HEADER = re.compile(rf"(?:(?:{_NAMED})[ \t]+\w[^{{}}\"]*|precision|constrain)[ \t]*:?\Z")
_CONTINUES = (",", ":", "=", "+", "-", "*", "/", "<", ">", ".", "and", "or", "then", "else")

_AFTER_VALUES = ("per", "then", "else", "and", "or")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int

    @property
    def end(self) -> int:
        return self.at + len(self.text)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that says something. indent: columns before its first token, tabs count four."""

    indent: int
    tokens: list[_Token]

    @property
    def first(self) -> _Token:
        return self.tokens[0]


@dataclass(frozen=True, slots=True)
class _Opened:
    """A bracket that is open. indent: of its line; values: whether it begins a set of values; missing: whether it stands
    only in the guess."""

    bracket: str
    at: int
    indent: int
    line: int
    values: bool = False
    missing: bool = False


def mend(source: SourceFile) -> tuple[Edited, list[Diagnostic]]:
    """The text as it was probably meant, and a finding for each thing put right in it; nothing if that would be a lot."""
    mending = _Mending(source)
    if not mending.run():
        return Edited(source.text), []
    return Edited.of(source.text, sorted(mending.edits, key=lambda e: e[:2])), mending.findings


@dataclass
class _Mending:
    source: SourceFile
    edits: list[tuple[int, int, str]] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    opened: list[_Opened] = field(default_factory=list)
    elsewhere: dict[str, list[Span]] = field(default_factory=dict)  # what other languages have, by kind
    end: int = 0  # of the last token

    def run(self) -> bool:
        """False if it gives up: what needs so much is no spec."""
        lines = list(self.lines())
        for number, line in enumerate(lines):
            if not self.line(line, number, lines[number + 1] if number + 1 < len(lines) else None):
                return False
        while self.opened:
            self.close_missing(None)
        for kind, spans in self.elsewhere.items():
            self.findings.append(_foreign(kind, spans))
        return True

    def lines(self) -> Iterator[_Line]:
        text, at, indent = self.source.text, 0, 0
        tokens: list[_Token] = []
        while at < len(text):
            match = _TOKEN.match(text, at)
            assert match  # the last alternative takes any character
            token = _Token(match.lastgroup or "", match[0], at)
            if token.kind == "block":
                end = text.find("*/", at)
                token = _Token("block", text[at : len(text) if end < 0 else end + 2], at)
            elif token.kind == "unquoted":
                token = _Token("unquoted", token.text.rstrip(" \t\r;}"), at)
            at = token.end
            if token.kind == "newline":
                if tokens:
                    yield _Line(indent, tokens)
                tokens, indent = [], 0
            elif token.kind == "blank" and not tokens:
                indent += len(token.text.expandtabs(4))
            elif token.kind not in ("blank", "comment") and not self.foreign(token):
                tokens.append(token)
        if tokens:
            yield _Line(indent, tokens)

    def foreign(self, token: _Token) -> bool:
        """Puts right what is written as in other languages; whether nothing is left of it to look at."""
        text, at = token.text, token.at
        if token.kind == "unquoted":
            self.edits.append((token.end, token.end, '"'))
            helps = ('end it with `"` on the same line',)
            self.find("Q0103", "text without closing quote", Span(self.source, at, token.end), helps=helps)
            return False
        changes = {
            "hash": [(at, at + 1, "//")],
            "block": [(at, token.end, "\n" * text.count("\n") or " ")],
            "wide": [(at, token.end, " ")],
            "quoted": [(at, at + 1, '"'), (token.end - 1, token.end, '"')],
        }.get(token.kind, [])
        if changes:
            self.edits += changes
            self.elsewhere.setdefault(token.kind, []).append(Span(self.source, at, token.end))
        return token.kind in ("hash", "block", "wide")

    def line(self, line: _Line, number: int, following: _Line | None) -> bool:
        if line.first.text != "}":
            self.dedent(line)
        for token in line.tokens:
            if token.kind == "open":
                values = token.text == "{" and bool(VALUE_SET.search(self.source.text, max(0, token.at - 80), token.at))
                self.opened.append(_Opened(token.text, token.at, line.indent, number, values))
            elif token.text == "}":
                self.close_block(token, line, number, following)
            elif token.kind == "close":
                self.close_bracket(token, number)
            elif token.text in _AFTER_VALUES and self.opened and self.opened[-1].values:
                self.close_missing(token)
            self.end = token.end
            if len(self.opened) > MAX_NESTING or len(self.findings) > MAX_FINDINGS:
                return False
        self.header(line, number, following)
        return True

    def dedent(self, line: _Line) -> None:
        """Closes what a line that is indented no deeper than its beginning cannot belong to."""
        while self.opened and line.indent <= self.opened[-1].indent and line.first.text not in _CONTINUES:
            if line.first.kind in ("open", "close"):
                return
            self.close_missing(line.first)

    def close_block(self, token: _Token, line: _Line, number: int, following: _Line | None) -> None:
        while self.opened and self.opened[-1].bracket != "{":
            self.close_missing(token)
        if token is line.first and any(o.indent == line.indent for o in self.opened):
            while self.opened[-1].indent != line.indent:
                self.close_missing(token)
        elif (before := self.opened[-1].line != number if self.opened else True) and (at := _unopened(token, line)):
            self.open_missing(at, token)
            return
        elif not self.opened or (before and self.goes_on(token, line, following)):
            self.superfluous(token)
            return
        self.opened.pop()

    def goes_on(self, token: _Token, line: _Line, following: _Line | None) -> bool:
        """Whether the block that a brace would close has more on its line, more lines, or a brace of its own."""
        block = self.opened[-1]
        if token is not line.tokens[-1]:
            return line.tokens[line.tokens.index(token) + 1].text not in ("}", ";")
        if following is None:
            return False
        closes = following.first.text == "}" and following.indent == block.indent
        return closes or following.indent > block.indent

    def close_bracket(self, token: _Token, number: int) -> None:
        top = self.opened[-1] if self.opened else None
        if top is None or top.bracket == "{" or (CLOSING[top.bracket] != token.text and top.line != number):
            self.superfluous(token)
            return
        self.opened.pop()
        if (closing := CLOSING[top.bracket]) != token.text:
            self.edits.append((token.at, token.end, closing))
            labels = (Label(Span(self.source, top.at, top.at + 1), "opened here"),)
            message = f"`{token.text}` does not close `{top.bracket}`"
            span = Span(self.source, token.at, token.end)
            self.find("Q0102", message, span, labels=labels, helps=(f"write `{closing}`",))

    def header(self, line: _Line, number: int, following: _Line | None) -> None:
        """Opens a block whose brace is missing: a header, and deeper lines below it."""
        if following is None or following.indent <= line.indent or following.first.text == "{":
            return
        start, last = line.first.at, line.tokens[-1]
        if any(o.line == number for o in self.opened) or not _HEADER.match(self.source.text[start : last.end]):
            return
        colon = last.text == ":"
        self.edits.append((last.at if colon else last.end, last.end, " {"))
        shown = " ".join(self.source.text[start : last.at if colon else last.end].split())
        helps = (f"write `{shown} {{` and end the block with `}}`",)
        span = Span(self.source, last.at if colon else last.end, last.end)
        label = "in place of this" if colon else ""
        self.find("Q0102", "a block begins with `{`", span, label, helps=helps)
        self.opened.append(_Opened("{", last.end, line.indent, number, missing=True))

    def open_missing(self, at: int, token: _Token) -> None:
        """Opens what a brace closes."""
        self.edits.append((at, at, " {"))
        labels = (Label(Span(self.source, token.at, token.end), "would be closed here"),)
        self.find("Q0102", "`{` is missing", Span(self.source, at, at), labels=labels, helps=("put `{` here",))

    def close_missing(self, token: _Token | None) -> None:
        """Closes the innermost bracket, behind the last token. token: what it is missing before."""
        opened = self.opened.pop()
        closing = CLOSING[opened.bracket]
        self.edits.append((self.end, self.end, closing if closing != "}" or opened.values else f"\n{closing}\n"))
        if not opened.missing:
            labels = (
                (Label(Span(self.source, token.at, token.end), f"`{closing}` is missing before this"),) if token else ()
            )
            helps = (f"close it with `{closing}`",)
            span = Span(self.source, opened.at, opened.at + 1)
            self.find("Q0102", f"`{opened.bracket}` is never closed", span, "opened here", labels, helps)

    def superfluous(self, token: _Token) -> None:
        self.edits.append((token.at, token.end, " "))
        span = Span(self.source, token.at, token.end)
        if self.opened and token.text == "}":
            opened = self.opened[-1]
            labels = (Label(Span(self.source, opened.at, opened.at + 1), "the block begins here and goes on below"),)
            self.find("Q0102", "one `}` too many", span, "would end the block", labels, ("remove it",))
        else:
            opening = next(o for o, c in CLOSING.items() if c == token.text)
            helps = (f"remove it, or open it with `{opening}`",)
            self.find("Q0102", f"`{token.text}` closes nothing", span, helps=helps)

    def find(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        labels: tuple[Label, ...] = (),
        helps: tuple[str, ...] = (),
    ) -> None:
        self.findings.append(Diagnostic(code, message, span, label, labels, helps=helps))


def _unopened(token: _Token, line: _Line) -> int | None:
    """Where in the line that a brace ends the brace is missing that begins it: behind `in`, or what names a block."""
    before = line.tokens[: line.tokens.index(token)]
    words = [t.text for t in before]
    if "in" in words and "{" not in words[(last := len(words) - 1 - words[::-1].index("in")) :]:
        return before[last].end
    named = len(before) > 2 and words[0] in _LEVELS and words[2] != "{" and before[2].kind == "word"
    return before[1].end if named else None


def _foreign(kind: str, spans: list[Span]) -> Diagnostic:
    """One finding for all that is written as in another language in the same way."""
    first, more = spans[0], len(spans) - 1
    text = first.source.text[first.start : first.end]
    message, help_ = {
        "hash": ("`#` begins no comment", "comments begin with `//`"),
        "block": ("`/*` begins no comment", "comments begin with `//` and go to the end of their line"),
        "wide": ("this blank is not a plain one", "write a plain blank"),
        "quoted": ("texts stand in double quotes", f'write `"{text[1:-1]}"`'),
    }[kind]
    notes = [f"it is U+{ord(text[0]):04X}"] if kind == "wide" else []
    notes += [f"{more} more {'such place' if more == 1 else 'such places'} in this file"] if more else []
    shown = Span(first.source, first.start, first.start + 1) if kind in ("hash", "block") else first
    return Diagnostic("Q0106", message, shown, notes=tuple(notes), helps=(help_,))
