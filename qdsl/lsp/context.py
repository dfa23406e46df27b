"""Where a cursor is in a text that may be half typed: the blocks around it, its statement, and what the grammar takes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lark import UnexpectedInput
from lark.lexer import PatternStr

from qdsl.diagnostics import Sink, SourceFile
from qdsl.syntax.layout import lay_out
from qdsl.syntax.tables import parser

_WORD = re.compile(r"[A-Za-z_]\w*\Z")
_UNIT = re.compile(r"(?<![\w.])[0-9][0-9.]*\s*([A-Za-zµ%][\w/µ]*)\Z")  # a number and the beginning of its unit
_IMPORT = re.compile(r'import\s+"([^"\n]*)\Z')
_TOKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|\n|\.\.|[+<>=!]=|[A-Za-z_]\w*|[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|\S')
_VALUE_SET = re.compile(r"\bin\s*\Z")


@dataclass(frozen=True)
class Context:
    """word: what is typed of a name, which starts at `start`.

    blocks: heads of the blocks around, as their words, outermost first. statement: what stands before the cursor in its
    statement, one blank between words; of what is in open brackets only the innermost, without the arguments that are
    complete: `spatial ( ,` before the second. keywords, takes_name, takes_unit: what the grammar takes.
    importing: what is typed of the path of an import, None elsewhere. rest: the text without the statement.
    """

    word: str
    start: int
    rest: str
    blocks: tuple[tuple[str, ...], ...] = ()
    statement: str = ""
    keywords: tuple[str, ...] = ()
    takes_name: bool = False
    takes_unit: bool = False
    importing: str | None = None

    @property
    def block(self) -> str:
        """The keyword of the innermost block, '' outside of all."""
        return "".join(self.blocks[-1][:1]) if self.blocks else ""

    def head(self, keyword: str) -> tuple[str, ...]:
        """The head of the innermost block of a kind, () if there is none."""
        return next((b for b in reversed(self.blocks) if b[:1] == (keyword,)), ())


def context_at(text: str, offset: int) -> Context | None:
    """None where nothing can be completed: in comments, and in texts other than the path of an import."""
    before = text[:offset]
    line = before[before.rfind("\n") + 1 :]
    if quoted := _IMPORT.search(line):
        return Context(quoted[1], offset - len(quoted[1]), text, importing=quoted[1])
    if _in_comment_or_text(line):
        return None
    match = _UNIT.search(line) or _WORD.search(line)
    word = match[match.lastindex or 0] if match else ""
    start = offset - len(word)
    heads, statement, arguments = _outline(_laid_out(text[:start]))
    accepted = _accepted("".join(f"{head} {{ " for head in heads) + statement)
    return Context(
        word,
        start,
        text[: start - len(statement)] + text[_end_of_statement(text, offset) :],
        tuple(tuple(_words(head)) for head in heads),
        " ".join(_words(arguments)),
        tuple(sorted(w for name in accepted if (w := _literal(name)).isidentifier())),
        "NAME" in accepted,
        "UNIT" in accepted,
    )


def _end_of_statement(text: str, offset: int) -> int:
    return min((i for i in (text.find(end, offset) for end in "\n;}") if i >= 0), default=len(text))


def _in_comment_or_text(line: str) -> bool:
    rest = re.sub(r'"(?:\\.|[^"\\])*"', "", line)
    return '"' in rest or "//" in rest


def _laid_out(before: str) -> str:
    """The laid out text of the declaration that the cursor is in: a break that ends a statement is a line break there."""
    # a name at the cursor decides whether the line break before it does
    layout = lay_out(SourceFile("", before + "x"), Sink())
    start = layout.segments[-1].start if layout.segments else 0
    return layout.text[start : len(before)]


@dataclass
class _Bracket:
    """An open one. before: where the statement or argument starts that it stands in. commas: inside it so far."""

    text: str
    at: int
    before: int
    commas: int = 0


def _outline(text: str) -> tuple[list[str], str, str]:
    """Heads of the open blocks, the statement, and the statement as `Context` has it."""
    heads: list[str] = []
    starts = [0]  # of the statements around, and of this one
    opened: list[_Bracket] = []
    argument = 0
    for token in _TOKEN.finditer(text):
        word, at = token[0], token.start()
        in_block = not opened or opened[-1].text == "block"
        if word == "{" and in_block and not _VALUE_SET.search(text, starts[-1], at):
            heads.append(text[starts[-1] : at].strip())
            opened.append(_Bracket("block", at, starts[-1]))
            starts.append(token.end())
        elif word in ("(", "[", "{"):
            opened.append(_Bracket(word, at, starts[-1] if in_block else argument))
            argument = token.end()
        elif word in (")", "]", "}") and opened:
            closed = opened.pop()
            argument = closed.before
            if closed.text == "block":
                heads.pop()
                starts.pop()
        elif word in ("\n", ";") and in_block:
            starts[-1] = token.end()
        elif word == "," and not in_block:
            opened[-1].commas += 1
            argument = token.end()
    statement = text[starts[-1] :]
    if not opened or opened[-1].text == "block":
        return heads, statement, statement
    inner = opened[-1]
    return heads, statement, text[inner.before : inner.at + 1] + " ," * inner.commas + " " + text[argument:]


def _words(text: str) -> list[str]:
    return [token[0] for token in _TOKEN.finditer(text) if token[0] != "\n"]


def _accepted(before: str) -> frozenset[str]:
    """Terminals that may follow."""
    state = parser().parse_interactive(before)
    try:
        state.exhaust_lexer()
    except UnexpectedInput:
        return frozenset()
    return frozenset(state.accepts())  # type: ignore[no-untyped-call]


def _literal(name: str) -> str:
    pattern = parser().get_terminal(name).pattern if name != "$END" else None
    return pattern.value if isinstance(pattern, PatternStr) else ""
