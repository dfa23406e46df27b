"""Energy and bit-widths over the layers in one picture, so that a reader sees which layers matter and what they got."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from qdsl.report.figures.axes import Scale, tick_labels, ticks
from qdsl.report.figures.style import step_class
from qdsl.report.figures.svg import Figure, box, element, group, line, text

LEFT, RIGHT, TOP = 92, 16, 38
PLOT, ROW, GAP = 130, 22, 10
MOST_PITCH, LEAST_PITCH, ROOM = 56.0, 18.0, 900.0


@dataclass(frozen=True, slots=True)
class LayerColumn:
    """One layer. energy and baseline in the unit of the axis (baseline None: no outline). cells: per row of bit-widths
    (key of the decision, bits, whether there was no choice), or None where the layer has no such tensor."""

    name: str
    energy: float
    baseline: float | None
    cells: tuple[tuple[str, int, bool] | None, ...]


def layer_columns(
    columns: Sequence[LayerColumn], rows: tuple[str, ...], options: tuple[int, ...], top: float, y_title: str
) -> Figure:
    """Columns of energy with the baseline as an outline, over a heat map of bit-widths.

    rows: names of the heat map's rows; options: all bit-widths that may occur; top: end of the energy axis.
    Columns carry `data-layer` and cells `data-width`, and the plot its geometry, so that a page can show other points.
    """
    pitch = max(LEAST_PITCH, min(MOST_PITCH, ROOM / max(1, len(columns))))
    width = LEFT + pitch * len(columns) + RIGHT
    y = Scale(0.0, top or 1.0, TOP + PLOT, TOP)
    cells_top = TOP + PLOT + GAP
    parts = [Markup("\n")]
    values = ticks(y.low, y.high, 4)
    for value, label in zip(values, tick_labels(values), strict=True):
        parts.append(line(LEFT, y(value), width - RIGHT, y(value), class_="grid"))
        parts.append(text(LEFT - 8, y(value) + 4, label, class_="quiet end"))
    parts.append(text(8, TOP - 18, y_title, class_="quiet start"))
    for row, name in enumerate(rows):
        parts.append(text(LEFT - 8, cells_top + row * ROW + 15, name, class_="quiet end"))
    names_top = cells_top + len(rows) * ROW
    for index, column in enumerate(columns):
        parts.append(_column(index, column, LEFT + index * pitch, pitch, y, cells_top, names_top, options, y_title))
    longest = max((len(c.name) for c in columns), default=0)
    height = names_top + 16 + min(longest, 26) * 6.2
    plot = Markup("\n").join(parts)
    body = group(plot, data_base=y.start, data_plot=PLOT, data_top=str(y.high), class_="columns")
    label = f"{y_title} and bit-widths of {len(columns)} layers"
    return Figure(width, height, label, body)


def _column(
    index: int,
    column: LayerColumn,
    x: float,
    pitch: float,
    y: Scale,
    cells_top: float,
    names_top: float,
    options: tuple[int, ...],
    unit: str,
) -> Markup:
    inset, wide = pitch * 0.14, pitch * 0.72
    title = element("title", f"{column.name}: {column.energy:.4g} {unit.rpartition(', ')[2]}")
    parts = [
        box(
            x + inset,
            y(column.energy),
            wide,
            y.start - y(column.energy),
            title,
            class_="bar",
            data_layer=str(index),
        )
    ]
    if column.baseline is not None:
        parts.append(box(x + inset, y(column.baseline), wide, y.start - y(column.baseline), class_="ghost"))
    parts.extend(_cell(cell, x, cells_top + row * ROW, pitch, options) for row, cell in enumerate(column.cells))
    middle = x + pitch / 2 + 3
    parts.append(
        text(
            middle,
            names_top + 12,
            _short(column.name),
            class_="quiet end",
            transform=f"rotate(-90 {middle:.2f} {names_top + 12:.2f})",
        )
    )
    return group(*parts, Markup("\n"))


def _cell(cell: tuple[str, int, bool] | None, x: float, y: float, pitch: float, options: tuple[int, ...]) -> Markup:
    area = box(x + 1, y + 1, pitch - 2, ROW - 2, rx=2)
    if cell is None:
        return group(area, class_="cell none")
    key, bits, fixed = cell
    return group(
        area,
        text(x + pitch / 2, y + 15, str(bits)),
        class_=f"cell {step_class(bits, options)}{' fixed' if fixed else ''}",
        data_width=key,
    )


def _short(name: str) -> str:
    return name if len(name) <= 26 else name[:12] + "…" + name[-13:]
