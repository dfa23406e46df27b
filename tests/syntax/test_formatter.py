"""Formatting changes what stands between tokens and nothing else, and does so once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdsl.diagnostics import Sink, SourceFile, SpecError
from qdsl.resources import data_dir
from qdsl.syntax import format_source, parse
from qdsl.syntax.layout import lay_out
from qdsl.syntax.tree import File

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
    assert sorted(c.text for c in tree_of(formatted).comments) == sorted(c.text for c in tree_of(text).comments)
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


@st.composite
def relaid(draw: st.DrawFn) -> str:
    """An example whose blanks, line breaks and separators are others, with comments in between."""
    text = draw(st.sampled_from(BLOCKS[:1] + BLOCKS[2:]))
    layout = lay_out(SourceFile("x", text), Sink())
    tops = {segment.start for segment in layout.segments}
    pieces: list[str] = []
    i = 0
    quoted = False
    while i < len(text):
        if layout.text[i] in "\n;" and not quoted:
            pieces.append(
                draw(
                    st.sampled_from(
                        ["\n", ";", " ; // c\n", "\n\n\n", "\n// own\n", " // é\n\n\t", ";\n\n// d\n// e\n"]
                    )
                )
            )
            while i < len(text) and layout.text[i] in "\n; ":
                i += 1
            continue
        quoted ^= text[i] == '"' and text[i - 1] != "\\"
        if layout.text[i] == " " and not quoted:
            while layout.text[i : i + 1].isspace():
                i += 1
            if i in tops:
                pieces.append(draw(st.sampled_from(["\n", " ; ", "\n\n\n// c\n"])))
            else:
                pieces.append(draw(st.sampled_from([" ", "  ", "\t", " \r"])))
            continue
        pieces.append(text[i])
        if text[i] in "([,{=" and not quoted and text[i + 1 : i + 2] != "=" and pieces[-1:] != ["x"]:
            pieces.append(draw(st.sampled_from(["", "", "", " ", "\n", " // in\n", "\n\n  // own\n"])))
        i += 1
    return "".join(pieces)


@given(relaid())
def test_any_layout_of_the_examples_formats_to_the_same_tree(text: str) -> None:
    check(text)


_NAMES = st.sampled_from(["K", "pe.x", "b.1.p", "x", "size", "spatial"])
_NUMBERS = st.sampled_from(["1", "0.5", "2e3", "50 %", "16 word/cycle", "8bit"])
_VALUES = st.recursive(
    _NAMES | _NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", " * ", "/ "]), inner).map("".join),
        inner.map("({})".format),
        inner.map("-{}".format),
        st.tuples(_NAMES, inner, inner).map(lambda p: f"{p[0]} ({p[1]},k={p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"(if not {p[0]}<= 1 and a then {p[1]} else b)"),
    ),
    max_leaves=8,
)


@given(_VALUES)
def test_any_value_formats_to_the_same_tree(value: str) -> None:
    check(f"accelerator a {{ param p = {value} in {{ {value} , {value} ..{value} step {value} }}; word {value} }}")
