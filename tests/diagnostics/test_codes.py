"""The registry of codes and the code base agree."""

from __future__ import annotations

import re
from pathlib import Path

import qdsl
from qdsl.diagnostics.codes import CODES, FAMILIES, WARNINGS

PACKAGE = Path(qdsl.__file__).parent


def used() -> dict[str, str]:
    """Each code that occurs in the package, and one file in which it does."""
    found: dict[str, str] = {}
    for path in PACKAGE.rglob("*.py"):
        if path.name != "codes.py":
            for code in re.findall(r"[\"'](Q\d{4})[\"']", path.read_text(encoding="utf-8")):
                found[code] = str(path.relative_to(PACKAGE))
    return found


def test_every_code_raised_is_declared() -> None:
    assert {code: where for code, where in used().items() if code not in CODES} == {}


def test_every_code_declared_is_raised() -> None:
    assert set(CODES) - set(used()) == set()


def test_codes_are_sorted_and_have_titles() -> None:
    assert list(CODES) == sorted(CODES)
    for code, title in CODES.items():
        assert re.fullmatch(r"Q0\d{3}", code)
        assert any(code.startswith(family) for family in FAMILIES)
        assert title and not title.endswith(".")
    assert set(CODES) >= WARNINGS
