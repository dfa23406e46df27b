"""Warnings that a spec allows: where an allowance holds, what is wrong with one, and that one without effect is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from qdsl.diagnostics import Severity, Sink, SpecError
from qdsl.model import load, load_model
from qdsl.syntax import format_source

MEMORY = "memory {name} {{ size 4 word; energy read 1 pJ, write 1 pJ }}"
MACHINE = """{before}
accelerator a {{{first}
  word 8 bit
  memory dram {{ energy read 1 pJ, write 1 pJ; source "s" }}{dram}
  {above}
  memory one {{ size 4 word; energy read 1 pJ, write 1 pJ }}{one}
  memory two {{
    size 4 word
    energy read 1 pJ, write 1 pJ{inside}
  }}
  compute mac {{ energy 1 pJ; source "s" }}
}}
"""


def found(tmp_path: Path, text: str) -> list[str]:
    """Codes of what a text is warned of, each with the word that it is about."""
    path = tmp_path / "main.qdsl"
    path.write_text(text)
    sink = Sink()
    load_model(path, sink)
    return [f"{d.code} {d.span.source.text[d.span.start : d.span.end]}" for d in sink if d.span]


def machine(**comments: str) -> str:
    parts = dict.fromkeys(("before", "first", "dram", "above", "one", "inside"), "")
    return MACHINE.format(**{**parts, **comments})


BOTH = ["Q0509 one", "Q0509 two"]
ALLOW = "// allow Q0509: made up"


def test_without_an_allowance_both_are_reported(tmp_path: Path) -> None:
    assert found(tmp_path, machine()) == BOTH


def test_behind_a_statement_it_is_for_its_line(tmp_path: Path) -> None:
    assert found(tmp_path, machine(one=f"  {ALLOW}")) == ["Q0509 two"]


@pytest.mark.parametrize("comment", [ALLOW, f"{ALLOW}\n\n  // the first one\n", f"{ALLOW}\n  // allow Q0404: no such"])
def test_on_a_line_of_its_own_it_is_for_the_next_statement(tmp_path: Path, comment: str) -> None:
    assert [x for x in found(tmp_path, machine(above=comment)) if "Q0509 " in x and "Q0509 Q" not in x] == ["Q0509 two"]


def test_before_a_declaration_it_is_for_all_of_it(tmp_path: Path) -> None:
    assert found(tmp_path, machine(before=ALLOW)) == []


def test_it_says_nothing_about_what_stands_elsewhere(tmp_path: Path) -> None:
    assert found(tmp_path, machine(dram=f"  {ALLOW}")) == [*BOTH, "Q0109 Q0509"]
    assert found(tmp_path, machine(inside=f"  {ALLOW}")) == [*BOTH, "Q0109 Q0509"]


def test_several_codes_and_capitals_are_read(tmp_path: Path) -> None:
    assert found(tmp_path, machine(one="  // allow q0404, Q0509 : made up")) == ["Q0509 two", "Q0109 q0404"]


@pytest.mark.parametrize(
    ("comment", "finding"),
    [
        ("// allow Q0509", "Q0108 // allow Q0509"),
        ("// allow Q0509:", "Q0108 // allow Q0509:"),
        ("// allow Q0509 made up", "Q0108 // allow Q0509 made up"),
        ("// allow Q0508, Q0599: made up", "Q0108 Q0599"),
        ("// allow Q0202: made up", "Q0108 Q0202"),
    ],
)
def test_one_that_cannot_be_is_an_error(tmp_path: Path, comment: str, finding: str) -> None:
    assert finding in found(tmp_path, machine(above=comment))
    with pytest.raises(SpecError):
        load(tmp_path / "main.qdsl")


def test_other_comments_that_begin_with_the_word_are_comments(tmp_path: Path) -> None:
    assert found(tmp_path, machine(above="// allow both tensors here")) == BOTH
    assert found(tmp_path, machine(above="// Q0509 is allowed")) == BOTH


def test_errors_are_never_allowed(tmp_path: Path) -> None:
    text = "// allow Q0404: never mind\noperator o { dims N, M; O[n] = I[n] }\n"
    path = tmp_path / "main.qdsl"
    path.write_text(text)
    sink = Sink()
    assert load_model(path, sink) is None
    assert [(d.code, d.severity) for d in sink] == [("Q0404", Severity.ERROR)]


def test_that_of_an_imported_file_holds_there_and_is_not_called_needless(tmp_path: Path) -> None:
    (tmp_path / "machine.qdsl").write_text(machine(before=ALLOW, one="  // allow Q0420: not here"))
    assert found(tmp_path, 'import "machine.qdsl"\n') == []


def test_what_only_a_study_tells_is_not_called_needless_without_one(tmp_path: Path) -> None:
    assert found(tmp_path, machine(before="// allow Q0509, Q0510, Q0709: depends")) == []


def test_the_formatter_keeps_allowances_where_they_hold(tmp_path: Path) -> None:
    text = machine(before=ALLOW, above="// allow Q0404: why not", one="   // allow Q0420:  why not")
    assert found(tmp_path, format_source(text)) == found(tmp_path, text) == ["Q0109 Q0404", "Q0109 Q0420"]
