"""Quantities as people read them."""

from __future__ import annotations

_ENERGY_UNITS = (("mJ", 1e9), ("uJ", 1e6), ("nJ", 1e3), ("pJ", 1.0))


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


def counted(n: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{n} {noun}" + ("" if n == 1 else "s")
