"""One word or sign that is wrong is one mistake: what stands around it is read all the same."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest

from qdsl.diagnostics import Sink, SourceFile
from qdsl.resources import data_dir
from qdsl.syntax import parse
from qdsl.syntax.tree import File

TOKEN = re.compile(r'//[^\n]*|"[^"\n]*"|\w+|[^\s\w]')
SPECS = [p.read_text(encoding="utf-8") for p in sorted(data_dir("specs").rglob("*.qdsl"))]


def read(text: str) -> tuple[File, list[str]]:
    sink = Sink()
    tree = parse(SourceFile("x.qdsl", text), sink)
    return tree, [d.message for d in sink]


def spoilt(kind: str, draws: random.Random) -> Iterator[tuple[str, str]]:
    """A spec with one token left out, doubled or misspelt, and the line it is about."""
    while True:
        text = draws.choice(SPECS)
        token = draws.choice([m for m in TOKEN.finditer(text) if not m[0].startswith("//")])
        new = {"without": "", "twice": f"{token[0]} {token[0]}"}.get(kind)
        if new is None:
            if len(token[0]) < 4 or not token[0].isalpha():
                continue
            at = draws.randrange(len(token[0]) - 1)
            new = token[0][:at] + token[0][at + 1] + token[0][at] + token[0][at + 2 :]
        line = text[text.rfind("\n", 0, token.start()) + 1 : text.find("\n", token.end())]
        yield text[: token.start()] + new + text[token.end() :], f"{kind} `{token[0]}`: {line}"


@pytest.mark.parametrize("kind", ["without", "twice", "misspelt"])
def test_one_mistake_has_hardly_ever_more_than_one_finding(kind: str) -> None:
    drawn = spoilt(kind, random.Random(7))
    counts = []
    for _ in range(60):
        text, where = next(drawn)
        _, found = read(text)
        counts.append(len(found))
        assert len(found) <= 4, where
    assert sum(counts) <= 75


def test_a_corrected_declaration_is_the_one_that_was_meant() -> None:
    right = "study s {\n  precision {\n    weights in {2..8} per layer\n    output 8 bit\n  }\n  minimize energy, noise\n}\n"
    meant, none = read(right)
    assert none == []
    for old, new in {
        "weights in {2..8}": "weigths in {2..8}",
        "per layer": "layer",
        "{2..8}": "2..8}",
        "energy, noise": "energy noise",
        "precision {": "precision: {",
        "bit\n  }": "bit\n",
        "study s {": "study s",
        "output 8": "output = 8",
    }.items():
        assert old in right
        tree, found = read(right.replace(old, new, 1))
        assert len(found) == 1, (new, found)
        assert tree.declarations == meant.declarations, new
        assert tree.lost == ()


def test_places_are_those_of_the_text_as_written() -> None:
    text = "study s {\n  minimise energy noise\n  report html;\n  searhc nsga2(seed = 1)\n}\n"
    tree, found = read(text)
    assert len(found) == 3
    (study,) = tree.declarations
    shown = [text[i.span.start : i.span.end] for i in study.items]  # type: ignore[union-attr]
    assert shown == ["minimise energy noise", "report html", "searhc nsga2(seed = 1)"]
