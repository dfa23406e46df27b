"""Columns and quantities."""

from __future__ import annotations

import pytest

from qdsl.cli.tables import columns, energy, memory, widths


def test_columns_line_up() -> None:
    assert columns(("name", "count"), [["a", "1,000"], ["long name", "7"]]) == (
        "name       count\na          1,000\nlong name      7"
    )


@pytest.mark.parametrize(
    ("pj", "text"),
    [(0.0, "0 pJ"), (12.5, "12.5 pJ"), (1000.0, "1 nJ"), (162_200_000.0, "162.2 uJ"), (3.07e9, "3.07 mJ")],
)
def test_energies_take_the_unit_that_fits(pj: float, text: str) -> None:
    assert energy(pj) == text


def test_memories_and_widths() -> None:
    assert [memory(b) for b in (96, 8 * 1024 * 12.5, 8 * 1024**2 * 3)] == ["96 bit", "12.5 KiB", "3 MiB"]
    assert widths({"I": 8, "W": 4}) == "I 8, W 4"
