"""Reading what is right: from the text of an import or declaration to its node, by the tables that Lark made.

Lark could do this too, but its lexer and its trees take ten times as long, and most text that is read is right.
`tests/syntax/test_reader.py` holds both against each other.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from qdsl.diagnostics import Sink, SourceFile
from qdsl.syntax.build import Build, Word
from qdsl.syntax.tables import Shape, tables
from qdsl.syntax.tree import Declaration, Import

_PATTERNS = ("NAME", "NUMBER", "STRING", "_SEP", "COMPARE")
_FIRST = ("ASSIGN", "UNIT", "INSTANCE")  # tried before the others in the states that accept them


class NotReadableError(Exception):
    """The text does not follow the grammar."""


def read(text: str, source: SourceFile, offset: int, sink: Sink) -> Import | Declaration | None:
    """The node of a text that stands at `offset` of the source. Findings go to the sink.

    None if an expression is too deep: later stages may recurse into what they get. Raises NotReadableError, without
    findings.
    """
    found = Sink()
    build = Build(source, offset, found)
    item = build.finish(_Reading(text, build).run())
    for diagnostic in found:
        sink.add(diagnostic)
    return item


class _Lexicon(NamedTuple):
    """How text falls into words. first: for every state of the parser, a pattern to try before the others."""

    blanks: re.Pattern[str]
    word: re.Pattern[str]
    first: list[re.Pattern[str] | None]


@cache
def _lexicon() -> _Lexicon:
    made = tables()
    (blanks,) = (pattern for name, pattern in made.patterns.items() if name.startswith("__IGNORE"))
    signs = sorted((s for s in made.literals if not s.isidentifier()), key=len, reverse=True)
    groups = {name: made.patterns[name] for name in _PATTERNS} | {"sign": "|".join(map(re.escape, signs))}
    first = {name: re.compile(f"(?P<{name}>{made.patterns[name]})") for name in _FIRST}
    return _Lexicon(
        re.compile(f"(?:{blanks})?"),
        re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in groups.items())),
        [next((first[name] for name in _FIRST if name in row), None) for row in made.actions],
    )


@cache
def _after(state: int, origin: str, ahead: str) -> int:
    """The state after a nonterminal and all reductions by chain rules that follow from it; `state` is the one before."""
    made = tables()
    after = made.gotos[state][origin]
    while (action := made.actions[after].get(ahead, 0)) < 0 and made.rules[~action].chain:
        after = made.gotos[state][made.rules[~action].origin]
    return after


class _Reading:
    """An LALR parser whose reductions make nodes at once. values, starts and ends are those of the symbols read."""

    def __init__(self, text: str, build: Build) -> None:
        self.text = text
        self.build = build
        self.lexicon = _lexicon()
        self.literals = tables().literals
        self.values: list[Any] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def run(self) -> Any:
        made, first = tables(), self.lexicon.first
        actions, rules = made.actions, made.rules
        state, states = made.start, [made.start]
        at = 0
        while True:
            ahead, start, at = self.word(at, actions[state], first[state])
            while (action := actions[state].get(ahead)) is not None and action < 0:
                rule = rules[~action]
                self.reduce(rule)
                del states[-rule.length :]
                state = _after(states[-1], rule.origin, ahead)
                states.append(state)
                if state == made.end and ahead == "$END":
                    return self.values[0]
            if action is None:
                raise NotReadableError
            state = action
            states.append(state)
            self.values.append(Word(self.text[start:at], start, at))
            self.starts.append(start)
            self.ends.append(at)

    def word(self, at: int, row: dict[str, int], first: re.Pattern[str] | None) -> tuple[str, int, int]:
        """Terminal, start and end of the next word, in a state that accepts the terminals of `row`."""
        at = self.lexicon.blanks.match(self.text, at).end()  # type: ignore[union-attr]
        if at == len(self.text):
            return "$END", at, at
        match = (first and first.match(self.text, at)) or self.lexicon.word.match(self.text, at)
        if match is None:
            raise NotReadableError
        kind = match.lastgroup or ""
        if kind in ("NAME", "UNIT", "sign"):
            literal = self.literals.get(match[0], "")
            kind = literal if literal in row else kind
        return kind, at, match.end()

    def reduce(self, rule: Shape) -> None:
        """Replaces the symbols on the right side of a rule by what it makes of them."""
        if rule.chain:
            return
        parts = self.values[-rule.length :]
        children: list[Any] = []
        for index, is_list, absent in rule.children:
            if absent:
                children += [None] * absent
            if not is_list:
                children.append(parts[index])
            elif children:
                children += parts[index]
            else:
                children = parts[index]  # not copied: a list grows in linear time
        children += [None] * rule.absent
        start, end = self.starts[-rule.length], self.ends[-1]
        del self.values[-rule.length :], self.starts[-rule.length :], self.ends[-rule.length :]
        if not rule.name:
            value: Any = children
        elif rule.single and len(children) == 1:
            value = children[0]
        else:
            value = getattr(self.build, rule.name)(self.build.span(start, end), children)
        self.values.append(value)
        self.starts.append(start)
        self.ends.append(end)
