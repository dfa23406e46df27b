"""Aligned columns and readable quantities for terminals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_ENERGY_UNITS = (("mJ", 1e9), ("uJ", 1e6), ("nJ", 1e3), ("pJ", 1.0))


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


def energy(pj: float) -> str:
    """Four significant digits in the unit that fits: `162.2 uJ`."""
    unit, scale = next(((u, s) for u, s in _ENERGY_UNITS if abs(pj) >= s), _ENERGY_UNITS[-1])
    return f"{pj / scale:.4g} {unit}"


def duration(seconds: float) -> str:
    """Four significant digits in the unit that fits: `19.85 us`."""
    unit, scale = next(((u, s) for u, s in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)) if seconds >= s), ("ns", 1e-9))
    return f"{seconds / scale:.4g} {unit}"


def memory(bits: float) -> str:
    """`3.14 MiB`, `12.5 KiB` or `96 bit`."""
    for unit, scale in (("MiB", 8 * 1024 * 1024), ("KiB", 8 * 1024)):
        if bits >= scale:
            return f"{bits / scale:.4g} {unit}"
    return f"{bits:g} bit"


def widths(bits: Mapping[str, int]) -> str:
    """`I 8, W 4, O 8`."""
    return ", ".join(f"{tensor} {width}" for tensor, width in bits.items())


def counted(n: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{n} {noun}" + ("" if n == 1 else "s")
