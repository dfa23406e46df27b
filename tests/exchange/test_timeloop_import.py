"""Timeloop's files in: the reference cases keep every number, examples of both versions of architectures are read, and what
is wrong or has no meaning is said at its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qdsl
from qdsl.cli import main
from qdsl.diagnostics import SpecError
from qdsl.exchange.timeloop import import_timeloop
from tests.support.timeloop_cases import load_cases, to_source
from tests.support.timeloop_files import write_case

HERE = Path(__file__).parent
CASES = load_cases()
FEW = CASES[::9]


def outcome(text: str) -> Any:
    """The evaluation of the mapping of a spec, or the codes that refuse it."""
    try:
        return qdsl.loads(text).mappings[0].evaluate()
    except SpecError as error:
        return [d.code for d in error.diagnostics]


def check(case: dict[str, Any], directory: Path) -> None:
    imported = import_timeloop(write_case(case, directory))
    assert imported.warnings == ()
    ours, wanted = outcome(imported.text), outcome(to_source(case))
    if isinstance(wanted, list):
        assert ours == wanted
    else:
        assert (ours.energy_pj, ours.cycles, ours.levels) == (wanted.energy_pj, wanted.cycles, wanted.levels)


@pytest.mark.parametrize("case", FEW, ids=lambda c: c["id"])
def test_a_reference_case_keeps_every_number(case: dict[str, Any], tmp_path: Path) -> None:
    check(case, tmp_path)


@pytest.mark.slow
def test_all_reference_cases_keep_every_number(tmp_path: Path) -> None:
    for case in CASES:
        check(case, tmp_path)
