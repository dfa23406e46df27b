"""Checking a spec that a test writes as text; `parts/` beside it holds small operators and a small machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.model import load
from qdsl.model.study import Model

Load = Callable[[str], Model]


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    shutil.copytree(Path(__file__).parent / "wrong" / "parts", tmp_path / "parts")

    def load_(text: str) -> Model:
        path = tmp_path / "main.qdsl"
        path.write_text(text)
        return load(path)

    return load_
