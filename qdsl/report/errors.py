"""Findings about templates and the files a report is written to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from qdsl.diagnostics import Diagnostic, SourceFile, Span, SpecError

TEMPLATE_MISSING = "Q0950"
TEMPLATE_BROKEN = "Q0951"
REPORT_UNWRITABLE = "Q0952"


def missing_template(name: str, searched: Iterable[Path]) -> SpecError:
    return SpecError(
        [
            Diagnostic(
                TEMPLATE_MISSING,
                f"the report template `{name}` is missing",
                None,
                notes=tuple(f"searched {directory}" for directory in searched),
                helps=("a template directory may hold only the files it changes; reinstall qdsl if its own are gone",),
            )
        ]
    )


def broken_template(message: str, source: SourceFile | None, line: int) -> SpecError:
    """line: 1-based line in the template, where known."""
    span = None
    if source is not None and 1 <= line <= source.text.count("\n") + 1:
        start = sum(len(text) + 1 for text in source.text.split("\n")[: line - 1])
        content = source.line(line)
        indent = len(content) - len(content.lstrip())
        span = Span(source, start + indent, start + max(indent + 1, len(content)))
    return SpecError([Diagnostic(TEMPLATE_BROKEN, "a report template cannot be rendered", span, label=message)])


def unwritable(path: Path, error: OSError) -> SpecError:
    reason = error.strerror or type(error).__name__
    return SpecError(
        [
            Diagnostic(
                REPORT_UNWRITABLE,
                f"the report cannot be written to `{path}`",
                None,
                notes=(reason,),
                helps=("choose another directory with `--out DIR`",),
            )
        ]
    )
