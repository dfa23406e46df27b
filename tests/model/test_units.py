"""Numbers with units become exact quantities."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdsl.diagnostics import SourceFile, Span, SpecError
from qdsl.model.units import (
    BIT_RATE,
    BITS,
    COUNT,
    ENERGY,
    ENERGY_PER_BIT,
    FREQUENCY,
    TIME,
    UNITS,
    WORD_RATE,
    WORDS,
    Dimension,
    Quantity,
    convert,
    quantity,
    whole,
)
from qdsl.syntax.tree import Number

SPAN = Span(SourceFile("test.qdsl", "1"), 0, 1)


def number(text: str, unit: str | None = None) -> Quantity:
    return quantity(Number(text=text, unit=unit, span=SPAN))


@pytest.mark.parametrize(
    ("text", "unit", "value", "dimension"),
    [
        ("12", None, Fraction(12), COUNT),
        ("50", "%", Fraction(1, 2), COUNT),
        ("0.42018", "pJ", Fraction(42018, 100000), ENERGY),
        ("1.5", "nJ", Fraction(1500), ENERGY),
        ("3", "fJ", Fraction(3, 1000), ENERGY),
        ("4", "KiB", Fraction(4 * 1024 * 8), BITS),
        ("4", "kB", Fraction(4 * 1000 * 8), BITS),
        ("1", "MiB", Fraction(2**23), BITS),
        ("16", "word/cycle", Fraction(16), WORD_RATE),
        ("64", "bit/cycle", Fraction(64), BIT_RATE),
        ("2", "B/cycle", Fraction(16), BIT_RATE),
        ("4", "pJ/bit", Fraction(4), ENERGY_PER_BIT),
        ("8", "pJ/B", Fraction(1), ENERGY_PER_BIT),
        ("200", "MHz", Fraction(200_000_000), FREQUENCY),
        ("2", "ms", Fraction(2, 1000), TIME),
        ("1e-3", "pJ", Fraction(1, 1000), ENERGY),
    ],
)
def test_unit_scales_to_base_units(text: str, unit: str | None, value: Fraction, dimension: Dimension) -> None:
    assert number(text, unit) == Quantity(value, dimension)


@pytest.mark.parametrize(("unit", "near"), [("pj", "pJ"), ("KIB", "KiB"), ("words", "word"), ("Mhz", "MHz")])
def test_misspelt_unit_names_the_nearest_one(unit: str, near: str) -> None:
    with pytest.raises(SpecError) as error:
        number("1", unit)
    (finding,) = error.value.diagnostics
    assert finding.code == "Q0301"
    assert finding.helps == (f"did you mean `{near}`?",)


def test_empty_part_of_a_compound_unit_is_refused() -> None:
    with pytest.raises(SpecError, match="Q0301"):
        number("1", "pJ//bit")


def test_wrong_dimension_says_what_is_wanted_and_shows_an_example() -> None:
    with pytest.raises(SpecError) as error:
        convert(number("5", "pJ"), SPAN, "`size`", "size 224 word", WORDS, BITS)
    (finding,) = error.value.diagnostics
    assert finding.message == "`size` must be a number of words or a number of bits"
    assert finding.label == "this is an energy (pJ)"
    assert finding.helps == ("for example `size 224 word`",)


@pytest.mark.parametrize("text", ["0", "2.5", "5"])
def test_whole_number_outside_its_range_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match=r"Q030[56]"):
        whole(number(text), SPAN, "x", 1, 4)


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)), st.integers(0, 10**6))
def test_compound_unit_is_the_quotient_of_its_parts(a: str, b: str, n: int) -> None:
    whole_, top, bottom = number(str(n), f"{a}/{b}"), number(str(n), a), number("1", b)
    assert whole_.value == top.value / bottom.value
    assert whole_.dimension == top.dimension.times(bottom.dimension, -1)
