"""A TextMate grammar made from the terminals and rules of grammar/qdsl.lark: `python -m qdsl.lsp.textmate` prints it.

Keywords have their meaning only where they can stand. A TextMate grammar knows no more than the line before, so a word
counts as a keyword where a statement begins with it, or within a statement if the grammar has it there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from lark.lexer import PatternStr

from qdsl.model.units import UNITS
from qdsl.syntax.layout import DECLARATIONS
from qdsl.syntax.tables import parser

# Rules of what begins within a statement; all others that begin with a keyword are statements.
_WITHIN = ("for_tensors", "energy_term", "bandwidth_term", "conditional", "negation", "layer_names")
# Rules that begin with a word which is no keyword there.
_NAMES = ("_binding_name", "name")
_START = r"(?:^|[{;}])\s*"  # of a statement; all that begin there begin alike, since what starts first is taken
_LOGIC = ("and", "or", "not", "if", "then", "else", "in")  # words that may stand before a parenthesis
_DECLARING = ("technology_entry", "input_stmt", "layer_stmt")


def textmate() -> dict[str, Any]:
    """The grammar as JSON has it."""
    patterns = [
        _match("comment.line.double-slash.qdsl", r"//.*$"),
        {
            "name": "string.quoted.double.qdsl",
            "begin": '"',
            "end": '"|$',
            "patterns": [_match("constant.character.escape.qdsl", r"\\.")],
        },
        _captured(
            rf"{_START}({_any(DECLARATIONS)})\b(?:\s+({_terminal('NAME')}))?",
            "keyword.declaration",
            "entity.name.type",
        ),
        _captured(
            rf"{_START}({_any(_declaring())})\s+({_terminal('NAME')})(?!\s*[=:.(])", "keyword.other", "entity.name"
        ),
        _captured(rf"\b({_terminal('NUMBER')})\s*({_unit()})(?!\w)", "constant.numeric", "keyword.other.unit"),
        _match("constant.numeric.qdsl", rf"\b{_terminal('NUMBER')}"),
        _captured(rf"{_START}({_any(_beginning())})\b(?!\s*[=:.(\[])", "keyword.other"),
        _match("entity.name.function.qdsl", rf"\b(?!(?:{_any(_LOGIC)})\b){_terminal('NAME')}(?=\s*\()"),
        _match("keyword.control.qdsl", rf"(?<![.\w])(?:{_any(_within())})\b(?!\s*[=:.\[])"),
        _match("keyword.operator.qdsl", "|".join([_terminal("COMPARE"), _terminal("ASSIGN"), r"\.\.", "[-+*/]"])),
    ]
    return {
        "$schema": "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
        "comment": "Made by `python -m qdsl.lsp.textmate` from qdsl.lark; do not edit.",
        "name": "qdsl",
        "scopeName": "source.qdsl",
        "fileTypes": ["qdsl"],
        "patterns": patterns,
    }


def text() -> str:
    """The file grammar/qdsl.tmLanguage.json."""
    return json.dumps(textmate(), indent=2, ensure_ascii=False) + "\n"


def _match(name: str, pattern: str) -> dict[str, Any]:
    return {"name": name, "match": pattern}


def _captured(pattern: str, *names: str) -> dict[str, Any]:
    """A pattern whose groups have names."""
    return {"match": pattern, "captures": {str(i): {"name": f"{n}.qdsl"} for i, n in enumerate(names, 1)}}


def _any(words: Iterable[str]) -> str:
    return "|".join(sorted(words))


def _terminal(name: str) -> str:
    """The expression of a terminal, with groups that capture nothing."""
    pattern: str = parser().get_terminal(name).pattern.value
    return re.sub(r"(?<!\\)\((?!\?)", "(?:", pattern)


def _unit() -> str:
    names = "|".join(sorted(map(re.escape, UNITS), key=lambda unit: (-len(unit), unit)))
    return f"(?:{names})(?:/(?:{names}))?"


def _keywords() -> Iterator[tuple[str, str, int, bool]]:
    """Every use of a keyword: the rule, the word, its place in it, and whether a name follows."""
    words = {t.name: t.pattern.value for t in parser().terminals if isinstance(t.pattern, PatternStr)}
    for rule in parser().rules:
        following = [symbol.name for symbol in rule.expansion]
        for i, name in enumerate(following):
            if words.get(name, "").isidentifier():
                yield str(rule.origin.name), words[name], i, following[i + 1 : i + 2] == ["NAME"]


def _declaring() -> set[str]:
    """Keywords before a name that is declared within a declaration."""
    declaring = (k for k in _keywords() if k[0].endswith("_decl") or k[0] in _DECLARING)
    return {word for _, word, i, named in declaring if i == 0 and named} - set(DECLARATIONS)


def _beginning() -> set[str]:
    """Keywords that begin statements."""
    statements = (rule for rule in _keywords() if rule[0] not in (*_WITHIN, *_NAMES) and not rule[0].startswith("__"))
    return {word for _, word, i, _ in statements if i == 0} - set(DECLARATIONS)


def _within() -> set[str]:
    """Keywords inside statements, but for `x` and `y`, which are more often names."""
    return {word for rule, word, i, _ in _keywords() if (i > 0 or rule in _WITHIN) and len(word) > 1}


if __name__ == "__main__":
    print(text(), end="")
