"""Cells and lines of the tables."""

from __future__ import annotations

from collections.abc import Iterable

from tests.published.figures import Bits

MACHINES = {
    "eyeriss_16": "Eyeriss, 16-bit words",
    "eyeriss_8_same": "Eyeriss, 8-bit words, same",
    "eyeriss_8_changed": "Eyeriss, 8-bit words, changed",
    "eyeriss_float": "Eyeriss, 32-bit float",
    "simba_16": "Simba, 16-bit words",
    "simba_8_same": "Simba, 8-bit words, same",
    "simba_8_changed": "Simba, 8-bit words, changed",
    "simba_float": "Simba, 32-bit float",
}


def pairs(*names: str) -> list[str]:
    """Headers of two columns each, what was published and ours."""
    return [x for name in names for x in (name, "qdsl")]


def both(published: float | None, ours: float, form: str) -> list[str]:
    """Two cells; a dash for what was not published."""
    return ["–" if published is None else f"{published:{form}}", f"{ours:{form}}"]


def ratio(published: float, ours: float, digits: int = 4) -> str:
    return f"{ours / published:.{digits}f}"


def widths_text(bits: Bits) -> str:
    return "/".join(map(str, bits))


def lines(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """A table."""
    head = list(header)
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---"] * len(head), *rows])
