"""The EBNF is that of the grammar: it drifts from nothing, and a parser made of it reads what there is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from lark import Lark, Token
from lark.lark import PostLex

from qdsl.cli import main
from qdsl.diagnostics import Sink, SourceFile
from qdsl.resources import data_dir
from qdsl.syntax.ebnf import WIDTH, ebnf
from qdsl.syntax.layout import lay_out
from qdsl.syntax.tables import parser

GRAMMAR = data_dir("grammar")


class WholeWords(PostLex):
    always_accept = ("NAME",)

    def process(self, stream: Iterator[Token]) -> Iterator[Token]:
        return stream


def test_the_file_is_the_one_that_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert (GRAMMAR / "qdsl.ebnf").read_text(encoding="utf-8") == ebnf(), (
        "write it anew: qdsl grammar > grammar/qdsl.ebnf"
    )
    assert main(["grammar"]) == 0
    assert capsys.readouterr().out == ebnf()
    assert main(["grammar", "--format", "lark"]) == 0
    assert capsys.readouterr().out == (GRAMMAR / "qdsl.lark").read_text(encoding="utf-8")
    assert max(map(len, ebnf().splitlines())) <= WIDTH


def test_every_rule_and_every_word_of_the_grammar_is_there() -> None:
    defined = set(re.findall(r"^(\w+) ::=", ebnf(), re.MULTILINE))
    rules = {
        r.origin.name.lstrip("_") for r in parser().rules if "{" not in r.origin.name and "__" not in r.origin.name
    }
    assert rules <= defined
    words = {t.pattern.value for t in parser().terminals if t.pattern.type == "str"}
    assert words == set(re.findall(r"'(.*?)'", ebnf().split("*/", 1)[1]))


def test_a_parser_made_of_it_reads_all_shipped_specs() -> None:
    text = re.sub(r"/\*.*?\*/", "", ebnf(), flags=re.DOTALL).replace("::=", ":")
    text = re.sub(r"'(.*?)'", r'"\1"', text).replace("ASSIGN :", "ASSIGN.1 :")
    made = Lark(f"{text}\n%ignore /[ \\t\\r\\f]+/", start="item", parser="lalr", postlex=WholeWords())
    for path in sorted(data_dir("specs").rglob("*.qdsl")):
        layout = lay_out(SourceFile("x", path.read_text(encoding="utf-8")), Sink())
        for segment in layout.segments:
            assert made.parse(layout.text[segment.start : segment.end])
