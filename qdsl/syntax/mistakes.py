"""What the grammar refuses, in the words of the user."""

from __future__ import annotations

from dataclasses import dataclass

from lark import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from qdsl.diagnostics import Diagnostic, Span
from qdsl.syntax.blocks import owners, pattern
from qdsl.syntax.edits import Edited
from qdsl.syntax.examples import EXAMPLES
from qdsl.syntax.layout import DECLARATIONS
from qdsl.syntax.repair import SUBSTITUTES, Broken, Repair, repair
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
    "!": "write `not` or `!=`",
    "&": "write `and`",
    "|": "write `or`",
    "^": "powers are not supported; multiply instead",
    "%": "`%` is a unit and follows a number: `50 %`",
    "≤": "write `<=`",
    "≥": "write `>=`",
    "≠": "write `!=`",
    "−": "write `-`",
    "–": "write `-`, or `..` in a range",
    "×": "write `*`, or ` x ` between the sizes of an input",
    "·": "write `*`",
    "…": "write `..`",
    "@": "names consist of letters, digits and `_`",
    "$": "names consist of letters, digits and `_`",
}


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is said of a broken statement, and how it is corrected, if there is a way. expected: terminals."""

    diagnostic: Diagnostic
    made: Repair | None
    expected: frozenset[str]


def refusal(text: str) -> UnexpectedInput | None:
    """Where and why Lark refuses a text; None if it does not."""
    try:
        parser().parse(text)
    except UnexpectedInput as error:
        return error
    return None


def explain(error: UnexpectedInput, text: Edited, start: int, end: int, offset: int, segment: Span) -> Mistake:
    """The finding for a statement that the grammar refuses at an offset.

    text: the declaration, laid out. start, end: of the statement in it. segment: where the declaration stands.
    """
    accepts: set[str] = set()
    if isinstance(error, UnexpectedToken):
        accepts = error.accepts or error.expected
    elif isinstance(error, UnexpectedCharacters):
        accepts = error.allowed or set()
    broken = Broken.at(text, start, end, offset, accepts)
    made = repair(broken)
    if isinstance(error, UnexpectedCharacters):
        return Mistake(_unexpected_character(broken, made, segment), made, broken.accepts)
    assert isinstance(error, UnexpectedToken)
    found = _Found.of(error, broken, segment)
    if wrong := made.wrong if made else _first(broken) if broken.misplaced else None:
        name = text.text[wrong[0] : wrong[1]]
        found = _Found(name, f"`{name}`", _at(text, segment, *wrong))
    return Mistake(_refused(broken, found, made), made, broken.accepts)


def _refused(broken: Broken, found: _Found, made: Repair | None) -> Diagnostic:
    helps = (made.help,) if made else _helps(broken, found)
    if made and made.message:
        return Diagnostic("Q0101", made.message, found.span, helps=helps)
    before = broken.text.text[broken.start : made.wrong[0]] if made and made.wrong else broken.before
    if (not before.strip() and broken.text.text[broken.start :].strip()) or (broken.misplaced and not made):
        return _no_statement(broken, found, helps)
    expected = _expected(set(broken.accepts), before.strip())
    if len(expected) > 4 or (made and made.wrong):
        notes = (f"expected is {_list(expected)}",) if not helps else ()
        return Diagnostic("Q0101", f"{found.shown} is not expected here", found.span, notes=notes, helps=helps)
    return Diagnostic("Q0101", f"expected {_list(expected)}, found {found.shown}", found.span, helps=helps)


def _first(broken: Broken) -> tuple[int, int]:
    start = broken.text.text.index(broken.first_word, broken.start)
    return start, start + len(broken.first_word)


@dataclass(frozen=True, slots=True)
class _Found:
    """What stands where something else is expected. text: '' at the end of something."""

    text: str
    shown: str
    span: Span

    @classmethod
    def of(cls, error: UnexpectedToken, broken: Broken, segment: Span) -> _Found:
        text, offset = broken.text, broken.offset
        end = len(text.text[:offset].rstrip())
        gap = segment.source.text[segment.start + text.origin(end) : segment.start + text.origin(offset)]
        at_end = error.token.type in ("_SEP", "$END") or (error.token.type == "RBRACE" and "\n" in gap)
        found = "" if at_end else str(error.token).strip()
        if found:
            if broken.found in SUBSTITUTES and broken.found.startswith(found):
                found = broken.found  # `=>` is read as two signs
            shown = f"`{found if len(found) <= 40 else found[:37] + '...'}`"
            return cls(found, shown, _at(text, segment, offset, offset + len(found)))
        if error.token.type == "$END":
            shown = "the end of the declaration"
        else:
            shown = "`;`" if text.text[offset : offset + 1] == ";" else "the end of the line"
        return cls("", shown, _at(text, segment, end, end))


def _no_statement(broken: Broken, found: _Found, helps: tuple[str, ...]) -> Diagnostic:
    """The finding for what begins no statement of its block, or no declaration."""
    block = broken.block
    holds = sorted(broken.begins) if block else DECLARATIONS
    where = f"{found.shown} is no statement of {_blocks([block])}" if block else f"{found.shown} begins no declaration"
    if not helps and (places := owners(found.text)):
        helps = (f"it is a statement of {_blocks(places)}",)
    elif not helps and found.text in DECLARATIONS:
        helps = (f"`{found.text}` is a declaration and stands outside all blocks",)
    notes = (f"{_blocks([block]) if block else 'a file'} holds {_list([f'`{w}`' for w in holds], 'and')}",)
    return Diagnostic("Q0107", where, found.span, notes=() if helps or not holds else notes, helps=helps)


def _blocks(kinds: list[str]) -> str:
    """`a memory or a compute unit`."""
    names = {"compute": "compute unit", "constrain": "`constrain` block", "every": "`every` block", "for": "`for` block",
             "precision": "`precision` block", "constraints": "constraint set"}  # fmt: skip
    shown = [names.get(k, k) for k in kinds if k not in ("every", "for", "constrain") or len(kinds) == 1]
    return _list([f"{'an' if name[0] in 'aeio' else 'a'} {name}" for name in shown])


def _helps(broken: Broken, found: _Found) -> tuple[str, ...]:
    """Advice where no correction of the statement works."""
    if "_SEP" in broken.accepts and broken.block and (found.text == "," or found.text in broken.begins):
        return ("statements are set apart by line breaks or `;`",)
    if found.text == ":" and "LBRACE" in broken.accepts:
        return ("blocks stand in braces: write `{` here and `}` at the end",)
    if found.text == "=" and "COMPARE" in broken.accepts and broken.accepts & {"_SEP", "THEN"}:
        return ("compare with `==`",)
    if "PARALLEL" in broken.accepts:
        return ("loops are `for` at memories, `parallel` at the axes of arrays",)
    if found.text in ("+", "*") and broken.block == "operator":
        return ("the inputs are all joined by `*` or all by `+`",)
    if found.text in ("<", "<=", ">", ">=", "==") and "_SEP" in broken.accepts:
        return ("a comparison has two sides: write `a < b and b < c`",)
    if found.text == "{" and "THEN" in broken.accepts:
        return ("write `then` and one constraint; repeat the `if` for another one",)
    example = EXAMPLES.get(broken.block, {}).get(broken.first_word if broken.first_word in broken.begins else "")
    return (f"for example `{example}`",) if example else ()


def _unexpected_character(broken: Broken, made: Repair | None, segment: Span) -> Diagnostic:
    character = broken.text.text[broken.offset]
    shown = f"`{character}`" if character.isprintable() and character != " " else "a character"
    notes = () if character.isascii() and character.isprintable() else (f"it is U+{ord(character):04X}",)
    helps = (made.help,) if made else (_CHARACTERS[character],) if character in _CHARACTERS else ()
    span = _at(broken.text, segment, broken.offset, broken.offset + 1)
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
    return _WORDS.get(name) or f"`{pattern(name)}`"


def _list(words: list[str], last: str = "or") -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)


def _at(text: Edited, segment: Span, start: int, end: int) -> Span:
    first, last = (min(segment.start + text.origin(n), segment.end) for n in (start, end))
    return Span(segment.source, first, last)
