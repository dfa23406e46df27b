"""The tables and pictures of benchmarks are those of the figures measured last."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.benchmarks.table import BEGIN, END, README, files

MADE = files()


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.name)
def test_a_file_is_the_one_that_is_made(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == MADE[path], "write it anew: python -m tests.benchmarks.table"


def test_the_readme_has_a_place_for_the_table() -> None:
    text = README.read_text(encoding="utf-8")
    assert text.count(BEGIN) == text.count(END) == 1
