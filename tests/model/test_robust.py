"""No text, however wrong, ends in a traceback."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qdsl.diagnostics import Sink, render_text
from qdsl.model import load_model
from tests.model.test_invariants import SPEC

PARTS = Path(__file__).parent / "wrong" / "parts"
WHOLE = "".join(
    [
        (PARTS / "operators.qdsl").read_text(),
        (PARTS / "machine.qdsl").read_text(),
        (PARTS / "network.qdsl").read_text().replace('import "operators.qdsl"\n', ""),
        re.sub(r'import "[^"]*"\n', "", SPEC),
    ]
)
TOKENS = re.findall(r"\s+|\w+|.", WHOLE)
WORDS = sorted(
    {t for t in TOKENS if not t.isspace()} | {"0", "-1", "1e99", "999999999999999999", "1 / 0", "pJ", "word"}
)
EDITS = st.lists(
    st.tuples(st.sampled_from(["drop", "replace", "insert"]), st.integers(0, len(TOKENS) - 1), st.sampled_from(WORDS)),
    min_size=1,
    max_size=3,
)


@given(EDITS)
@example([])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_edited_spec_is_accepted_or_explained(tmp_path: Path, edits: list[tuple[str, int, str]]) -> None:
    tokens = list(TOKENS)
    for kind, at, word in edits:
        tokens[at] = {"drop": "", "replace": word, "insert": f"{tokens[at]} {word} "}[kind]
    path = tmp_path / "main.qdsl"
    path.write_text("".join(tokens))
    sink = Sink()
    model = load_model(path, sink)
    assert (model is None) == bool(sink.errors)
    assert edits or not sink.diagnostics
    assert bool(render_text(sink.diagnostics)) == bool(sink.diagnostics)
