"""The page on every code: its wrong example raises exactly this code, in the words of a golden file; its right one is clean."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.cli import main
from qdsl.diagnostics.codes import CODES, WARNINGS
from qdsl.diagnostics.pages import DIRECTORY, Example, Page, index_text, page_of
from qdsl.resources import data_dir

GRAMMAR = data_dir("grammar")
# What no spec raises: limits of size, the system around a run, and answers that were changed after they were saved.
WITHOUT_EXAMPLE = {
    *("Q0005", "Q0007", "Q0008", "Q0013", "Q0014", "Q0015", "Q0016", "Q0610", "Q0708", "Q0711", "Q0901", "Q0902"),
    *("Q0903", "Q0906", "Q0909", "Q0910", "Q0911", "Q0912", "Q0913", "Q0914", "Q0915", "Q0920", "Q0921", "Q0930"),
    *("Q0931", "Q0932", "Q0933", "Q0950", "Q0951", "Q0952", "Q0960"),
}
EXPLAINED = [c for c in CODES if c not in WITHOUT_EXAMPLE]
Golden = Callable[[str, str], None]


def test_every_code_has_a_page_with_its_title_and_no_page_is_left_over() -> None:
    assert {p.stem for p in (GRAMMAR / DIRECTORY).glob("*.md")} == set(CODES)
    for code, title in CODES.items():
        page = page_of(code)
        assert (page.code, page.title) == (code, title)
        assert page.summary.endswith(".")
        assert page.text.endswith("\n") and "\n\n\n" not in page.text


def test_pages_without_an_example_are_those_that_no_spec_raises() -> None:
    pages = [page_of(code) for code in CODES]
    assert {p.code for p in pages if p.wrong is None} == WITHOUT_EXAMPLE
    assert {p.code for p in pages if p.right is None} == WITHOUT_EXAMPLE
    assert len(EXPLAINED) >= 60


@pytest.mark.parametrize("code", EXPLAINED)
def test_the_wrong_example_raises_the_code_and_the_right_one_nothing(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], golden: Golden
) -> None:
    page = page_of(code)
    for folder, example in (("wrong", page.wrong), ("right", page.right)):
        assert example
        shutil.copytree(GRAMMAR / DIRECTORY / "parts", tmp_path / folder / "parts")
        (tmp_path / folder / "example.qdsl").write_text(example.spec, encoding="utf-8")
    assert page.wrong and page.right
    monkeypatch.chdir(tmp_path / "wrong")
    results, text = run(page.wrong, capsys)
    golden(f"rules/{code}.txt", text)
    assert set(re.findall(r"^(?:error|warning)\[(Q\d{4})\]", text, re.MULTILINE)) == {code}
    assert results[-1] == (0 if is_warning(page) else 1)
    monkeypatch.chdir(tmp_path / "right")
    results, text = run(page.right, capsys)
    assert "[Q" not in text
    assert set(results) == {0}


def run(example: Example, capsys: pytest.CaptureFixture[str]) -> tuple[list[int], str]:
    """Exit codes of the commands of an example, and what the last one wrote to stderr."""
    results, text = [], ""
    for line in example.commands or ("qdsl check example.qdsl",):
        program, *arguments = shlex.split(line)
        assert program == "qdsl"
        capsys.readouterr()
        results.append(main(arguments))
        text = capsys.readouterr().err
    return results, text


def is_warning(page: Page) -> bool:
    """Q0404 is an error for operators and a warning for machines; its page shows the error."""
    return page.code in WARNINGS and page.code != "Q0404"


def test_the_index_of_the_reference_is_that_of_the_codes(request: pytest.FixtureRequest) -> None:
    """`pytest --update-golden` writes it anew."""
    path = GRAMMAR / "README.md"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split("<!-- codes -->\n")
    _, after = rest.split("<!-- end of codes -->\n")
    wanted = f"{before}<!-- codes -->\n{index_text()}<!-- end of codes -->\n{after}"
    if request.config.getoption("--update-golden"):
        path.write_text(wanted, encoding="utf-8", newline="\n")
    else:
        assert text == wanted
