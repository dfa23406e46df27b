"""Horizontal stacked bars: one row per level, one colour per tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from qdsl.report.figures.axes import Scale, tick_labels, ticks
from qdsl.report.figures.style import series_class
from qdsl.report.figures.svg import Figure, box, element, group, line, text

WIDTH, ROW, BAR = 720, 34, 20
RIGHT, TOP, BOTTOM = 76, 38, 30


@dataclass(frozen=True, slots=True)
class StackedRow:
    """parts: (series, value) in the unit of the axis; a series that is missing is zero."""

    label: str
    parts: tuple[tuple[str, float], ...]

    @property
    def total(self) -> float:
        return sum(value for _, value in self.parts)


def stacked(rows: Sequence[StackedRow], series: tuple[str, ...], x_title: str, compute: str = "compute") -> Figure:
    """Stacked bars with totals at their ends and shares of the whole. The series named `compute` is drawn in grey."""
    left = 24 + 6.6 * max((len(r.label) for r in rows), default=0)
    height = TOP + ROW * len(rows) + BOTTOM
    longest, whole = max((r.total for r in rows), default=0.0) or 1.0, sum(r.total for r in rows) or 1.0
    x = Scale(0.0, longest, left, WIDTH - RIGHT)
    values = ticks(x.low, x.high)
    parts = [_key(series, compute)]
    for value, label in zip(values, tick_labels(values), strict=True):
        parts.append(line(x(value), TOP, x(value), height - BOTTOM, class_="grid"))
        parts.append(text(x(value), height - BOTTOM + 16, label, class_="quiet middle"))
    parts.append(text(WIDTH - 8, height - BOTTOM + 16, x_title, class_="quiet end"))
    unit = x_title.rpartition(", ")[2]
    for index, row in enumerate(rows):
        y = TOP + index * ROW + (ROW - BAR) / 2
        parts.append(text(left - 10, y + 14, row.label, class_="end"))
        at = 0.0
        for name, value in row.parts:
            if value > 0:
                title = element("title", f"{row.label}, {name}: {value:.4g} {unit}, {100 * value / whole:.1f} %")
                parts.append(box(x(at), y, x(at + value) - x(at), BAR, title, class_=_colour(name, series, compute)))
            at += value
        share = f"{100 * row.total / whole:.1f} %"
        parts.append(text(x(at) + 7, y + 14, share, class_="quiet start"))
    return Figure(WIDTH, height, f"{x_title} by level and tensor", Markup("\n").join(parts))


def _colour(name: str, series: tuple[str, ...], compute: str) -> str:
    return "compute" if name == compute else series_class(series.index(name))


def _key(series: tuple[str, ...], compute: str) -> Markup:
    parts: list[Markup] = []
    x = float(WIDTH - 8)
    for name in reversed(series):
        x -= 7 * len(name) + 4
        parts.append(text(x, TOP - 16, name, class_="quiet start"))
        parts.append(box(x - 16, TOP - 26, 11, 11, rx=2, class_=_colour(name, series, compute)))
        x -= 32
    return group(*parts)
