"""Diagnostics as a SARIF 2.1.0 log, which code hosts and editors read."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any
from urllib.parse import quote

from qdsl.diagnostics.codes import CODES, WARNINGS
from qdsl.diagnostics.diagnostic import Diagnostic, Label
from qdsl.diagnostics.pages import page_of
from qdsl.diagnostics.render import in_order
from qdsl.diagnostics.span import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"


def sarif(diagnostics: Iterable[Diagnostic], version: str) -> dict[str, Any]:
    """The log of one run. version: of qdsl. Paths outside the working directory become absolute URIs."""
    found = in_order(diagnostics)
    codes = sorted({d.code for d in found})
    driver = {"name": "qdsl", "version": version, "rules": [_rule(code) for code in codes]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"SRCROOT": {"uri": Path.cwd().as_uri() + "/"}},
        "results": [_result(d, codes.index(d.code)) for d in found],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    page = page_of(code)
    level = "warning" if code in WARNINGS else "error"
    return {
        "id": code,
        "shortDescription": {"text": CODES[code]},
        "fullDescription": {"text": page.summary},
        "help": {"text": page.text, "markdown": page.text},
        "defaultConfiguration": {"level": level},
    }


def _result(d: Diagnostic, rule: int) -> dict[str, Any]:
    """The message has everything that has no place of its own."""
    remarks = [*(f"note: {x}" for x in d.notes), *(f"help: {x}" for x in d.helps)]
    result: dict[str, Any] = {
        "ruleId": d.code,
        "ruleIndex": rule,
        "level": str(d.severity),
        "message": {"text": "\n".join([d.message, *([d.label] if d.label else []), *remarks])},
    }
    if d.span:
        result["locations"] = [{"physicalLocation": _place(d.span)}]
    if related := [_related(i, x) for i, x in enumerate((*d.labels, *d.imported))]:
        result["relatedLocations"] = related
    return result


def _related(number: int, label: Label) -> dict[str, Any]:
    return {"id": number, "physicalLocation": _place(label.span), "message": {"text": label.text or "see here"}}


def _place(span: Span) -> dict[str, Any]:
    """Lines and columns are 1-based; endColumn is the column after the last character."""
    end_line, end_column = span.source.position(span.end)
    region = {"startLine": span.line, "startColumn": span.column, "endLine": end_line, "endColumn": end_column}
    return {"artifactLocation": _artifact(span.source.path), "region": region}


def _artifact(path: str) -> dict[str, str]:
    relative = os.path.relpath(path) if os.path.isabs(path) else os.path.normpath(path)
    if relative.startswith(os.pardir):
        return {"uri": Path(path).resolve().as_uri()}
    return {"uri": quote(PurePath(relative).as_posix()), "uriBaseId": "SRCROOT"}
