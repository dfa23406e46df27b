"""Text inside Markdown: everything a template prints is escaped unless it is `Verbatim`."""

from __future__ import annotations

import re

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~$&!])")


class Verbatim(str):
    """Markdown that is to be printed as it is."""

    __slots__ = ()


def escape_markdown(value: object) -> object:
    """Text with every character that Markdown or HTML would read escaped, on one line."""
    if isinstance(value, Verbatim) or not isinstance(value, str):
        return value
    return _SPECIAL.sub(r"\\\1", " ".join(value.split("\n")))


def code(value: object) -> Verbatim:
    """A code span that also survives a table cell."""
    text = " ".join(str(value).split()).replace("|", "\\|")
    ticks = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    pad = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return Verbatim(f"{ticks}{pad}{text}{pad}{ticks}") if text else Verbatim("")


def fence(value: object, language: str = "") -> Verbatim:
    """A fenced block that its content cannot close."""
    text = str(value).rstrip("\n")
    ticks = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return Verbatim(f"{ticks}{language}\n{text}\n{ticks}")
