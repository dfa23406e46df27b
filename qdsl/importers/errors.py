"""Findings of the importers."""

from __future__ import annotations

from qdsl.diagnostics import Diagnostic, Severity, SpecError


def not_readable(source: str, reason: str, *helps: str) -> SpecError:
    return SpecError([Diagnostic("Q0970", f"`{source}` cannot be imported: {reason}", None, helps=helps)])


def node_not_supported(node: str, reason: str, *helps: str, warning: bool = False) -> Diagnostic:
    """node: its index, name and type."""
    severity = Severity.WARNING if warning else Severity.ERROR
    return Diagnostic("Q0971", f"{node} has no meaning here", None, notes=(reason,), helps=helps, severity=severity)
