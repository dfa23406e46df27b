"""Every example of the language reference is read without a finding."""

from __future__ import annotations

import pytest

from qdsl.diagnostics import Sink, SourceFile
from qdsl.resources import data_dir
from qdsl.syntax import parse

REFERENCE = (data_dir("grammar") / "README.md").read_text(encoding="utf-8")
EXAMPLES = [block.split("```")[0] for block in REFERENCE.split("```qdsl\n")[1:]]


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_example_is_read(text: str) -> None:
    sink = Sink()
    file = parse(SourceFile("grammar/README.md", text), sink)
    assert not sink.diagnostics
    assert file.declarations or file.imports


def test_every_keyword_of_the_grammar_occurs_in_an_example() -> None:
    grammar = (data_dir("grammar") / "qdsl.lark").read_text(encoding="utf-8")
    keywords = {text for text in grammar.split('"')[1::2] if text.isalpha()}
    words = {word for example in EXAMPLES for word in example.replace("(", " ").replace(":", " ").split()}
    assert keywords - words == set()
