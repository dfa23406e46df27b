"""Aligned columns and readable quantities for terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qdsl.readable import counted, duration, energy, memory

__all__ = ["columns", "counted", "duration", "energy", "memory", "widths"]


def columns(header: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A table without rules; the first `left` columns are aligned left, the others right."""
    table = [list(header), *map(list, rows)]
    widths = [max(len(row[i]) for row in table) for i in range(len(header))]
    lines = (
        "  ".join(
            cell.ljust(w) if i < left else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in table
    )
    return "\n".join(line.rstrip() for line in lines)


def widths(bits: Mapping[str, int]) -> str:
    """`I 8, W 4, O 8`."""
    return ", ".join(f"{tensor} {width}" for tensor, width in bits.items())
