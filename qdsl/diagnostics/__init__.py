"""Findings about specs and how they are shown. Imports nothing else of qdsl."""

from typing import TYPE_CHECKING, Any

from qdsl.diagnostics.diagnostic import Diagnostic, Label, Severity, Sink, SpecError, denied, did_you_mean, nearest
from qdsl.diagnostics.span import SourceFile, Span

if TYPE_CHECKING:
    from qdsl.diagnostics.records import render_json
    from qdsl.diagnostics.render import render_text

__all__ = [
    "Diagnostic",
    "Label",
    "Severity",
    "Sink",
    "SourceFile",
    "Span",
    "SpecError",
    "denied",
    "did_you_mean",
    "nearest",
    "render_json",
    "render_text",
]


def __getattr__(name: str) -> Any:
    """Where there is nothing to show, nothing that shows it is loaded."""
    if name == "render_text":
        from qdsl.diagnostics.render import render_text

        return render_text
    if name == "render_json":
        from qdsl.diagnostics.records import render_json

        return render_json
    raise AttributeError(f"module `qdsl.diagnostics` has no attribute `{name}`")
