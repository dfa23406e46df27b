"""Text to syntax tree and back. Imports only qdsl.diagnostics."""

from qdsl.syntax.formatter import format_source
from qdsl.syntax.parser import parse

__all__ = ["format_source", "parse"]
