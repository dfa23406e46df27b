"""The fronts of several runs in one picture, a colour each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from qdsl.report.figures.axes import Scale, frame, limits
from qdsl.report.figures.front import stairs
from qdsl.report.figures.style import series_class
from qdsl.report.figures.svg import Figure, element, group, path, text

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, BOTTOM = 64, 30, 50
ROW = 18


@dataclass(frozen=True, slots=True)
class Front:
    """name: of the run; points: in the units of the axes; titles: a tooltip for each; chosen: index of the one to stress."""

    name: str
    points: tuple[tuple[float, float], ...]
    titles: tuple[str, ...]
    chosen: int


def fronts(runs: Sequence[Front], x_title: str, y_title: str, projected: bool) -> Figure:
    """projected: whether there are more objectives than the two axes, so that no line bounds what is dominated."""
    top = 24 + ROW * len(runs)
    x = Scale(*limits([p[0] for r in runs for p in r.points]), LEFT, WIDTH - RIGHT)
    y = Scale(*limits([p[1] for r in runs for p in r.points]), HEIGHT - BOTTOM, top)
    parts = [frame(x, y, x_title, y_title)]
    for i, run in enumerate(runs):
        colour = series_class(i)
        points = [(x(px), y(py)) for px, py in run.points]
        if len(points) > 1 and not projected:
            style = f"fill:none;stroke:var(--{colour});stroke-opacity:.5;stroke-width:1.5"
            parts.append(path(stairs(points), style=style))
        for n, ((px, py), title) in enumerate(zip(points, run.titles, strict=True)):
            dot = element("circle", cx=px, cy=py, r=7 if n == run.chosen else 4, class_=colour)
            parts.append(group(element("title", f"{run.name}: {title}"), dot))
        parts.append(element("circle", cx=LEFT + 6, cy=12 + ROW * i, r=4, class_=colour))
        parts.append(text(LEFT + 18, 16 + ROW * i, run.name, class_="start"))
    return Figure(WIDTH, HEIGHT, f"Fronts of {len(runs)} runs: {y_title} over {x_title}", Markup("\n").join(parts))
