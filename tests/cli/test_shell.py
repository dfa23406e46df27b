"""Completion scripts and the manual page: shells read them, and they know every command and option."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from qdsl.cli import main
from qdsl.cli.app import all_parsers

COMMANDS = all_parsers()[1]


def printed(kind: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["shell", kind]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("kind", ["bash", "zsh", "fish", "man"])
def test_every_command_and_option_is_there(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(kind, capsys).replace("\\-", "-").replace("-l ", "--")
    for name, parser in COMMANDS.items():
        assert name in text
        assert all(option in text for action in parser._actions for option in action.option_strings if option[1] == "-")


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (["qdsl", "expo"], ["export"]),
        (["qdsl", "export", "time"], ["timeloop"]),
        (["qdsl", "map", "--form"], ["--format"]),
        (["qdsl", "eval", "x.qdsl", "--format", ""], ["text", "json"]),
        (["qdsl", "eval", "--mapping", "x"], []),
    ],
)
def test_bash_completes(words: list[str], completed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    script = printed("bash", capsys)
    given = " ".join(f"'{w}'" for w in words)
    asked = f'COMP_WORDS=({given}); COMP_CWORD={len(words) - 1}; _qdsl; printf "%s\\n" "${{COMPREPLY[@]}}"'
    done = subprocess.run([bash, "-c", f"{script}\n{asked}"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == completed


def test_the_manual_page_is_roff_without_stray_requests(capsys: pytest.CaptureFixture[str]) -> None:
    lines = printed("man", capsys).splitlines()
    requests = {line.split()[0] for line in lines if line.startswith((".", "'"))}
    assert requests == {".TH", ".SH", ".SS", ".PP", ".TP", ".B", ".nf", ".fi"}
    assert sum(line.startswith(".SS ") for line in lines) == len(COMMANDS)
