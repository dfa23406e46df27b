"""Every wrong spec beside this module is refused as its first line says, in the words of its golden file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.diagnostics import Sink
from qdsl.diagnostics.render import render_text
from qdsl.model import load_model

WRONG = Path(__file__).parent / "wrong"


@pytest.mark.parametrize("name", sorted(p.stem for p in WRONG.glob("*.qdsl")))
def test_wrong_input_is_explained(
    name: str, golden: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(WRONG)
    expected = (WRONG / f"{name}.qdsl").read_text().splitlines()[0].removeprefix("// expect ").split()
    sink = Sink()
    model = load_model(f"{name}.qdsl", sink)
    assert sorted(d.code for d in sink) == sorted(expected)
    assert (model is None) == bool(sink.errors)
    assert all(d.span is not None for d in sink)
    golden(f"{name}.txt", render_text(sink.diagnostics, color=False, width=120))
