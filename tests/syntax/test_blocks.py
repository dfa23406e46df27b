"""What the parser knows of blocks and statements follows the grammar."""

from __future__ import annotations

import re

import pytest

from qdsl.diagnostics import Sink, SourceFile
from qdsl.resources import data_dir
from qdsl.syntax import parse
from qdsl.syntax.blocks import OPENINGS, headers, owners, statements_of
from qdsl.syntax.examples import EXAMPLES
from qdsl.syntax.layout import DECLARATIONS

GRAMMAR = (data_dir("grammar") / "qdsl.lark").read_text(encoding="utf-8")
EVERY = [(block, example) for block, examples in EXAMPLES.items() if block for example in examples.values()]


def test_every_kind_of_block_of_the_grammar_is_known() -> None:
    rules = re.findall(r'^\w+: +"?\(?(\w+).*_block\{', GRAMMAR, re.MULTILINE)
    words = {word.lower() for word in rules}
    assert words == set(OPENINGS)


def test_every_statement_has_an_example() -> None:
    assert set(EXAMPLES[""]) == set(DECLARATIONS)
    for block in OPENINGS:
        assert set(EXAMPLES[block]) - {""} == statements_of(block), block


@pytest.mark.parametrize(("block", "example"), EVERY, ids=[f"{b}-{e.split()[0]}" for b, e in EVERY])
def test_every_example_is_read_in_its_block(block: str, example: str) -> None:
    opening = OPENINGS[block]
    sink = Sink()
    parse(SourceFile("x", f"{opening}\n{example}\n{'}' * opening.count('{')}"), sink)
    assert [d.message for d in sink] == []


def test_a_statement_has_the_blocks_that_the_reference_gives_it() -> None:
    assert owners("size") == ["memory"]
    assert owners("energy") == ["engine", "memory", "array", "compute"]
    assert owners("yield") == ["block"]
    assert owners("K") == []


def test_headers_are_those_of_the_open_blocks_alone() -> None:
    text = "study s { precision { weights in {2..8} per layer }; constrain { every f { tile(g, K) in {2} ; x"
    assert headers(text, len(text)) == ("study s {", " constrain {", " every f {")
