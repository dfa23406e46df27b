"""Reading what is right: from the text of an import or declaration to its node, by the tables that Lark made.

Lark could do this too, but takes longer to load than most files to read, and twice as long for the reading; and most
text is right. `tests/syntax/test_grammar.py` holds both against each other.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, NamedTuple

from qdsl.diagnostics import Sink, SourceFile
from qdsl.syntax.building import Build, Word
from qdsl.syntax.tables import Shape, tables
from qdsl.syntax.tree import Declaration, Import

_PATTERNS = ("NAME", "NUMBER", "STRING", "_SEP", "COMPARE")
_AMBIGUOUS = frozenset(["NAME", "UNIT", "sign", "END"])  # may be literals of the grammar
_FIRST = ("ASSIGN", "UNIT", "INSTANCE")  # tried before the others in the states that accept them


class NotReadableError(Exception):
    """The text does not follow the grammar. at: from where on."""

    def __init__(self, at: int) -> None:
        self.at = at


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


def words(text: str) -> list[tuple[str, int, int]]:
    """Terminal, start and end of every word. Raises NotReadableError."""
    reading = _Reading(text, Build(SourceFile("", text), 0, Sink()))
    reading.run()
    return reading.words


class _Lexicon(NamedTuple):
    """How text falls into words. by_state: for every state of the parser, the pattern of the words to try first.

    The group of a pattern that matches is the terminal, `sign` for punctuation, or `END`.
    kept: the terminals that nodes are made of; the others are only read.
    """

    word: re.Pattern[str]
    by_state: list[re.Pattern[str]]
    kept: frozenset[str]


@cache
def _lexicon() -> _Lexicon:
    made = tables()
    (blanks,) = (pattern for name, pattern in made.patterns.items() if name.startswith("__IGNORE"))
    signs = sorted((s for s in made.literals if s and not s.isidentifier()), key=len, reverse=True)
    groups = {name: made.patterns[name] for name in _PATTERNS} | {"sign": "|".join(map(re.escape, signs)), "END": r"\Z"}

    def pattern(groups: dict[str, str]) -> re.Pattern[str]:
        return re.compile(f"(?:{blanks})?(?:{'|'.join(f'(?P<{name}>{p})' for name, p in groups.items())})")

    word, first = pattern(groups), {name: pattern({name: made.patterns[name]}) for name in _FIRST}
    by_state = [next((first[name] for name in _FIRST if name in row), word) for row in made.actions]
    return _Lexicon(word, by_state, frozenset(made.kept))


@cache
def _after(state: int, origin: str, ahead: str) -> int:
    """The state after a nonterminal and all reductions by chain rules that follow from it; `state` is the one before."""
    made = tables()
    after = made.gotos[state][origin]
    while (action := made.actions[after].get(ahead, 0)) < 0 and made.rules[~action].chain:
        after = made.gotos[state][made.rules[~action].origin]
    return after


class _Reading:
    """An LALR parser whose reductions make nodes at once.

    words: as `words` returns them. values, starts and ends are those of the symbols on the stack.
    """

    def __init__(self, text: str, build: Build) -> None:
        self.text = text
        self.build = build
        self.words: list[tuple[str, int, int]] = []
        self.values: list[Any] = []
        self.starts: list[int] = []
        self.ends: list[int] = []

    def run(self) -> Any:
        made, text = tables(), self.text
        actions, rules, literals = made.actions, made.rules, made.literals
        word, by_state, kept = _lexicon()
        states = [made.start]
        at = 0
        while True:
            state = states[-1]
            match = by_state[state].match(text, at) or word.match(text, at)
            if match is None:
                raise NotReadableError(at)
            ahead = match.lastgroup or ""
            start, at = match.span(ahead)
            if ahead in _AMBIGUOUS:
                literal = literals.get(text[start:at])
                ahead = literal if literal in actions[state] else ahead
            while (action := actions[state].get(ahead)) is not None and action < 0:
                rule = rules[~action]
                if not rule.chain:
                    self.reduce(rule)
                del states[-rule.length :]
                state = _after(states[-1], rule.origin, ahead)
                states.append(state)
                if state == made.end and ahead == "$END":
                    return self.values[0]
            if action is None:
                raise NotReadableError(start)
            states.append(action)
            self.words.append((ahead, start, at))
            self.values.append(Word(text[start:at], start, at) if ahead in kept else None)
            self.starts.append(start)
            self.ends.append(at)

    def reduce(self, rule: Shape) -> None:
        """Replaces the symbols on the right side of a rule by what it makes of them."""
        parts = self.values[-rule.length :]
        start, end = self.starts[-rule.length], self.ends[-1]
        if rule.length > 1:
            del self.values[1 - rule.length :], self.starts[1 - rule.length :], self.ends[1 - rule.length :]
            self.ends[-1] = end
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
        if rule.absent:
            children += [None] * rule.absent
        if not rule.name:
            self.values[-1] = children
        elif rule.single and len(children) == 1:
            self.values[-1] = children[0]
        else:
            self.values[-1] = getattr(self.build, rule.name)(self.build.span(start, end), children)
