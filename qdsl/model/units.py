"""Units of measurement: numbers as written become exact quantities in base units (pJ, bit, word, s, cycle, mm2)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from qdsl.diagnostics import Span, did_you_mean
from qdsl.model.findings import fail
from qdsl.syntax.tree import Number

BASES = ("pJ", "bit", "word", "s", "cycle", "mm2")
SIZE_LIMIT = 2**40


@dataclass(frozen=True, slots=True)
class Dimension:
    """Exponents of the base units, in the order of BASES."""

    exponents: tuple[int, ...] = (0,) * len(BASES)

    def times(self, other: Dimension, sign: int = 1) -> Dimension:
        return Dimension(tuple(a + sign * b for a, b in zip(self.exponents, other.exponents, strict=True)))

    def __str__(self) -> str:
        """`an energy (pJ)`, or the unit where the dimension has no name."""
        return _NAMES.get(self) or f"in {self.unit}"

    @property
    def unit(self) -> str:
        """The unit in which values of this dimension are kept; '' for a plain number."""
        over = [_power(b, e) for b, e in zip(BASES, self.exponents, strict=True) if e > 0]
        under = [_power(b, -e) for b, e in zip(BASES, self.exponents, strict=True) if e < 0]
        return "/".join(["*".join(over) or "1", *under]) if over or under else ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact value in the base units of its dimension."""

    value: Fraction
    dimension: Dimension

    def __str__(self) -> str:
        return f"{_decimal(self.value)} {self.dimension.unit}".rstrip()


def _base(name: str, exponent: int = 1) -> Dimension:
    return Dimension(tuple(exponent if b == name else 0 for b in BASES))


COUNT = Dimension()
ENERGY = _base("pJ")
BITS = _base("bit")
WORDS = _base("word")
TIME = _base("s")
FREQUENCY = _base("s", -1)
CYCLES = _base("cycle")
WORD_RATE = WORDS.times(CYCLES, -1)
BIT_RATE = BITS.times(CYCLES, -1)
ENERGY_PER_BIT = ENERGY.times(BITS, -1)
ENERGY_PER_WORD = ENERGY.times(WORDS, -1)
ENERGY_PER_CYCLE = ENERGY.times(CYCLES, -1)
POWER = ENERGY.times(TIME, -1)
AREA = _base("mm2")

_NAMES = {
    COUNT: "a plain number",
    ENERGY: "an energy (pJ)",
    BITS: "a number of bits",
    WORDS: "a number of words",
    TIME: "a time (s)",
    FREQUENCY: "a frequency (Hz)",
    CYCLES: "a number of cycles",
    WORD_RATE: "a bandwidth (word/cycle)",
    BIT_RATE: "a bandwidth (bit/cycle)",
    ENERGY_PER_BIT: "an energy per bit (pJ/bit)",
    ENERGY_PER_WORD: "an energy per word (pJ/word)",
    ENERGY_PER_CYCLE: "an energy per cycle (pJ/cycle)",
    POWER: "a power (W)",
    AREA: "an area (mm2)",
}

_BYTES = ("`KiB` is 1024 bytes, `kB` is 1000",)
_MEANT = {
    **dict.fromkeys(("K", "KB", "Kb", "kb", "k"), _BYTES),
    **dict.fromkeys(("byte", "bytes", "Byte", "Bytes"), ("bytes are `B`",)),
    **dict.fromkeys(("x", "X", "mult"), ("a factor has no unit",)),
}
# Units that people use, where those in which values are kept are others.
_COMMON = {FREQUENCY: "MHz", POWER: "mW", TIME: "ns"}

_PREFIXES = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9}


def _scaled(unit: str, prefixes: str, dimension: Dimension, one: Fraction) -> dict[str, tuple[Fraction, Dimension]]:
    return {p + unit: (one * Fraction(10) ** _PREFIXES[p], dimension) for p in ("", *prefixes)}


UNITS: dict[str, tuple[Fraction, Dimension]] = {
    "%": (Fraction(1, 100), COUNT),
    "word": (Fraction(1), WORDS),
    "cycle": (Fraction(1), CYCLES),
    "bit": (Fraction(1), BITS),
    **{f"{p}bit": (Fraction(2**e), BITS) for p, e in (("Ki", 10), ("Mi", 20), ("Gi", 30))},
    **{f"{p}B": (Fraction(8 * 2**e), BITS) for p, e in (("Ki", 10), ("Mi", 20), ("Gi", 30))},
    **_scaled("B", "kMG", BITS, Fraction(8)),
    **_scaled("J", "fpnum", ENERGY, Fraction(10**12)),
    **_scaled("s", "pnum", TIME, Fraction(1)),
    **_scaled("Hz", "kMG", FREQUENCY, Fraction(1)),
    **_scaled("W", "npum", POWER, Fraction(10**12)),
    "mm2": (Fraction(1), AREA),
    "um2": (Fraction(1, 10**6), AREA),
}


def quantity(number: Number) -> Quantity:
    """The value of a number as written. Raises SpecError for an unknown unit."""
    try:
        return _quantity(number.text, number.unit or "")
    except KeyError as error:
        name, span = error.args[0], number.unit_span or number.span
        near = _MEANT.get(name) or did_you_mean(name, UNITS) or (f"units: {', '.join(UNITS)}",)
        shown = name if len(name) <= 40 else f"{name[:37]}..."
        fail("Q0301", f"unknown unit `{shown}`", span, label="not a unit", helps=near)


def convert(q: Quantity, span: Span, what: str, example: str, *dimensions: Dimension) -> Quantity:
    """`q` if it has one of the dimensions. Raises SpecError that shows the `example` of what is wanted otherwise."""
    if q.dimension in dimensions:
        return q
    wanted = " or ".join(str(d) for d in dimensions)
    label = f"this is {q.dimension}"
    fail("Q0302", f"{what} must be {wanted}", span, label=label, helps=[_advice(q, span, example, dimensions)])


def _advice(q: Quantity, span: Span, example: str, dimensions: Sequence[Dimension]) -> str:
    """For a number without unit the number with each that it could have; else the `example`."""
    text = span.source.text[span.start : span.end]
    if q.dimension != COUNT or not re.fullmatch(r"[0-9.eE+-]+", text):
        return f"for example `{example}`"
    units = [_COMMON.get(d, d.unit) for d in dimensions if d != COUNT]
    return f"give it a unit: {' or '.join(f'`{text} {unit}`' for unit in units)}"


def whole(q: Quantity, span: Span, what: str, low: int = 1, high: int = SIZE_LIMIT) -> int:
    """`q` as an integer in low..high. Raises SpecError otherwise."""
    if q.value.denominator != 1:
        fail("Q0306", f"{what} must be a whole number", span, label=f"this is {q}")
    if not low <= q.value <= high:
        limit = f"at least {low}" if q.value < low else f"at most {high}"
        fail("Q0305", f"{what} must be {limit}", span, label=f"this is {q}")
    return int(q.value)


@lru_cache(maxsize=4096)
def _quantity(text: str, unit: str) -> Quantity:
    """Of a number with `pJ`, `word/cycle`, `pJ/bit`, ...; raises KeyError with the name of an unknown unit."""
    scale, dimension = Fraction(1), COUNT
    for sign, name in re.findall(r"([*/]?)([^*/]*)", unit)[:-1]:
        factor, base = UNITS[name]
        scale = scale / factor if sign == "/" else scale * factor
        dimension = dimension.times(base, -1 if sign == "/" else 1)
    return Quantity(Fraction(text) * scale, dimension)  # the parser limits digits and exponents


def _power(base: str, exponent: int) -> str:
    return base if exponent == 1 else f"{base}^{exponent}"


def _decimal(value: Fraction) -> str:
    return str(value.numerator) if value.denominator == 1 else f"{float(value):.6g}"
