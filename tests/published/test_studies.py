"""The page of studies shows what they find."""

from __future__ import annotations

import pytest

from tests.published.studies import PAGE, savings, solved


@pytest.mark.slow
def test_the_page_shows_what_mixed_widths_save() -> None:
    every = {("mobilenet_v1", "eyeriss"): solved("mobilenet_v1", "eyeriss")}
    (row,) = savings(every)
    assert f"| {' | '.join(row)} |" in PAGE.read_text(encoding="utf-8")
