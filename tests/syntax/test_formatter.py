"""Formatting changes what stands between tokens and nothing else, and does so once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdsl.diagnostics import Sink, SourceFile, SpecError
from qdsl.resources import data_dir
from qdsl.syntax import format_source, parse
from qdsl.syntax.layout import lay_out
from qdsl.syntax.reader import words
from qdsl.syntax.tree import File
from tests.support.grammar import Writer

SAMPLE = (data_dir("grammar") / "README.md").read_text(encoding="utf-8")
BLOCKS = [block.split("```")[0] for block in SAMPLE.split("```qdsl\n")[1:]]


def tree_of(text: str) -> File:
    sink = Sink()
    file = parse(SourceFile("x.qdsl", text), sink)
    assert not sink.diagnostics
    return file


def check(text: str) -> None:
    formatted = format_source(text)
    assert tree_of(formatted) == tree_of(text)
    assert [c.text for c in tree_of(formatted).comments] == [c.text for c in tree_of(text).comments]
    assert format_source(formatted) == formatted
    assert all(line == line.rstrip() for line in formatted.split("\n"))
    assert "\n\n\n" not in formatted


MESSY = """\ufeff// header\r


import "b.qdsl" ; import   "a.qdsl" // two


operator conv2d ( stride=1,dilation = 1 )
// about it
{ dims N,K ;weights W
  O [n , k] +=I[n, stride * p+r ]*W[ k/2 ]//rule
  P[n] max= I[n]


}
technology t{memory m{width 64bit;energy read 512pJ,write 1e-3 pJ}}
accelerator a { // outer
  param glb=51200word in{ 25600 word,51200   word }; param r = 4 in {2 .. 8,32KiB..64KiB step 8KiB , -1..2}
  memory glb { size glb-(2+1)*3; keep I,O
    energy read 1 pJ,write 2 pJ;bandwidth read 16 word/cycle, write 1 word/cycle }
  memory small { size 2 word // inside
    keep W }
  array pe {x 14;y 12}
 compute mac{}
  // last
}
network n { input image:3 x 224 x 224
  d = depthwise( x ,R=3,  // rows
      S = 3 // columns
      ,
      // alone
      pad = - 1
  )   relu6
  repeat 5 as b=f(g (x), 2 then 1, max=3)
  output if a==1 and not(b)then - c else d }
mapping m for n . b . 1 . p onto a( r=2 ) { bits W=8; pe . x : parallel K (2), C 3 }
constraints c for a { utilization ( pe )>=50% ; tile(glb,P)-1 == -P
  every conv2d ,add{ order glb :K,P innermost } }
study s { precision { weights in {2..8} per layer } ; constrain { } }
"""


def test_a_messy_file_reads_as_its_golden_text(golden: Callable[[str, str], None]) -> None:
    text = (
        MESSY.replace("16 word / cycle", "16 word/cycle")
        .replace(" compute mac{}", "\n compute mac{}")
        .replace(".y, 2", ", 2")
    )
    check(text)
    golden("messy.qdsl", format_source(text))


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_the_examples_of_the_language_reference_are_formatted(block: str) -> None:
    assert format_source(block) == block


@pytest.mark.parametrize("path", sorted(data_dir("specs").rglob("*.qdsl")), ids=lambda path: path.stem)
def test_shipped_specs_keep_their_tree(path: Path) -> None:
    check(path.read_text(encoding="utf-8"))


def test_a_block_on_one_line_is_spread_when_it_does_not_fit() -> None:
    short = "accelerator a { memory m { keep I; keep O } }\n"
    assert format_source(short) == short
    wide = f"accelerator a {{ memory m {{ keep {'I' * 36}; keep {'O' * 36} }} }}\n"
    assert format_source(wide).split("\n")[:2] == [
        "accelerator a {",
        f"  memory m {{ keep {'I' * 36}; keep {'O' * 36} }}",
    ]


def test_sets_of_values_in_constraints_are_no_blocks() -> None:
    text = "constraints c for a { for b in {2,  4} { temporal(glb, C) in { 1 ..b } ; for t in I , W { bits(t)>=b } } }"
    assert (
        format_source(text)
        == """\
constraints c for a {
  for b in {2, 4} { temporal(glb, C) in {1..b}; for t in I, W { bits(t) >= b } }
}
"""
    )


def test_text_with_syntax_errors_is_refused() -> None:
    with pytest.raises(SpecError) as error:
        format_source("study s { mapp n }", "s.qdsl")
    assert [str(d.span) for d in error.value.diagnostics] == ["s.qdsl:1:11"]


def test_an_empty_text_stays_empty() -> None:
    assert format_source("") == format_source("\n \n") == ""


def relaid(text: str, random: Random) -> str:
    """The text with other blanks, line breaks and separators, and with comments in between."""
    layout = lay_out(SourceFile("x", text), Sink())
    parts = []
    for segment in layout.segments:
        item = layout.text[segment.start : segment.end]
        found = [";" if kind == "_SEP" else item[start:end] for kind, start, end in words(item)]
        parts.append(Writer(random).laid_out(found))
    return "\n".join(parts)


@given(st.sampled_from(BLOCKS), st.integers(0, 2**32))
@settings(max_examples=60)
def test_any_layout_of_the_examples_formats_to_the_same_tree(text: str, seed: int) -> None:
    again = relaid(text, Random(seed))
    assert tree_of(again) == tree_of(text)
    check(again)


@given(st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_any_file_of_the_grammar_formats_to_the_same_tree(random: Random) -> None:
    check(Writer(random, depth=20).file())


def test_blank_lines_stay_between_statements_and_comments_and_nowhere_else() -> None:
    assert (
        format_source(
            "study s {\n\n\n// a\n\n\n\n// b\nmap n onto a // c\n\n\n\nminimize energy\n\n// d\n\n}\n\n\n// e\n\n"
        )
        == """\
study s {
  // a

  // b
  map n onto a  // c

  minimize energy

  // d
}

// e
"""
    )


def test_a_pattern_of_names_ends_its_line() -> None:
    text = "constraints c for a {\n  same spatial for layer b.*\n  every layer *, x.* { x ==\n 2 *\n 3 }\n}\n"
    assert len(tree_of(text).declarations[0].body) == 2  # type: ignore[union-attr]
    check(text)


def test_a_unit_stays_with_its_number() -> None:
    text = "accelerator a { param p = (1 // why\nµs / 2\n word + x) }\noperator o { A[2 word / k] = B[2 / k] }"
    assert (
        format_source(text)
        == """\
accelerator a {
  param p = (1 µs  // why
      / 2 word + x)
}
operator o { A[2 word / k] = B[2/k] }
"""
    )
    check(text)
