"""A constraint that divides by zero at the widths or on the layers at hand is refused by every command that applies it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.cli import main
from tests.support.small_study import MAPPING, study_text, write_spec

BY_WIDTH = "tile(regs, K) <= 3 / (bits(W) - 4)"

Shown = Callable[..., tuple[int, str]]


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shown:
    """Exit code and stderr of a command on a study with these constraints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")

    def run(constrain: str, command: str, *arguments: str) -> tuple[int, str]:
        write_spec(Path(), MAPPING, study_text(constrain=constrain))
        code = main([command, "small.qdsl", *arguments])
        return code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    ("name", "constrain"),
    [
        ("division_by_width", BY_WIDTH),
        ("division_in_condition", "if 3 / (bits(W) - 4) <= 3 then tile(regs, K) <= 2"),
        ("division_by_size", "tile(regs, K) == 3 / (M - 4)"),
        ("division_always", "tile(regs, K) == 3 / (2 - 2)"),
    ],
)
def test_what_is_printed(shown: Shown, golden: Callable[[str, str], None], name: str, constrain: str) -> None:
    code, err = shown(constrain, "map", "--layer", "a", "--bits", "W=4")
    assert code == 1
    golden(f"{name}.txt", err)


@pytest.mark.parametrize(
    "arguments",
    [
        ("map",),
        ("count", "--layer", "a", "--bits", "W=4"),
        ("check", "--feasibility"),
        ("run", "--out", "out"),
    ],
)
def test_every_command_refuses_it(shown: Shown, arguments: tuple[str, ...]) -> None:
    code, err = shown(BY_WIDTH, *arguments)
    assert code == 1
    assert "error[Q0304]: division by zero on a `linear` layer" in err and "`bits(W) = 4`" in err


@pytest.mark.parametrize(
    "constrain",
    [
        f"if bits(W) < 4 then {BY_WIDTH}",
        "bits(W) == 4 or " + BY_WIDTH,
        "if bits(W) < 4 and 3 / (bits(W) - 4) < 0 then tile(regs, N) == 8",
    ],
)
def test_a_condition_keeps_it_away(shown: Shown, constrain: str) -> None:
    code, err = shown(constrain, "count", "--layer", "a", "--bits", "W=4")
    assert (code, err) == (0, "")
