"""Numbers as a reader wants them: one unit per report, enough digits, no more."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

THIN, NARROW = "\u2009", "\u202f"  # between groups of digits; between a number and its unit
MINUS = "\u2212"

_ENERGY = ((1e12, "J"), (1e9, "mJ"), (1e6, "µJ"), (1e3, "nJ"), (1.0, "pJ"))
_MEMORY = ((8.0 * 2**30, "GiB"), (8.0 * 2**20, "MiB"), (8.0 * 2**10, "KiB"), (8.0, "B"))


@dataclass(frozen=True, slots=True)
class Unit:
    """How a column of like quantities is written. factor: base units (pJ, bit) in one of it."""

    symbol: str
    factor: float
    decimals: int

    def value(self, amount: float) -> float:
        return amount / self.factor

    def number(self, amount: float) -> str:
        return grouped(amount / self.factor, self.decimals)

    def text(self, amount: float) -> str:
        return f"{self.number(amount)}{NARROW}{self.symbol}"


def energy_unit(most_pj: float, digits: int = 4) -> Unit:
    """Unit for energies up to `most_pj`, such that the greatest shows about `digits` significant digits."""
    return _unit(_ENERGY, most_pj, digits)


def memory_unit(most_bits: float, digits: int = 4) -> Unit:
    """Unit for amounts of memory up to `most_bits`."""
    return _unit(_MEMORY, most_bits, digits)


def finer(unit: Unit, most: float, digits: int = 4) -> Unit:
    """The same symbol with decimals for smaller amounts, so that parts and sums can be compared at a glance."""
    return Unit(unit.symbol, unit.factor, _decimals(most / unit.factor, digits))


def grouped(value: float, decimals: int = 0) -> str:
    """Digits in groups of three, with a proper minus sign."""
    text = f"{abs(value):,.{decimals}f}".replace(",", THIN)
    return MINUS + text if value < 0 and any(c in "123456789" for c in text) else text


def percent(share: float, decimals: int = 1) -> str:
    """A share 0..1 in percent."""
    return f"{grouped(100 * share, decimals)}{NARROW}%"


def change(value: float, base: float) -> str:
    """Change from a base, with its sign: `−23.4 %`; an em dash when the base is zero."""
    if not base:
        return "—"
    text = percent(value / base - 1)
    return text if text.startswith(MINUS) or text == percent(0.0) else "+" + text


def compared(value: float, base: float) -> str:
    """The change in words: `23.4 % less`."""
    if not base or abs(value / base - 1) < 0.0005:
        return "as much"
    return f"{percent(abs(value / base - 1))} {'less' if value < base else 'more'}"


def _unit(units: tuple[tuple[float, str], ...], most: float, digits: int) -> Unit:
    factor, symbol = next((u for u in units if most >= u[0]), units[-1])
    return Unit(symbol, factor, _decimals(most / factor, digits))


def _decimals(most: float, digits: int) -> int:
    return max(0, min(6, digits - 1 - floor(log10(most)))) if most > 0 else 0
