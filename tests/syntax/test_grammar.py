"""Every sentence of the grammar is read, and read as Lark reads it; what Lark refuses is refused."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from lark import Token, Tree, UnexpectedInput

from qdsl.diagnostics import Sink, SourceFile, Span
from qdsl.resources import data_dir
from qdsl.syntax import tree as t
from qdsl.syntax.building import Build, Word
from qdsl.syntax.layout import lay_out
from qdsl.syntax.reader import NotReadableError, read
from qdsl.syntax.tables import parser
from tests.support.grammar import Writer

REFERENCE = (data_dir("grammar") / "README.md").read_text(encoding="utf-8")
TEXTS = [
    *re.findall(r"^```qdsl\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL),
    *(path.read_text(encoding="utf-8") for path in sorted(data_dir("specs").rglob("*.qdsl"))),
]


def items(text: str) -> list[str]:
    """The imports and declarations of a file, laid out for the grammar."""
    layout = lay_out(SourceFile("x", text), Sink())
    return [layout.text[s.start : s.end] + s.missing for s in layout.segments]


ITEMS = [item for text in TEXTS for item in items(text)]


def by_lark(text: str) -> t.Import | t.Declaration | None:
    """The node made from Lark's tree, bottom-up."""
    build = Build(SourceFile("x", text), 0, Sink())
    tree = parser().parse(text)
    made: dict[int, Any] = {}
    for part in tree.iter_subtrees():
        children = [made[id(c)] if isinstance(c, Tree) else _word(c) for c in part.children]
        span = Span(build.source, part.meta.start_pos, part.meta.end_pos)
        made[id(part)] = getattr(build, part.data)(span, children)
    return build.finish(made[id(tree)])


def _word(token: Token | None) -> Word | None:
    return None if token is None else Word(token, token.start_pos or 0, token.end_pos or 0)


def by_tables(text: str) -> t.Import | t.Declaration | None:
    return read(text, SourceFile("x", text), 0, Sink())


def places(node: object) -> list[tuple[str, int, int]]:
    """The spans of all nodes, which equality ignores."""
    found: list[tuple[str, int, int]] = []
    left = [node]
    while left:
        part = left.pop()
        if isinstance(part, tuple):
            left.extend(part)
        elif isinstance(part, t.Node):
            left.extend(v for name, v in sorted(vars(part).items()) if not isinstance(v, Span))
            found += [(name, v.start, v.end) for name, v in sorted(vars(part).items()) if isinstance(v, Span)]
    return found


def same(text: str) -> None:
    """Asserts that both read the text alike, or refuse it."""
    try:
        expected = by_lark(text)
    except UnexpectedInput:
        with pytest.raises(NotReadableError):
            by_tables(text)
        return
    found = by_tables(text)
    assert found == expected
    assert places(found) == places(expected)


def test_shipped_specs_and_examples_are_read_as_lark_reads_them() -> None:
    for item in ITEMS:
        same(item)


def test_every_rule_of_the_grammar_can_be_written_and_is_read() -> None:
    writer = Writer(Random(9))
    every = set(parser().rules)
    for _ in range(20_000):
        before = len(writer.used)
        sentence = writer.words()
        if len(writer.used) > before:
            (item,) = items(writer.laid_out(sentence))
            assert by_tables(item) is not None
            same(item)
        if writer.used == every:
            return
    assert not every - writer.used


@given(st.randoms(use_true_random=False))
@settings(max_examples=40)
def test_sentences_are_read_as_lark_reads_them(random: Random) -> None:
    for item in items(Writer(random, depth=18).file()):
        same(item)


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """An item of which some words are removed, exchanged or repeated."""
    words = re.findall(r"\w+|\s+|.", draw(st.sampled_from(ITEMS)))
    place = st.integers(0, len(words) - 1)
    for _ in range(draw(st.integers(1, 3))):
        i, j = draw(place), draw(place)
        words[i] = draw(st.sampled_from(["", words[j], words[i] + words[j], words[i] + " " + words[j]]))
    return "".join(words)


@given(damaged())
@example("constraints c for a { x == 1 }}")
@example("network n { input a: 3 x2 x x }")
@example("network n { output f() x }")
@example("operator o { O[n] max== I[n] }")
@example("mapping m for b . 1.2 onto a { }")
@example("study s {\u00a0}")
@example("accelerator a { word 8 bit;\u00a0clock 1 MHz }")
@example("")
@settings(max_examples=150)
def test_damaged_text_is_refused_where_lark_refuses_it(text: str) -> None:
    same(text)
