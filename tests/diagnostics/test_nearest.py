"""Did you mean ...?"""

from __future__ import annotations

import pytest

from qdsl.diagnostics import did_you_mean, nearest

MANY = [f"layer_{i}" for i in range(5000)]


@pytest.mark.parametrize(
    ("name", "known", "meant"),
    [
        ("wrod", ["word", "width", "clock"], "word"),
        ("Memory", ["memory", "array"], "memory"),
        ("regs", ["registers", "dram"], "registers"),
        ("w", ["W", "I", "O"], "W"),
        ("C", ["M", "N", "K"], None),
        ("", ["M"], None),
        ("x" * 300, ["x" * 299], None),
        ("layer_17x", MANY, "layer_17"),
        ("layr_4999", MANY, "layer_4999"),
    ],
)
def test_the_nearest_name_is_found(name: str, known: list[str], meant: str | None) -> None:
    assert nearest(name, known) == meant
    assert did_you_mean(name, known) == ((f"did you mean `{meant}`?",) if meant else ())
