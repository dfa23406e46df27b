"""Random sentences of grammar/qdsl.lark: texts that follow the grammar and mean nothing, laid out in any allowed way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from random import Random
from typing import TypeVar

from lark.grammar import Rule, Symbol, Terminal

from qdsl.syntax.tables import parser, tables

T = TypeVar("T")

WORDS = {
    "NAME": ("K", "C", "glb", "pe", "W", "conv2d", "b1", "x", "pJ", "sizes", "_", "max", "tile", "e3", "inf"),
    "UNIT": ("%", "pJ", "word", "bit", "word/cycle", "KiB", "µs", "pJ/bit/cycle"),
    "NUMBER": ("0", "1", "2", "12", "0.25", "1e-3", "2E+2", "007"),
    "INSTANCE": ("0", "1", "12"),
    "STRING": ('""', '"a.qdsl"', '"// no comment"', '"{ \\" ; \\\\ }"', '"é"'),
    "ASSIGN": ("=", "+=", "max="),
    "COMPARE": ("==", "!=", "<", "<=", ">", ">="),
    "_SEP": (";",),
    "activation": ("relu", "relu6"),  # of a call; not `x`, which stands between the sizes of an input
}
BLANKS = (" ", " ", " ", "  ", "\t", " \r")
BREAKS = ("\n", "\n\n\n", " // c\n", "\n// own\n", '\n\n  // é { " ;\n\t', " // a\n // b\n\n")
_CONTINUED = re.compile(r"[,:=+*/<>{-]\Z|\.\.\Z|\A(?:and|or|not|if|then|else)\Z")
_CONTINUES = re.compile(r"[{}]|then|else|and|or")


@cache
def rules() -> dict[str, list[Rule]]:
    """The alternatives of every nonterminal, as Lark compiled them."""
    found: dict[str, list[Rule]] = {}
    for rule in parser().rules:
        found.setdefault(rule.origin.name, []).append(rule)
    return found


@cache
def heights() -> dict[Rule, int]:
    """The least height of a tree with the rule at its top."""
    found: dict[Rule, int] = {}
    least: dict[str, int] = {}
    while len(found) < len(parser().rules):
        for rule in parser().rules:
            below = [0 if s.is_term else least.get(s.name) for s in rule.expansion]
            if rule not in found and None not in below:
                found[rule] = 1 + max((d for d in below if d is not None), default=0)
                least.setdefault(rule.origin.name, found[rule])
    return found


class Writer:
    """Takes a `random.Random`, or Hypothesis' `st.randoms()`, which can shrink what was chosen.

    depth: of the trees, about. names: that stand for NAME. used: the rules of which something was written.
    """

    def __init__(self, random: Random, depth: int = 24, names: Sequence[str] = ()) -> None:
        self.random = random
        self.depth = depth
        self.terminals = WORDS | ({"NAME": tuple(names)} if names else {})
        self.used: set[Rule] = set()

    def file(self, declarations: int = 3) -> str:
        """One to so many declarations, with comments and blank lines around them."""
        text = self.one_of(("", "", "\ufeff", "\n", "// c\n", "\n\n\n// own\n"))
        for i in range(self.random.randint(1, declarations)):
            text += self.one_of(("\n", ";\n", " ; ", "\n\n\n// c\n", " // c\n")) if i else ""
            text += self.laid_out(self.words())
        return text + self.one_of(("", "\n", " // last", "\n\n// last\n\n", ";"))

    def words(self, start: str = "item") -> list[str]:
        """A sentence; `;` stands where a statement ends."""
        out: list[str] = []
        left: list[tuple[Symbol, int]] = [(rules()[start][0].origin, self.depth)]
        forbidden: set[Rule] = set()
        while left:
            symbol, depth = left.pop()
            if symbol.is_term:
                out.append(self.one_of(self.terminals.get(symbol.name) or (_literals()[symbol.name],)))
                continue
            alternatives = [r for r in rules()[symbol.name] if r not in forbidden]
            least = min(heights()[r] for r in alternatives)
            most = least if symbol.name != "item" and self.random.random() < 0.25 else max(depth, least)
            fitting = [r for r in alternatives if heights()[r] <= most]
            rule = self.one_of([r for r in fitting if r not in self.used] or fitting)
            forbidden |= _forbidden_after(rule)
            self.used.add(rule)
            symbols = list(rule.expansion)
            if rule.origin.name == "call" and symbols[-1].name == "NAME":
                symbols[-1] = Terminal("activation")
            left += ((s, depth - 1) for s in reversed(symbols))
        return out

    def laid_out(self, words: Sequence[str]) -> str:
        """The words with anything between them that leaves the sentence as it is."""
        text = ""
        opened: list[str] = []
        for before, word in zip(["{", *words], words, strict=False):
            if word == ";":
                text += self.one_of((";", " ; ", ";\n", " ;// c\n", *BREAKS))
            elif text and before != ";":
                if _goes_on(before, word, opened) and self.random.random() < 0.15:
                    text += self.one_of(BREAKS)
                elif _needs_blank(before, word) or self.random.random() < 0.6:
                    text += self.one_of(BLANKS)
            text += word if word != ";" else ""
            if word in ("(", "[", "{"):
                opened.append(word)
            elif word in (")", "]", "}"):
                opened.pop()
        return text

    def one_of(self, options: Sequence[T]) -> T:
        return options[self.random.randrange(len(options))]


@cache
def _literals() -> dict[str, str]:
    return {name: text for text, name in tables().literals.items()}


def _forbidden_after(rule: Rule) -> set[Rule]:
    """What the grammar allows and the parser refuses: activation functions outside networks, a second `source`."""
    name = rule.origin.name
    if name.endswith("_decl") and name not in ("network_decl", "block_decl"):
        return {r for r in rules()["call"] if r.expansion[-1].name == "NAME"}
    if name == "_technology_stmt" and rule.expansion[0].name == "source_stmt":
        return {rule}
    return set()


def _goes_on(before: str, word: str, opened: list[str]) -> bool:
    """Whether a line break between two words ends no statement."""
    if before == "*" and word in (".", ","):
        return False  # of a pattern of names
    inside = opened[-1:] in (["("], ["["])
    return inside or bool(_CONTINUED.search(before)) or bool(_CONTINUES.fullmatch(word))


def _needs_blank(before: str, word: str) -> bool:
    if "/" in (before, word):
        return True  # `//` would be a comment, and `word/cycle` one unit
    return (before[-1].isalnum() or before[-1] in '_"%') and (word[0].isalnum() or word[0] in '_"%')
