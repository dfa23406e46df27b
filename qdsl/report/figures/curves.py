"""Lines over a few whole numbers, each with its name at its end."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from qdsl.report.figures.axes import Scale, frame, limits
from qdsl.report.figures.svg import Figure, element, group, path, text

WIDTH, HEIGHT = 720, 320
LEFT, TOP, BOTTOM = 64, 38, 50
LETTER, LINE = 6.6, 13.0


@dataclass(frozen=True, slots=True)
class Curve:
    """points: (x, y), at least one, x ascending."""

    name: str
    points: tuple[tuple[int, float], ...]


def curves(lines: Sequence[Curve], x_title: str, y_title: str, label: str) -> Figure:
    """The names stand left of the first points. lines: at least one; label: the picture in words."""
    xs = sorted({x for line in lines for x, _ in line.points})
    right = 24 + LETTER * max(len(line.name) for line in lines)
    x = Scale(xs[0], max(xs[-1], xs[0] + 1), LEFT, WIDTH - right)
    y = Scale(*limits(v for line in lines for _, v in line.points), HEIGHT - BOTTOM, TOP)
    parts = [frame(x, y, x_title, y_title, tuple(map(float, xs)))]
    ends = _apart((y(line.points[-1][1]) for line in lines), y.start - 2)
    for line, end in zip(lines, ends, strict=True):
        points = [(x(px), y(py)) for px, py in line.points]
        dots = [element("circle", cx=px, cy=py, r=2.5) for px, py in points]
        parts.append(group(element("title", line.name), path(points, class_="curve"), *dots, class_="point"))
        parts.append(text(points[-1][0] + 10, end + 4, line.name, class_="start"))
    return Figure(WIDTH, HEIGHT, label, Markup("\n").join(parts))


def _apart(heights: Iterable[float], lowest: float) -> list[float]:
    """The heights, moved up where needed so that none is closer than a line to another or below `lowest` (in pixels,
    downwards)."""
    wanted = list(heights)
    placed = [0.0] * len(wanted)
    limit = lowest
    for i in sorted(range(len(wanted)), key=lambda i: -wanted[i]):
        placed[i] = min(wanted[i], limit)
        limit = placed[i] - LINE
    return placed
