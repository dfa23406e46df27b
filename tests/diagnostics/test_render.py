"""What findings look like. The golden files are what a user sees."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from qdsl.diagnostics import Diagnostic, Label, Severity, SourceFile, Span, render_json, render_text
from qdsl.diagnostics.columns import columns, printable, wrapped

ACCELERATOR = SourceFile(
    "specs/eyeriss.qdsl",
    "accelerator eyeriss {\n  word 16 bit\n\n  clock 200 MHz\n"
    "  memory wspad  { size 2 word; word 16 bit; keep W }\n}\n",
)
STUDY = SourceFile("specs/study.qdsl", "study s {\n  constrain {\n    tile(wspad, R) == R\n  }\n}\n")


def mark(source: SourceFile, text: str) -> Span:
    start = source.text.index(text)
    return Span(source, start, start + len(text))


CONFLICT = Diagnostic(
    "Q0712",
    "no mapping of `mobilenet_v2.b1.d` satisfies these constraints together",
    mark(STUDY, "tile(wspad, R) == R"),
    "needs R = 3 rows of one filter in `wspad`",
    (
        Label(mark(ACCELERATOR, "size 2 word"), "holds 2 words: 2 values of 16 bits"),
        Label(mark(ACCELERATOR, "word 16 bit"), "the default word"),
        Label(mark(ACCELERATOR, "keep W"), "keeps the filter"),
        Label(mark(STUDY, "constrain {\n    tile(wspad, R) == R\n  }"), "of this study"),
    ),
    (
        "with W at 16 bits a word holds 1 value, so 3 words are needed and 2 are there",
        "a second note " + "goes on " * 12,
    ),
    ("W at 8 bits or fewer fits (2 words), or `size 3 word`",),
)
WARNING = Diagnostic("Q0404", "parameter `rows` is not used", mark(ACCELERATOR, "eyeriss"), severity=Severity.WARNING)
NOWHERE = Diagnostic("Q0010", "`nowhere.qdsl` does not exist", None, helps=("did you mean `somewhere.qdsl`?",))


def test_a_conflict_shows_every_place_in_both_files(golden: Callable[[str, str], None]) -> None:
    golden("conflict.txt", render_text([CONFLICT]))


def test_findings_come_by_place_and_are_counted(golden: Callable[[str, str], None]) -> None:
    later = Diagnostic("Q0302", "`clock` must be a frequency", mark(ACCELERATOR, "200 MHz"))
    golden("several.txt", render_text([later, WARNING, NOWHERE]))


def test_colours_only_add_escape_sequences(golden: Callable[[str, str], None]) -> None:
    text = render_text([CONFLICT, WARNING], color=True)
    golden("colour.txt", text.replace("\x1b", "ESC"))
    plain = text
    for code in ("0", "1", "1;31", "1;32", "1;33", "1;34"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == render_text([CONFLICT, WARNING])


def test_carets_stand_under_tabs_wide_and_combining_characters(golden: Callable[[str, str], None]) -> None:
    source = SourceFile("x", "\tmemory\t日本 e\u0301x { }\n")
    marks = [mark(source, "日本"), mark(source, "e\u0301x"), mark(source, "{"), Span(source, 0, 1)]
    golden("wide.txt", render_text([Diagnostic("Q0106", "has no meaning here", m, "here") for m in marks]))


def test_of_a_very_long_line_only_the_place_is_shown() -> None:
    source = SourceFile("x", "a" * 100_000 + "bcd" + "e" * 100_000)
    for span in (mark(source, "bcd"), Span(source, 5, 90_000)):
        assert max(map(len, render_text([Diagnostic("Q0101", "m", span)]).split("\n"))) < 220
    line, carets = render_text([Diagnostic("Q0101", "m", mark(source, "bcd"))]).split("\n")[3:5]
    assert line[carets.index("^") :][:4] == "bcde"
    assert carets.count("^") == 3


def test_control_characters_never_reach_the_terminal() -> None:
    source = SourceFile("x", "study \x1b[31m\u202e\x07 {\n")
    text = render_text([Diagnostic("Q0106", "found `\x1b[2J`", Span(source, 6, 7), "\x1b", notes=("\x07",))])
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


@pytest.mark.parametrize("offset", [0, 3, 4])
def test_an_empty_place_has_one_caret_even_at_the_end_of_the_file(offset: int) -> None:
    source = SourceFile("x", "abc\n")
    assert render_text([Diagnostic("Q0101", "m", Span(source, offset, offset))]).count("^") == 1


def test_a_place_up_to_the_end_of_a_line_stays_on_it() -> None:
    source = SourceFile("x", "abc\ndef\n")
    assert "def" not in render_text([Diagnostic("Q0101", "m", Span(source, 1, 4))])


def test_nothing_found_is_no_text() -> None:
    assert render_text([]) == render_json([]) == ""


def test_json_has_one_object_per_line_with_all_places() -> None:
    first, second = (json.loads(line) for line in render_json([CONFLICT, NOWHERE]).splitlines())
    assert (first["path"], first["code"], first["severity"]) == (None, "Q0010", "error")
    assert first["helps"] == ["did you mean `somewhere.qdsl`?"]
    place = {key: second[key] for key in ("path", "line", "column", "end_line", "end_column")}
    assert place == {"path": "specs/study.qdsl", "line": 3, "column": 5, "end_line": 3, "end_column": 24}
    assert second["labels"][0]["text"] == "holds 2 words: 2 values of 16 bits"
    assert (second["labels"][0]["line"], second["labels"][0]["column"]) == (5, 19)
    assert (second["labels"][3]["line"], second["labels"][3]["end_line"]) == (2, 4)


NARROW = SourceFile(
    "specs/machine.qdsl",
    "accelerator machine {\n"
    '  memory scratchpad { size 64; word 16 bit; keep W; energy read 0.5 pJ, write 0.4 pJ; source "data sheet" }\n'
    "\tmemory\t蓄積器 { size 2 word }  // e\u0301\n"
    "}\n",
)


@pytest.mark.parametrize("width", [40, 60])
def test_a_narrow_terminal_shows_the_place_and_wraps_the_words(width: int, golden: Callable[[str, str], None]) -> None:
    wide = Diagnostic(
        "Q0302",
        "`size` must be a number of words or a number of bits",
        mark(NARROW, "64"),
        "this is a plain number",
        (
            Label(mark(NARROW, "energy read 0.5 pJ, write 0.4 pJ"), "far to the right"),
            Label(mark(NARROW, "machine"), ""),
        ),
        ("a word has 16 bits, and 64 of them would be 1024 bits",),
        ("write `size 64 word` or `size 64 bit`",),
    )
    second = Diagnostic("Q0106", "wide and combining characters", mark(NARROW, "蓄積器"), "three")
    text = render_text([wide, second], width=width)
    golden(f"narrow_{width}.txt", text)
    assert max(columns(line) for line in text.splitlines()) <= width


def test_carets_stand_under_what_they_mark_wherever_the_line_is_cut() -> None:
    words = ["ab\u4e2d", "c\u0301d ", "\te ", "日本 "]
    line = "".join(words * 12)
    source = SourceFile("x", line)
    for start in range(len(line)):
        if line[start].isspace() or columns(printable(line[start])) == 0:
            continue
        for width in (32, 47, 200):
            text = render_text([Diagnostic("Q0101", "m", Span(source, start, start + 1))], width=width)
            shown, carets = text.split("\n")[3:5]
            at = carets.index("^")
            under = "".join(c for c, column in with_columns(shown) if column >= at)
            assert under.startswith(line[start]), (start, width)


def with_columns(text: str) -> list[tuple[str, int]]:
    """The characters that take room, each with its column."""
    found, column = [], 0
    for c in text:
        if columns(c):
            found.append((c, column))
        column += columns(c)
    return found


def test_words_wrap_by_columns_and_code_stays_whole() -> None:
    assert wrapped("日本 日本 日本", 9) == ["日本 日本", "日本"]
    assert wrapped("write `a b c d` (or `e`), or not", 12) == ["write", "`a b c d`", "(or `e`), or", "not"]
    assert wrapped("one two", 8, "> ", "  ") == ["> one", "  two"]


def test_the_imports_of_a_file_are_shown_with_its_first_finding_only() -> None:
    imported = (Label(mark(STUDY, "study s"), "imported here"),)
    findings = [
        Diagnostic("Q0101", text, mark(ACCELERATOR, text), imported=imported)
        for text in ("word 16 bit", "clock 200 MHz")
    ]
    text = render_text(findings)
    assert text.count("imported here") == 1
    assert text.index("imported here") < text.index("clock 200 MHz")
    assert [len(json.loads(line)["imported"]) for line in render_json(findings).splitlines()] == [1, 1]
    assert findings[0] == Diagnostic("Q0101", "word 16 bit", mark(ACCELERATOR, "word 16 bit"))
