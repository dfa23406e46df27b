"""Findings about specs and how they are shown. Imports nothing else of qdsl."""

from qdsl.diagnostics.diagnostic import Diagnostic, Label, Severity, Sink, SpecError, denied, did_you_mean, nearest
from qdsl.diagnostics.records import render_json
from qdsl.diagnostics.render import render_text
from qdsl.diagnostics.span import SourceFile, Span

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
