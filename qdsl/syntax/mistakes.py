"""What the grammar refuses, in the words of the user."""

from __future__ import annotations

import re

from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken
from lark.lexer import PatternStr

from qdsl.diagnostics import Diagnostic, Span, did_you_mean
from qdsl.syntax.layout import DECLARATIONS
from qdsl.syntax.tables import parser

_WORDS = {
    "NAME": "a name",
    "INSTANCE": "the number of an instance",
    "NUMBER": "a number",
    "UNIT": "a unit",
    "STRING": "a text in quotes",
    "ASSIGN": "`=`, `+=` or `max=`",
    "COMPARE": "a comparison",
    "_SEP": "the end of the statement",
    "$END": "the end of the declaration",
}
_OPERATORS = {"PLUS", "MINUS", "STAR", "SLASH", "COMPARE", "AND", "OR", "IN"}
_SUFFIXES = {"DOT", "LPAR", "UNIT"}
_BEGIN_VALUE = {"NUMBER", "NAME", "SPATIAL", "TEMPORAL", "LPAR", "MINUS", "NOT", "IF"}
_CHARACTERS = {
    "'": 'texts stand in double quotes: `"..."`',
    "#": "comments begin with `//`",
    "!": "write `not` or `!=`",
    "&": "write `and`",
    "|": "write `or`",
    "^": "powers are not supported; multiply instead",
    "%": "`%` is a unit and follows a number: `50 %`",
}


def begins_declaration(text: str) -> bool:
    """Whether the first word is a declaration's, or nearly so."""
    word = _first_word(text)
    return word in DECLARATIONS or bool(did_you_mean(word, DECLARATIONS))


def refusal(text: str) -> UnexpectedInput:
    """Where and why Lark refuses a text that is not readable."""
    try:
        parser().parse(text)
    except UnexpectedInput as error:
        return error
    raise AssertionError("Lark reads what the tables of its grammar refuse")


def error_offset(error: UnexpectedInput, text: str) -> int:
    """Where in the text of a segment the mistake shows."""
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text)
    return min(error.pos_in_stream or 0, len(text))


def explain(error: UnexpectedInput, before: str, text: str, segment: Span) -> Diagnostic:
    """The finding for a statement that the grammar refuses.

    text: the segment, laid out. before: what of it precedes the statement. segment: where it stands in the source.
    """
    offset = error_offset(error, text)
    if isinstance(error, UnexpectedCharacters):
        return _unexpected_character(text[offset], _at(segment, offset, offset + 1))
    assert isinstance(error, UnexpectedToken)
    gap = segment.source.text[segment.start + len(text[:offset].rstrip()) : segment.start + offset]
    at_end = error.token.type in ("_SEP", "$END") or (error.token.type == "RBRACE" and "\n" in gap)
    found = "" if at_end else str(error.token).strip()
    if found:
        span = _at(segment, offset, offset + len(found))
        shown = f"`{found if len(found) <= 40 else found[:37] + '...'}`"
    else:
        end = len(text[:offset].rstrip())
        span = _at(segment, end, end)
        shown = _end(error, text, offset)
    statement = text[len(before) : offset].strip()
    if not statement and not before.strip():
        notes = (f"a file holds {_list([f'`{d}`' for d in DECLARATIONS], 'and')}",)
        helps = did_you_mean(found, DECLARATIONS)
        return Diagnostic("Q0101", f"expected a declaration, found {shown}", span, notes=notes, helps=helps)
    accepts = set(error.accepts or error.expected)
    helps = _helps(found, accepts, before, statement)
    expected = _expected(accepts, statement)
    if len(expected) > 4:
        notes = (f"expected is {_list(expected)}",)
        return Diagnostic("Q0101", f"{shown} is not expected here", span, notes=notes, helps=helps)
    return Diagnostic("Q0101", f"expected {_list(expected)}, found {shown}", span, helps=helps)


def _helps(found: str, accepts: set[str], before: str, statement: str) -> tuple[str, ...]:
    if found and "_SEP" in accepts and (found == "," or found in _keywords(_accepted_after(before))):
        return ("statements are set apart by line breaks or `;`",)
    if near := did_you_mean(found, _keywords(accepts)):
        return near
    if (last := re.search(r"(?<![.\w])[A-Za-z_]\w*\Z", statement)) and found not in ("=", ":"):
        words = _keywords(_accepted_after(before + statement[: last.start()]))
        if last[0] not in words and (near := did_you_mean(last[0], words)):
            return near
    if found == "=" and "COMPARE" in accepts and accepts & {"_SEP", "THEN"}:
        return ("compare with `==`",)
    if found == "==" and accepts & {"ASSIGN", "EQUAL"}:
        return ("write `=`",)
    if found == "." and "NUMBER" in accepts:
        return ("a number begins with a digit: `0.5`",)
    return ()


def _unexpected_character(character: str, span: Span) -> Diagnostic:
    shown = f"`{character}`" if character.isprintable() and character != " " else "a character"
    notes = () if character.isascii() and character.isprintable() else (f"it is U+{ord(character):04X}",)
    helps = (_CHARACTERS[character],) if character in _CHARACTERS else ()
    return Diagnostic("Q0106", f"{shown} has no meaning here", span, notes=notes, helps=helps)


def _expected(accepts: set[str], statement: str) -> list[str]:
    """What could have stood there, without what goes without saying."""
    rest = set(accepts)
    if not rest <= _OPERATORS | _SUFFIXES:
        rest -= _OPERATORS | {"DOT", "UNIT"}
        if len(rest) > 1:
            rest -= {"LPAR"} if "NUMBER" not in rest else set()
    if rest & {"NAME", "NUMBER"}:
        rest -= {"EQUAL"}  # of a binding that is called like a keyword
    words = []
    if "NUMBER" in rest and statement:
        rest -= _BEGIN_VALUE
        words = ["a value"]
    elif "NUMBER" in rest:  # only formulas of constraints begin a statement with a value
        rest -= _BEGIN_VALUE - {"SPATIAL", "TEMPORAL", "IF"}
        words = ["a formula"]
    if "_SEP" in rest and statement:
        rest -= {"RBRACE"} | ({"NAME"} if statement.endswith(")") else set())
    words += [_word(name) for name in rest if name != "_SEP" or statement]
    return sorted(words, key=lambda word: (word.startswith("the end"), word == "`}`", word))


def _word(name: str) -> str:
    return _WORDS.get(name) or f"`{_pattern(name)}`"


def _pattern(name: str) -> str:
    pattern = parser().get_terminal(name).pattern if name not in _WORDS else None
    return pattern.value if isinstance(pattern, PatternStr) else ""


def _keywords(accepts: set[str]) -> list[str]:
    return sorted(word for name in accepts if (word := _pattern(name)).isalpha())


def _accepted_after(before: str) -> set[str]:
    """Terminals that may begin the statement."""
    state = parser().parse_interactive(before)
    try:
        state.exhaust_lexer()
    except UnexpectedInput:
        return set()
    accepted: set[str] = state.accepts()  # type: ignore[no-untyped-call]
    return accepted


def _end(error: UnexpectedToken, text: str, offset: int) -> str:
    if error.token.type == "$END":
        return "the end of the declaration"
    return "`;`" if text[offset : offset + 1] == ";" else "the end of the line"


def _list(words: list[str], last: str = "or") -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def _first_word(text: str) -> str:
    match = re.match(r"\s*([A-Za-z_]\w*)", text)
    return match[1] if match else ""


def _at(segment: Span, start: int, end: int) -> Span:
    return Span(segment.source, min(segment.start + start, segment.end), min(segment.start + end, segment.end))
