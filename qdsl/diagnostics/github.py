"""Diagnostics as workflow commands of GitHub Actions, which shows them beside the lines they are about."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import PurePath

from qdsl.diagnostics.codes import CODES
from qdsl.diagnostics.diagnostic import Diagnostic
from qdsl.diagnostics.render import in_order


def github_annotations(diagnostics: Iterable[Diagnostic]) -> str:
    """A line per finding, `::error file=...,line=...::message`; paths are relative to the working directory."""
    return "".join(f"{_annotation(d)}\n" for d in in_order(diagnostics))


def _annotation(d: Diagnostic) -> str:
    properties = {"title": f"{d.code}: {CODES[d.code]}"}
    if d.span:
        end_line, end_column = d.span.source.position(d.span.end)
        path = PurePath(os.path.relpath(d.span.source.path)).as_posix()
        place = {"file": path, "line": d.span.line, "endLine": end_line}
        if end_line == d.span.line:  # columns of several lines are not understood
            place |= {"col": d.span.column, "endColumn": end_column}
        properties = {**{name: str(value) for name, value in place.items()}, **properties}
    remarks = [*(f"note: {x}" for x in d.notes), *(f"help: {x}" for x in d.helps)]
    message = "\n".join([d.message, *([d.label] if d.label else []), *remarks])
    given = ",".join(f"{name}={_escaped(value, in_property=True)}" for name, value in properties.items())
    return f"::{d.severity} {given}::{_escaped(message)}"


def _escaped(text: str, in_property: bool = False) -> str:
    for sign in "%\r\n" + ":," * in_property:
        text = text.replace(sign, f"%{ord(sign):02X}")
    return text
