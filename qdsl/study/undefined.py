"""Widths at which a formula of the accelerator has no valid value (division by zero, a negative energy), in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from qdsl.diagnostics import Diagnostic, Span
from qdsl.mapspace.wording import listed
from qdsl.study.regions import regions_text

Axes = tuple[tuple[tuple[str, ...], tuple[int, ...]], ...]
"""Per width that a layer may choose the tensors that have it, and its options, ascending."""


@dataclass(frozen=True)
class Undefined:
    """Some layers' combinations of widths without valid value. at: (index of each option, the finding), at least one."""

    layers: tuple[str, ...]
    axes: Axes
    at: tuple[tuple[tuple[int, ...], Diagnostic], ...]


def undefined_findings(found: Iterable[Undefined]) -> list[Diagnostic]:
    """An error per formula and mistake: as at the first widths, with all others in notes."""
    first: dict[tuple[str, str, Span | None], Diagnostic] = {}
    where: dict[tuple[str, str, Span | None], dict[str, list[str]]] = {}
    for x in found:
        points: dict[tuple[str, str, Span | None], list[tuple[int, ...]]] = {}
        for options, diagnostic in x.at:
            kind = diagnostic.code, diagnostic.message, diagnostic.span
            first.setdefault(kind, diagnostic)
            points.setdefault(kind, []).append(options)
        for kind, combinations in points.items():
            text = regions_text(combinations, [("=".join(tensors), widths) for tensors, widths in x.axes])
            where.setdefault(kind, {}).setdefault(text, []).extend(x.layers)
    return [
        replace(
            diagnostic,
            notes=(*diagnostic.notes, *(f"{_quoted(names)}: at {text}" for text, names in where[kind].items())),
            helps=(*diagnostic.helps, "leave these widths out, or give the formula a valid value there"),
        )
        for kind, diagnostic in first.items()
    ]


def _quoted(names: Iterable[str]) -> str:
    return listed([f"`{name}`" for name in names])
