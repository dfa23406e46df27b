"""The language reference: its examples are accepted without a word, laid out, and leave out nothing of the grammar."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from qdsl.diagnostics import Sink, SourceFile, render_text
from qdsl.model import load_model
from qdsl.model.invariants import violations
from qdsl.model.units import UNITS
from qdsl.resources import data_dir
from qdsl.syntax import format_source
from qdsl.syntax.layout import lay_out
from qdsl.syntax.reader import words
from qdsl.syntax.tables import parser

REFERENCE = (data_dir("grammar") / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```qdsl\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL)
PROSE = re.sub(r"^```.*?^```", "", REFERENCE, flags=re.MULTILINE | re.DOTALL)
ITEMS = [
    layout.text[segment.start : segment.end]
    for layout in (lay_out(SourceFile("x", example), Sink()) for example in EXAMPLES)
    for segment in layout.segments
]
KEYWORDS = {t.pattern.value for t in parser().terminals if t.pattern.type == "str" and t.pattern.value.isidentifier()}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the imports of an example lead to shipped specs."""
    specs = tmp_path_factory.mktemp("reference") / "specs"
    shutil.copytree(data_dir("specs"), specs)
    return specs / "examples" / "example.qdsl"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: re.findall(r"^[a-z]+ [\"\w]\w*", e, re.MULTILINE)[-1])
def test_an_example_is_sound_and_laid_out(example: str, place: Path) -> None:
    place.write_text(example, encoding="utf-8")
    sink = Sink()
    model = load_model(place, sink)
    assert render_text(sink.diagnostics) == ""
    assert model is not None
    assert violations(model) == []
    assert format_source(example) == example


def test_every_rule_of_the_grammar_has_an_example() -> None:
    trees = (parser().parse(item) for item in ITEMS)
    shown = {str(part.data) for tree in trees for part in tree.iter_subtrees()}
    nodes = {str(r.alias or r.origin.name) for r in parser().rules if not r.origin.name.startswith("_")}
    alone = {r.origin.name for r in parser().rules if r.options.expand1 and not r.alias}  # stand for their only child
    assert nodes - shown - alone == set()


def test_every_terminal_of_the_grammar_is_in_an_example() -> None:
    shown = {kind for item in ITEMS for kind, _, _ in words(item)}
    assert {t.name for t in parser().terminals if not t.name.startswith("__IGNORE")} - shown == set()


def test_every_keyword_and_unit_is_mentioned_in_the_text() -> None:
    mentioned = set(re.findall(r"[A-Za-z_]\w*|%", " ".join(re.findall(r"`([^`]+)`", PROSE))))
    assert KEYWORDS - mentioned == set()
    assert set(UNITS) - mentioned == set()


def test_links_lead_somewhere() -> None:
    sections = {re.sub(r"\W+", "-", title.lower()) for title in re.findall(r"^## (.*)$", REFERENCE, re.MULTILINE)}
    for target in re.findall(r"\]\(([^)]+)\)", PROSE):
        file, _, section = target.partition("#")
        assert not file or (data_dir("grammar") / file).exists(), target
        assert not section or file or section in sections, target
