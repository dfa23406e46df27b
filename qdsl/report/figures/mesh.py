"""A mapping on an array: how many instances its spatial loops use along each axis."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from qdsl.report.figures.svg import Figure, box, element, number, text

SIDE = 150
"""Pixels of the longer side."""
LEFT, TOP, RIGHT, BOTTOM = 14, 56, 14, 12
LETTER = 6.6


@dataclass(frozen=True, slots=True)
class Axis:
    """size: of the mesh; used: instances in use; loops: what is spread over them, '' for nothing."""

    size: int
    used: int
    loops: str


def mesh(name: str, x: Axis, y: Axis) -> Figure:
    """Columns are instances along x, rows along y; those in use are filled."""
    cell = SIDE / max(x.size, y.size)
    width, height = x.size * cell, y.size * cell
    across = f"x: {x.loops or 'one'} ({x.used} of {x.size})"
    down = f"y: {y.loops or 'one'} ({y.used} of {y.size})"
    parts = [
        text(LEFT, TOP - 42, name, class_="start strong"),
        text(LEFT, TOP - 25, across, class_="quiet start"),
        text(LEFT, TOP - 8, down, class_="quiet start"),
        box(LEFT, TOP, x.used * cell, y.used * cell, class_="area"),
        box(LEFT, TOP, width, height, class_="axis", fill="none"),
    ]
    if cell >= 3:
        lines = [f"M{number(LEFT + i * cell)},{TOP}v{number(height)}" for i in range(1, x.size)]
        lines += [f"M{LEFT},{number(TOP + i * cell)}h{number(width)}" for i in range(1, y.size)]
        parts.append(element("path", class_="axis", fill="none", d="".join(lines)))
    label = f"{name}: {x.used * y.used} of {x.size * y.size} instances in use; {across}; {down}"
    whole = LEFT + max(width, LETTER * max(len(across), len(down))) + RIGHT
    return Figure(whole, TOP + height + BOTTOM, label, Markup("\n").join(parts))
