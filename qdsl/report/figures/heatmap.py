"""A table as a picture: a cell per pair of bit-widths, darker for more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from qdsl.report.figures.style import STEPS
from qdsl.report.figures.svg import Figure, box, element, group, text

LEFT, TOP, RIGHT, BOTTOM = 64, 40, 16, 14
CELL, ROW = 76, 34


@dataclass(frozen=True, slots=True)
class HeatCell:
    """shade: 0 to 1, the most. text: what stands in the cell; title: the whole number."""

    shade: float
    text: str
    title: str


def heatmap(
    rows: Sequence[tuple[str, Sequence[HeatCell]]], columns: Sequence[str], corner: str, across: str, label: str
) -> Figure:
    """rows: (name, its cells). corner: what the rows are; across: what the columns are; label: the picture in words."""
    width = LEFT + max(CELL * len(columns), 7 * len(across)) + RIGHT
    parts = [text(LEFT, TOP - 24, across, class_="quiet start"), text(LEFT - 10, TOP - 6, corner, class_="quiet end")]
    for i, name in enumerate(columns):
        parts.append(text(LEFT + (i + 0.5) * CELL, TOP - 6, name, class_="middle"))
    for j, (name, cells) in enumerate(rows):
        y = TOP + j * ROW
        parts.append(text(LEFT - 10, y + ROW / 2 + 4, name, class_="end"))
        parts.extend(_cell(cell, LEFT + i * CELL, y) for i, cell in enumerate(cells))
    return Figure(width, TOP + ROW * len(rows) + BOTTOM, label, Markup("\n").join(parts))


def shade_step(shade: float) -> str:
    """Class of the sequential scale for a shade: none is as light as the ground."""
    return f"q{1 + round(shade * (STEPS - 2))}"


def _cell(cell: HeatCell, x: float, y: float) -> Markup:
    return group(
        element("title", cell.title),
        box(x + 1, y + 1, CELL - 2, ROW - 2, rx=2),
        text(x + CELL / 2, y + ROW / 2 + 4, cell.text),
        class_=f"cell {shade_step(cell.shade)}",
    )
