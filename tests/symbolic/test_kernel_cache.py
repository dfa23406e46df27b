"""Generated code is kept, found again, and never trusted blindly."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from qdsl.diagnostics import SourceFile, Span
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, StorageLevel
from qdsl.symbolic import kernel_cache
from qdsl.symbolic.kernel_cache import cache_folder, cached, canonical

LEVEL = StorageLevel("dram", 16, 1, None, frozenset({"I", "W", "O"}), AccessEnergy(1.0, 2.0, 3.0))
QUESTION = Accelerator("machine", (LEVEL,), ComputeUnit("mac", 1.0))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("QDSL_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "qdsl" / "kernels"


class Maker:
    """Counts how often it is asked."""

    def __init__(self, text: str = "x = 1\n") -> None:
        self.text = text
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        return self.text


def test_a_text_is_made_once(folder: Path) -> None:
    make = Maker("# größer\nx = 1\n")
    assert [cached(QUESTION, make), cached(QUESTION, make)] == [make.text] * 2
    assert make.calls == 1
    assert len(list(folder.iterdir())) == 1


def test_another_question_is_another_text(folder: Path) -> None:
    other = replace(QUESTION, first_output_fills=True)
    assert [cached(QUESTION, Maker("a")), cached(other, Maker("b")), cached(QUESTION, Maker("c"))] == ["a", "b", "a"]


def test_other_formulas_are_another_generator(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached(QUESTION, Maker("a"))
    monkeypatch.setattr(kernel_cache, "_generator", lambda: "other formulas")
    assert cached(QUESTION, Maker("b")) == "b"


@pytest.mark.parametrize(
    "damage",
    [
        lambda old: old[:-1],
        lambda old: old + b"import os\n",
        lambda old: b"",
        lambda old: b"\xff\x00",
        lambda old: old.replace(b"x = 1", b"x = 2"),
        lambda old: b"\n".join(reversed(old.split(b"\n"))),
    ],
)
def test_a_damaged_file_is_made_again(folder: Path, damage: object) -> None:
    assert callable(damage)
    make = Maker()
    cached(QUESTION, make)
    (path,) = folder.iterdir()
    right = path.read_bytes()
    path.write_bytes(damage(right))
    assert cached(QUESTION, make) == make.text
    assert path.read_bytes() == right
    assert make.calls == 2


def test_a_file_under_another_name_is_not_believed(folder: Path) -> None:
    other = replace(QUESTION, first_output_fills=True)
    cached(QUESTION, Maker("a"))
    (first,) = folder.iterdir()
    cached(other, Maker("b"))
    (second,) = set(folder.iterdir()) - {first}
    second.write_bytes(first.read_bytes())
    assert cached(other, Maker("b")) == "b"


def test_nothing_is_kept_if_that_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QDSL_CACHE", "off")
    make = Maker()
    assert [cached(QUESTION, make), cached(QUESTION, make)] == [make.text] * 2
    assert make.calls == 2
    assert not folder.exists()


def test_without_a_place_to_keep_them_texts_are_made(folder: Path) -> None:
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where the folder should be")
    assert cached(QUESTION, Maker("a")) == "a"
    assert cached(QUESTION, Maker("b")) == "b"


def test_the_place_is_in_the_home_folder_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("QDSL_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    assert cache_folder() == tmp_path / ".cache" / "qdsl" / "kernels"


def test_old_files_make_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel_cache, "KEPT", 3)
    for i in range(5):
        cached((QUESTION, i), Maker(str(i)))
        newest = max(folder.iterdir(), key=lambda p: p.stat().st_mtime_ns)
        os.utime(newest, (i, i))
    assert sorted(p.read_text(encoding="utf-8").split("\n")[1] for p in folder.iterdir()) == ["2", "3", "4"]


def test_equal_questions_have_one_text() -> None:
    span = Span(SourceFile("a.qdsl", "accelerator"), 0, 4)
    moved = replace(QUESTION, hierarchy=(replace(LEVEL, span=span, keep=frozenset({"O", "W", "I"})),), span=span)
    assert moved == QUESTION
    assert canonical(moved) == canonical(QUESTION)
    assert canonical(replace(QUESTION, hierarchy=(replace(LEVEL, keep=None),))) != canonical(QUESTION)
    assert canonical(("a", ("b",))) != canonical((("a",), "b"))
