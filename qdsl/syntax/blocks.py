"""Which statements stand in which block, as the grammar has it."""

from __future__ import annotations

import re
from functools import cache

from lark import UnexpectedInput
from lark.lexer import PatternStr

from qdsl.syntax.layout import TOKEN, VALUE_SET
from qdsl.syntax.tables import parser

# The shortest text that leads into each kind of block.
OPENINGS = {
    "operator": "operator a {",
    "technology": "technology a {",
    "engine": "engine a {",
    "accelerator": "accelerator a {",
    "memory": "accelerator a { memory a {",
    "array": "accelerator a { array a {",
    "compute": "accelerator a { compute a {",
    "network": "network a {",
    "block": "network a { block a {",
    "mapping": "mapping a for a onto a {",
    "constraints": "constraints a for a {",
    "every": "constraints a for a { every a {",
    "for": "constraints a for a { for a in a {",
    "study": "study a {",
    "precision": "study a { precision {",
    "constrain": "study a { constrain {",
}

_AFTER_NAMES = frozenset({"EQUAL", "COLON", "DOT"})


def headers(text: str, offset: int) -> tuple[str, ...]:
    """The beginnings of the blocks, braces included, that are open at an offset of a laid out declaration, outermost first."""
    opened: list[tuple[str, int, int]] = []  # bracket, start of the statement it stands in, its end
    start = 0
    for token in TOKEN.finditer(text, 0, offset):
        kind, at = token.lastgroup, token.start()
        in_block = not opened or opened[-1][0] == "{"
        if kind == "open":
            is_block = token[0] == "{" and in_block and not VALUE_SET.search(text, max(start, at - 80), at)
            opened.append(("{" if is_block else f"in {token[0]}", start, token.end()))
            start = token.end() if is_block else start
        elif kind == "close" and opened:
            bracket, outer, _ = opened.pop()
            start = outer if bracket == "{" else start
        elif kind in ("separator", "newline") and in_block:
            start = token.end()
    return tuple(text[a:b] for bracket, a, b in opened if bracket == "{")


def kind_of(header: str) -> str:
    """`memory` of `memory glb {`."""
    match = re.match(r"\s*(\w+)", header)
    return match[1] if match else ""


@cache
def statements_of(block: str) -> frozenset[str]:
    """Words that begin the statements of a kind of block; not those that can only be names there."""
    opening = OPENINGS[block]
    words = keywords(accepted_after(opening))
    return frozenset(w for w in words if not accepted_after(f"{opening} {w}") <= _AFTER_NAMES)


@cache
def all_keywords() -> frozenset[str]:
    return keywords(frozenset(t.name for t in parser().terminals))


def owners(word: str) -> list[str]:
    """Kinds of blocks in which a statement begins with a word."""
    return [block for block in OPENINGS if word in statements_of(block)]


def keywords(terminals: frozenset[str]) -> frozenset[str]:
    """Those of the terminals that are words, as written."""
    return frozenset(text for name in terminals if re.fullmatch(r"\w+", text := pattern(name)))


def pattern(terminal: str) -> str:
    """The text of a terminal that has only one; '' for others."""
    found = parser().get_terminal(terminal).pattern if terminal not in ("$END", "_SEP") else None
    return found.value if isinstance(found, PatternStr) else ""


def accepted_after(text: str) -> frozenset[str]:
    """Terminals that may follow; none if the text is wrong itself."""
    state = parser().parse_interactive(text)
    try:
        state.exhaust_lexer()
    except UnexpectedInput:
        return frozenset()
    return frozenset(state.accepts())  # type: ignore[no-untyped-call]
