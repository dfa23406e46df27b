"""Shipped specs are laid out as `qdsl fmt` does it."""

from __future__ import annotations

from pathlib import Path

import pytest

from qdsl.resources import data_dir
from qdsl.syntax import format_source


@pytest.mark.parametrize("path", sorted(data_dir("specs").rglob("*.qdsl")), ids=lambda p: p.stem)
def test_spec_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_source(text, str(path)) == text
