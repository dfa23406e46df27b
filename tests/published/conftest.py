from __future__ import annotations

import shutil
from collections.abc import Callable

import pytest

from qdsl.model import load
from qdsl.model.study import Model
from qdsl.resources import data_dir
from tests.published.questions import Answers, load_answers

LoadText = Callable[[str], Model]


@pytest.fixture(scope="session")
def load_text(tmp_path_factory: pytest.TempPathFactory) -> LoadText:
    """Loads a text that imports shipped specs, such as `import "accelerators/eyeriss_2023.qdsl"`."""
    specs = tmp_path_factory.mktemp("published") / "specs"
    shutil.copytree(data_dir("specs"), specs)

    def load_it(text: str) -> Model:
        path = specs / "main.qdsl"
        path.write_text(text, encoding="utf-8")
        return load(path)

    return load_it


@pytest.fixture(scope="session")
def answers() -> Answers:
    return load_answers()
