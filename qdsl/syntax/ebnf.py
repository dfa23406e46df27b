"""The grammar in the EBNF of the W3C, made from grammar/qdsl.lark: `qdsl grammar` prints it."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from typing import Any

from lark import Tree
from lark.grammar import Symbol, Terminal
from lark.load_grammar import load_grammar

from qdsl.resources import data_dir

WIDTH = 120
HEADER = """\
/* The grammar of qdsl, made from qdsl.lark by `qdsl grammar`; do not edit.

   A file holds any number of items, set apart like statements. A word in quotes is a keyword only where it can stand,
   and a NAME elsewhere. Between two slashes stands a regular expression. SEP is `;` or a line break; a line break is
   only layout inside ( ) and [ ], after `{` `,` `:` `=` and binary operators, and before `{` `}` `then` `else` `and`
   `or`. Comments begin with two slashes and end with their line. */

"""


def ebnf() -> str:
    """All rules, by the sections of the grammar, then the terminals that are no fixed words."""
    source = (data_dir("grammar") / "qdsl.lark").read_text(encoding="utf-8")
    return "".join([HEADER, *_Printer(source).sections()])


class _Printer:
    """words: the fixed text of terminals. templates: parameters and body of rules such as `_list{element}`."""

    def __init__(self, source: str) -> None:
        self.source = source
        grammar, _ = load_grammar(source, "qdsl.lark", [], False)  # type: ignore[no-untyped-call]
        terminals = {
            str(name): _only_literal(tree) for name, (tree, _) in grammar.term_defs if not name.startswith("__")
        }
        self.words = {name: text[1:-1] for name, text in terminals.items() if text.startswith('"')}
        self.patterns = {name: text for name, text in terminals.items() if text.startswith("/")}
        self.templates = {str(name): (params, body) for name, params, body, _ in grammar.rule_defs if params}
        self.rules = {str(name): body for name, params, body, _ in grammar.rule_defs if not params}

    def sections(self) -> Iterator[str]:
        for line in self.source.splitlines():
            if header := re.match(r"// --- (.*?) -+$", line):
                yield f"\n/* {header[1]} */\n\n"
            elif (rule := re.match(r"\??(\w+):", line)) and rule[1] in self.rules:
                yield self.rule(rule[1])
            elif (terminal := re.match(r"(\w+)(?:\.\d+)?:", line)) and terminal[1] in self.patterns:
                yield f"{_bare(terminal[1])} ::= {self.patterns[terminal[1]]}\n"

    def rule(self, name: str) -> str:
        alternatives = [self.text(x, {}) for x in self.rules[name].children]
        head = f"{_bare(name)} ::= "
        one_line = head + " | ".join(alternatives)
        if len(one_line) <= WIDTH:
            return one_line + "\n"
        lines = [head + alternatives[0], *(f"{'| ':>{len(head)}}{a}" for a in alternatives[1:])]
        wrapped = (textwrap.wrap(x, WIDTH, subsequent_indent=" " * (len(head) + 2)) for x in lines)
        return "".join(f"{line}\n" for lines in wrapped for line in lines)

    def text(self, part: Any, given: dict[str, str]) -> str:
        """A piece of a rule. given: what the parameters of the template around it stand for."""
        if isinstance(part, Symbol):
            return self.symbol(part, given)
        match part.data, part.children:
            case "literal", [literal]:
                return f"'{literal[1:-1]}'"
            case "alias", [expansion, _]:
                return self.text(expansion, given)
            case "template_usage", [template, *arguments]:
                params, body = self.templates[template.name]
                stand_for = dict(zip(map(str, params), (self.text(a, given) for a in arguments), strict=True))
                return self.text(body, stand_for)
            case "maybe", [inner]:
                return f"{self.grouped(inner, given)}?"
            case "expr", [inner, op]:
                return f"{self.grouped(inner, given)}{op}"
            case "expansions", alternatives if len(alternatives) > 1:
                return f"( {' | '.join(self.text(a, given) for a in alternatives)} )"
        return " ".join(self.text(child, given) for child in part.children)

    def grouped(self, part: Any, given: dict[str, str]) -> str:
        text = self.text(part, given)
        return text if " " not in text or text.startswith("( ") else f"( {text} )"

    def symbol(self, symbol: Symbol, given: dict[str, str]) -> str:
        if isinstance(symbol, Terminal) and symbol.name in self.words:
            return f"'{self.words[symbol.name]}'"
        return given.get(symbol.name) or _bare(symbol.name)


def _only_literal(tree: Tree[Any]) -> str:
    (literal,) = tree.scan_values(lambda _: True)
    return str(literal)


def _bare(name: str) -> str:
    """Without the underscore that tells Lark to make no node."""
    return name.lstrip("_")
