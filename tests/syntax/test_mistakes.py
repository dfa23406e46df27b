"""Wrong text is reported in the user's terms: every independent mistake, once, at its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdsl.diagnostics import Sink, SourceFile, render_text
from qdsl.diagnostics.codes import CODES
from qdsl.syntax import parse

WRONG = Path(__file__).parent / "wrong"


def mistakes(text: str) -> list[str]:
    sink = Sink()
    parse(SourceFile("x.qdsl", text), sink)
    return [f"{d.span and d.span.line}: {d.message}" for d in sink]


@pytest.mark.parametrize("path", sorted(WRONG.glob("*.qdsl")), ids=lambda path: path.stem)
def test_wrong_files_read_as_their_golden_text(path: Path, golden: Callable[[str, str], None]) -> None:
    sink = Sink()
    parse(SourceFile(path.name, path.read_text(encoding="utf-8")), sink)
    golden(f"{path.stem}.txt", render_text(sink))


def test_what_is_right_beside_a_mistake_is_kept() -> None:
    sink = Sink()
    file = parse(SourceFile("x", "accelerator a { word 8 bit; nonsense 3; clock 1 MHz }\nnetwork n { output y }"), sink)
    assert len(sink.diagnostics) == 1
    accelerator, network = file.declarations
    assert [type(i).__name__ for i in accelerator.items] == ["WordStmt", "ClockStmt"]  # type: ignore[union-attr]
    assert network.name.name == "n"


def test_a_misspelt_word_is_reported_once_and_read_as_what_it_should_be() -> None:
    sink = Sink()
    file = parse(SourceFile("x", "Accelerator a { wrod 8 bit; clokc 1 MHz; word 3 }\nnetwrok n { output y }"), sink)
    assert [d.helps for d in sink] == [(f"did you mean `{w}`?",) for w in ("accelerator", "word", "clock", "network")]
    accelerator, network = file.declarations
    assert [type(i).__name__ for i in accelerator.items] == ["WordStmt", "ClockStmt", "WordStmt"]  # type: ignore[union-attr]
    assert network.name.name == "n"


def test_an_unknown_declaration_is_reported_once_and_the_next_one_is_read() -> None:
    assert mistakes("machine a {\n word 8 bit\n}\nnonsense\n}\naccelerator b { word }") == [
        "5: `}` closes nothing",
        "1: `machine` begins no declaration",
        "6: expected a value, found `}`",
    ]


def test_a_missing_brace_ends_at_the_next_declaration() -> None:
    assert mistakes("accelerator a {\n  word 8 bit\n\nnetwork n { input }\n") == [
        "1: `{` is never closed",
        "4: expected a name, found `}`",
    ]


def test_a_missing_parenthesis_ends_at_the_brace() -> None:
    assert mistakes("network n {\n  a = f(x, 3\n  b = g(y)\n}\nstudy s { map }") == [
        "2: `(` is never closed",
        "5: expected a value, found `}`",
    ]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("constraints c for a { x == " + "(" * 200 + "1" + ")" * 200 + " }", "Q0005"),
        ("study s " + "{" * 100_000, "Q0005"),
        ("constraints c for a { x == " + "-" * 50_000 + "1 }", "Q0005"),
        ("constraints c for a { x == 1" + " + 1" * 20_000 + " }", "Q0005"),
        ("constraints c for a { " + "if a then " * 3000 + "b }", "Q0005"),
        ("constraints c for a { " + "every f { " * 3000 + "}" * 3000 + " }", "Q0005"),
        ("accelerator a { word " + "9" * 100_000 + " bit }", "Q0006"),
        ("accelerator a { word 1e999999999 bit }", "Q0006"),
        ("operator o { dims }\n" * 3000, "Q0007"),
        (" " * 3_000_000, "Q0013"),
        ("accelerator a {\0}", "Q0014"),
        ("study s {" + "]" * 100_000, "Q0102"),
        ('"\n' * 50_000, "Q0103"),
        (r'import "a\qb\x"', "Q0104"),
        ('technology t { source "a"; source "b" }', "Q0105"),
        ("accelerator a { word 8\u00a0bit }", "Q0106"),
        ("technology t { }\v", "Q0106"),
        ("\x85", "Q0106"),
        ("technology t { }\n\u2028\ntechnology u { }", "Q0106"),
    ],
    ids=range(19),
)
def test_limits_hold_without_traceback(text: str, code: str) -> None:
    sink = Sink()
    parse(SourceFile("x", text), sink)
    assert code in {d.code for d in sink}
    assert len(sink.diagnostics) <= 110


def test_a_hundred_levels_are_not_too_deep() -> None:
    assert mistakes("constraints c for a { x == " + "(" * 99 + "1" + ")" * 99 + " }") == []
    assert mistakes("constraints c for a { x == 1" + " + 1" * 98 + " }") == []


def test_activation_functions_belong_to_networks() -> None:
    assert mistakes("constraints c for a { bits(W) relu == 4 }") == ["1: `relu` is not expected here"]


_TEXT = """accelerator network study a K 3 8 bit pJ x { } ( ) [ ] , ; : . .. = == += max= * + - / % // " \\ @ é if then
else memory size energy read from operator dims precision weights in per layer constrain temporal only"""
_WORDS = st.sampled_from(["\n", *_TEXT.split()])


@given(st.lists(_WORDS, max_size=40).map(" ".join) | st.text(max_size=60))
def test_any_text_gives_findings_with_known_codes_inside_the_text(text: str) -> None:
    sink = Sink()
    parse(SourceFile("x", text), sink)
    for d in sink:
        assert d.code in CODES
        assert d.span
        assert 0 <= d.span.start <= d.span.end <= len(text)
    assert render_text(sink) == "" or sink.diagnostics
