"""Specs as they are shipped, and small files that import them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.model import load
from qdsl.model.study import Model
from qdsl.resources import data_dir

Load = Callable[[str], Model]


@pytest.fixture(scope="session")
def load_beside_specs(tmp_path_factory: pytest.TempPathFactory) -> Load:
    """Checks a text that imports shipped specs, such as `import "accelerators/eyeriss.qdsl"`."""
    root = tmp_path_factory.mktemp("shipped") / "specs"
    shutil.copytree(data_dir("specs"), root)

    def load_text(text: str) -> Model:
        path: Path = root / "main.qdsl"
        path.write_text(text)
        return load(path)

    return load_text
