"""Text to syntax tree and back. Imports only qdsl.diagnostics."""

from __future__ import annotations

from qdsl.syntax.parser import parse

__all__ = ["format_source", "parse"]


def format_source(text: str, path: str = "<text>") -> str:
    """The text laid out anew. Raises SpecError if it has syntax errors; `path` is what they name."""
    from qdsl.syntax import formatter

    return formatter.format_source(text, path)
