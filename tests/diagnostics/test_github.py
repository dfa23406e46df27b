"""Findings as annotations of GitHub Actions."""

from __future__ import annotations

from pathlib import Path

import pytest

from qdsl.cli import main
from qdsl.diagnostics import Diagnostic, Severity, SourceFile, Span
from qdsl.diagnostics.github import github_annotations


def test_signs_that_end_a_property_or_a_message_are_escaped() -> None:
    source = SourceFile("a, b: c.qdsl", "one\ntwo\n")
    found = [
        Diagnostic("Q0101", "50 % of\nthis: that, other", Span(source, 4, 7), notes=("n",), helps=("h",)),
        Diagnostic("Q0420", "over two lines", Span(source, 1, 6), severity=Severity.WARNING),
        Diagnostic("Q0010", "no such file", None),
    ]
    assert github_annotations(found).splitlines() == [
        "::error title=Q0010%3A file not found::no such file",
        "::warning file=a%2C b%3A c.qdsl,line=1,endLine=2,title=Q0420%3A not used::over two lines",
        "::error file=a%2C b%3A c.qdsl,line=2,endLine=2,col=1,endColumn=4,title=Q0101%3A unexpected text::"
        "50 %25 of%0Athis: that, other%0Anote: n%0Ahelp: h",
    ]


def test_check_prints_them_and_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.qdsl").write_text("network n { output gone }\n")
    assert main(["check", "--format", "github", "a.qdsl"]) == 1
    said = capsys.readouterr()
    assert said.out.startswith("::error file=a.qdsl,line=1,endLine=1,col=") and not said.err
    assert main(["check", "--format", "github", "missing.qdsl"]) == 1
    assert capsys.readouterr().out.startswith("::error title=Q0010")
    Path("a.qdsl").write_text(
        "network n { layer a = gone(M = 1) }\n".replace("gone", "m") + "operator m { dims M; O[m] = I[m] }\n"
    )
    assert main(["check", "--format", "github", "a.qdsl"]) == 0
    assert capsys.readouterr().out == ""
