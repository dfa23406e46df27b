"""How good the front was after each generation."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from qdsl.report.figures.axes import Scale, frame, limits, ticks
from qdsl.report.figures.svg import Figure, element, group, path, text

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 30, 38, 50


def convergence(history: Sequence[tuple[int, float]], y_title: str = "hypervolume") -> Figure:
    """Hypervolume over generations. history: (generation, hypervolume), at least one, in order."""
    first, last = history[0][0], max(history[-1][0], history[0][0] + 1)
    x = Scale(first, last, LEFT, WIDTH - RIGHT)
    y = Scale(*limits(v for _, v in history), HEIGHT - BOTTOM, TOP)
    points = [(x(g), y(v)) for g, v in history]
    floor = y.start
    end_x, end_y = points[-1]
    whole = tuple(t for t in ticks(x.low, x.high, 8) if t == int(t))
    parts = [
        path([(points[0][0], floor), *points, (end_x, floor)], class_="area"),
        frame(x, y, "generation", y_title, whole),
        path(points, class_="curve"),
        group(element("circle", cx=end_x, cy=end_y, r=4), class_="point"),
        text(end_x - 2, end_y - 10, f"{history[-1][1]:.4g}", class_="end strong"),
    ]
    return Figure(WIDTH, HEIGHT, f"{y_title} over {len(history)} generations", Markup("\n").join(parts))
