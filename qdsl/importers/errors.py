"""Findings of the importers."""

from __future__ import annotations

from qdsl.diagnostics import Diagnostic, Severity, SpecError


def not_readable(source: str, reason: str, *helps: str) -> SpecError:
    return SpecError([Diagnostic("Q0970", f"`{source}` cannot be imported: {reason}", None, helps=helps)])


def no_meaning(node: str, reason: str, *helps: str) -> Diagnostic:
    """node: its position, name and type."""
    return Diagnostic("Q0971", f"{node} has no meaning here", None, notes=(reason,), helps=helps)


def left_out(node: str, reason: str) -> Diagnostic:
    return Diagnostic("Q0972", f"{node} is left out", None, notes=(reason,), severity=Severity.WARNING)
