"""What all tests share: golden files, which `pytest --update-golden` writes anew."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

# A machine busy with other work is not a failure, and every machine tries the same examples; others are tried with
# `pytest --hypothesis-profile=search`.
hypothesis.settings.register_profile("shared", deadline=None, derandomize=True)
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.load_profile("shared")
os.environ["QDSL_CACHE"] = "off"  # generated code is made here, not found
os.environ["COLUMNS"] = "120"  # findings break their lines alike on every terminal


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files anew instead of comparing")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """`golden(name, text)` compares the text with the file `golden/name` beside the test module."""
    directory = Path(request.path).parent / "golden"
    update = bool(request.config.getoption("--update-golden"))

    def compare(name: str, text: str) -> None:
        path = directory / name
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
            return
        assert path.is_file(), f"{path} is missing; write it with `pytest --update-golden`"
        assert text == path.read_text(encoding="utf-8")

    return compare
