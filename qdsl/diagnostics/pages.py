"""The pages on codes: `grammar/rules/Q0412.md` and its like, in Markdown.

A page has a title, what the finding means and why it matters, and mostly a wrong example and a right one. Examples are
whole specs; they may import the small files of `grammar/rules/parts`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from qdsl.diagnostics.codes import CODES, FAMILIES, WARNINGS
from qdsl.resources import data_dir

DIRECTORY = "rules"
_TITLE = re.compile(r"# (Q\d{4}): (.+)\n")
_SECTION = re.compile(r"^## (.+)\n", re.MULTILINE)
_SPEC = re.compile(r"```qdsl\n(.*?)```", re.DOTALL)
_COMMANDS = re.compile(r"```sh\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Example:
    """spec: as text; commands: what is run on it, `qdsl check` if none are named."""

    spec: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """text: the whole page; summary: its first paragraph on one line."""

    code: str
    title: str
    text: str
    summary: str
    wrong: Example | None
    right: Example | None


@cache
def page_of(code: str) -> Page:
    """Raises ValueError for a file that is not laid out as a page."""
    text = (data_dir("grammar") / DIRECTORY / f"{code}.md").read_text(encoding="utf-8")
    title = _TITLE.match(text)
    if not title or title[1] != code:
        raise ValueError(f"the page on {code} does not begin with `# {code}: TITLE`")
    opening, *sections = _SECTION.split(text[title.end() :])
    named = dict(zip(sections[::2], sections[1::2], strict=True))
    summary = " ".join(opening.strip().split("\n\n")[0].split())
    return Page(code, title[2], text, summary, _example(named.get("Wrong")), _example(named.get("Right")))


def _example(section: str | None) -> Example | None:
    if section is None:
        return None
    spec, commands = _SPEC.search(section), _COMMANDS.search(section)
    if spec is None:
        raise ValueError("a section with an example has a ```qdsl block")
    return Example(spec[1], tuple(commands[1].splitlines()) if commands else ())


def index_text() -> str:
    """The table of all codes in Markdown, for grammar/README.md."""
    rows = ["| code | | |", "| --- | --- | --- |"]
    for family, name in FAMILIES.items():
        rows.append(f"| **{family}** | **{name}** | |")
        for code, title in CODES.items():
            if code.startswith(family):
                rows.append(f"| [{code}]({DIRECTORY}/{code}.md) | {title} | {'warning' if code in WARNINGS else ''} |")
    return "\n".join([*rows, ""])
