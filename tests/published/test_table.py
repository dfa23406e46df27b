"""The tables are those of the answers kept."""

from __future__ import annotations

from tests.published.questions import Answers
from tests.published.table import BEGIN, END, README, TABLE, table
from tests.published.totals import summary


def test_the_table_shows_the_answers(answers: Answers) -> None:
    assert TABLE.read_text(encoding="utf-8") == table(answers)


def test_the_readme_shows_the_totals(answers: Answers) -> None:
    assert BEGIN + summary(answers) + END in README.read_text(encoding="utf-8")
