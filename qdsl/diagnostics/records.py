"""Diagnostics as JSON lines for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable

from qdsl.diagnostics.diagnostic import Diagnostic, Label
from qdsl.diagnostics.render import in_order
from qdsl.diagnostics.span import Span


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """One JSON object per line. Lines and columns are 1-based; end_column is the column after the last character."""
    return "".join(json.dumps(_record(d), ensure_ascii=False) + "\n" for d in in_order(diagnostics))


def _record(d: Diagnostic) -> dict[str, object]:
    head = {"code": d.code, "severity": str(d.severity), "message": d.message}
    more = {"labels": _labels(d.labels), "notes": d.notes, "helps": d.helps, "imported": _labels(d.imported)}
    return {**head, **_place(d.span), "label": d.label, **more}


def _labels(labels: Iterable[Label]) -> list[dict[str, object]]:
    return [{**_place(label.span), "text": label.text} for label in labels]


def _place(span: Span | None) -> dict[str, object]:
    if span is None:
        return dict.fromkeys(("path", "line", "column", "end_line", "end_column"))
    end_line, end_column = span.source.position(span.end)
    place = {"path": span.source.path, "line": span.line, "column": span.column}
    return {**place, "end_line": end_line, "end_column": end_column}
