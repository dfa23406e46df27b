"""The tutorial is followed: its specs are written, its commands run, and what they print is what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from qdsl.cli import main
from qdsl.resources import data_dir
from qdsl.syntax import format_source

TUTORIAL = (data_dir("grammar") / "TUTORIAL.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", TUTORIAL, flags=re.DOTALL | re.MULTILINE)


def lines(text: str) -> list[str]:
    """Without times, margins that depend on line numbers, and blanks at the end."""
    text = re.sub(r" \([\d.]+ s\)", "", text)
    return [re.sub(r"^ *(\d* \||-->|:::|=)", r"\1", line.rstrip()) for line in text.splitlines() if line.strip()]


def missing(shown: str, printed: str) -> list[str]:
    """Lines that were not printed, or not in this order; `...` stands for any."""
    left = iter(lines(printed))
    return [line for line in lines(shown) if line != "..." and line not in left]


def test_the_tutorial_can_be_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = ""
    specs = 0
    for kind, text in BLOCKS:
        if kind == "qdsl":
            name = re.match(r"// (\w+\.qdsl)\n", text)
            assert name
            Path(name[1]).write_text(text, encoding="utf-8")
            assert format_source(text) == text
            specs += 1
        elif kind == "sh":
            printed = ""
            for command in text.splitlines():
                code = main(shlex.split(command)[1:])
                output = capsys.readouterr()
                printed += output.out + (output.err if code else "")
                assert code == ("large.qdsl" in command), (command, output.err)
        else:
            assert kind == "text"
            assert missing(text, printed) == [], printed
    assert specs == 4 and Path("qdsl-out/widths/report.html").stat().st_size > 10_000


def test_files_that_the_tutorial_links_exist() -> None:
    for target in re.findall(r"\]\(([^)]+)\)", TUTORIAL):
        assert (data_dir("grammar") / target).exists(), target
