"""Times from a keystroke to its findings, over stdio, with the pause before a check. Nothing here asserts a time."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls")

from qdsl.resources import data_dir
from tests.support.editor import Editor

STUDY = "studies/mobilenet_v2_eyeriss.qdsl"
NETWORK = "networks/mobilenet_v2.qdsl"


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    root = tmp_path_factory.mktemp("specs") / "specs"
    shutil.copytree(data_dir("specs"), root)
    with Editor(root) as started:
        yield started
        assert started.leave() == 0


def typing_in(editor: Editor, name: str, before: str, after: str) -> Callable[[], None]:
    """Types one character, or takes it back, and waits for the findings."""
    text = Path(editor.root, name).read_text()
    wrong = text.replace(before, after, 1)
    assert text != wrong and editor.show(name, text) == []
    turns = count()

    def keystroke() -> None:
        turn = next(turns) % 2
        found = editor.show(name, text if turn else wrong)
        assert bool(found) is not bool(turn)

    return keystroke


def test_findings_after_a_keystroke_in_a_study(benchmark: Any, editor: Editor) -> None:
    benchmark(typing_in(editor, STUDY, "output 8 bit", "output 8 bits"))


def test_findings_after_a_keystroke_in_an_open_import_of_it(benchmark: Any, editor: Editor) -> None:
    benchmark(typing_in(editor, NETWORK, "linear(mean(head)", "linearx(mean(head)"))
