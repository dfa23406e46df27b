"""The examples of the language reference are not only grammatical: the checker accepts them without a word."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qdsl.diagnostics import Sink, render_text
from qdsl.model import load_model
from qdsl.model.invariants import violations
from qdsl.resources import data_dir

REFERENCE = (data_dir("grammar") / "README.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```qdsl\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL)
# The example of imports names files that exist only in a reader's project.
WHOLE = [e for e in EXAMPLES if not e.startswith("import")]


@pytest.mark.parametrize("example", WHOLE, ids=lambda e: re.findall(r"^[a-z]+ \w+", e, re.MULTILINE)[-1])
def test_example_of_the_reference_is_sound(example: str, tmp_path: Path) -> None:
    path = tmp_path / "example.qdsl"
    path.write_text(example)
    sink = Sink()
    model = load_model(path, sink)
    assert render_text(sink.diagnostics) == ""
    assert model is not None
    assert violations(model) == []


def test_every_other_example_is_checked() -> None:
    assert len(EXAMPLES) - len(WHOLE) == 1
