"""The tables are those of the answers kept."""

from __future__ import annotations

from tests.published.questions import Answers
from tests.published.table import README, TABLE, block, table


def test_the_table_shows_the_answers(answers: Answers) -> None:
    assert TABLE.read_text(encoding="utf-8") == table(answers)


def test_the_readme_shows_the_totals(answers: Answers) -> None:
    assert block(answers) in README.read_text(encoding="utf-8")
