"""The page of figures is made of what is stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quant.figures import ALIKE, DENSITY, FLOAT, Row, front_at, page, table_of_densities, table_of_sizes
from tests.quant.joint import Design, Run, saving, table


def test_the_page_is_that_of_the_stored_results() -> None:
    assert Path(__file__).with_name("FIGURES.md").read_text(encoding="utf-8") == page()


def test_the_design_of_a_size_is_chosen_by_what_the_search_sees() -> None:
    rows = [Row(1, "per layer", *x, 2.0) for x in ((0.25, 5.0, 1.0), (0.28, 3.0, 4.0), (0.4, 1.0, 2.0))]
    assert [r and r.size for r in (front_at(rows, s) for s in (0.2, 0.26, 0.3, 0.5))] == [None, 0.25, 0.28, 0.4]
    channels = [Row(1, "per channel", 0.27, 4.0, 3.0, 2.0), Row(2, "per channel", 0.29, 4.0, 5.0, 2.0)]
    lines = table_of_sizes([*rows, *channels]).splitlines()
    assert lines[2] == "| per layer | 1 | 1.00 | 4.00 | 4.00 | 4.00 |"
    assert lines[3] == "| per channel | 2 | – | 3.00 (1 of 2 seeds) | 4.00 ± 1.41 | 4.00 ± 1.41 |"
    assert table_of_sizes(rows, "validation error").splitlines()[2] == "| per layer | 1 | 5.00 | 3.00 | 3.00 | 3.00 |"
    assert lines[5].startswith(
        "| per layer or per channel | 2 | 1.00 (1 of 2 seeds) | 4.00 (1 of 2 seeds) | 4.50 ± 0.71"
    )


def test_a_training_by_density_is_compared_with_float_seed_by_seed() -> None:
    errors = {1: (1.0, 1.5, 2.0), 2: (2.0, 1.5, 2.0)}
    rows = [
        Row(seed, kind, 1.0, 0.0, error, 8.0, None if kind == FLOAT else 0.5)
        for seed, found in errors.items()
        for kind, error in zip((FLOAT, ALIKE, DENSITY), found, strict=True)
    ]
    lines = table_of_densities(rows).splitlines()
    assert lines[2] == f"| {FLOAT} | 2 | 1.50 ± 0.71 | – | 8.00 ± 0.00 | – |"
    assert lines[4] == f"| {DENSITY} | 2 | 2.00 ± 0.00 | 0.50 ± 0.71 | 8.00 ± 0.00 | 0.50 ± 0.00 |"


RUN = Run(
    "simba",
    1,
    1.0,
    1.0,
    (
        Design("8/8", 10.0, 2.0, 1.0),
        Design("4/4", 6.0, 1.8, 3.0),
        Design("2/2", 3.0, 9.0, 8.0),
        Design("", 5.0, 1.8, 2.0),
        Design("", 4.0, 2.2, 1.0),
        Design("", 3.5, 9.0, 7.0),
    ),
)


@pytest.mark.parametrize(
    ("uniform", "by", "tolerance", "energies", "test"),
    [
        ("least error", "validation", 0.0, (6.0, 6.0, 5.0), -1.0),
        ("least error", "validation", 0.5, (6.0, 6.0, 4.0), -2.0),
        ("least error", "test", 0.0, (10.0, 10.0, 4.0), 0.0),
        ("8/8", "validation", 0.0, (10.0, 6.0, 5.0), 1.0),
        ("8/8", "test", 7.0, (10.0, 3.0, 3.0), 7.0),
    ],
)
def test_energy_is_saved_at_an_error_that_is_not_larger(
    uniform: str, by: str, tolerance: float, energies: tuple[float, float, float], test: float
) -> None:
    found = saving(RUN, uniform, by, tolerance)
    assert ((found.uniform, found.alike, found.joint), found.test) == (energies, test)


def test_savings_are_in_per_cent_of_the_uniform_design() -> None:
    row = next(x for x in table([RUN]).splitlines() if x.startswith("| simba | 8/8 | validation"))
    assert row == "| simba | 8/8 | validation | 0 | 1 | 10.00 | 5.00 | 50.00 | 16.67 | 1.00 |"
