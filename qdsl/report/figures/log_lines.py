"""Lines on two logarithmic axes, a colour per kind: times against sizes, or quality against times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from qdsl.report.figures.axes import LogScale, log_frame, log_limits
from qdsl.report.figures.style import series_class
from qdsl.report.figures.svg import Figure, element, group, line, path, text

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 30, 74, 50
LETTER = 6.4


@dataclass(frozen=True, slots=True)
class LogLine:
    """kind: lines of one kind have one colour and one name in the key; points: (x, y), positive, x ascending, at least one;
    faint: drawn thin, behind the others; steps: level between points; dots: with its points marked."""

    kind: str
    points: tuple[tuple[float, float], ...]
    faint: bool = False
    steps: bool = False
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A point of its own, with lines to the axes."""

    name: str
    x: float
    y: float


def log_lines(
    lines: Sequence[LogLine], x_title: str, y_title: str, label: str, reference: Reference | None = None
) -> Figure:
    """lines: at least one; label: the picture in words."""
    xs = [x for each in lines for x, _ in each.points] + ([reference.x] if reference else [])
    ys = [y for each in lines for _, y in each.points] + ([reference.y] if reference else [])
    x = LogScale(*log_limits(xs), LEFT, WIDTH - RIGHT)
    y = LogScale(*log_limits(ys), HEIGHT - BOTTOM, TOP)
    kinds = tuple(dict.fromkeys(each.kind for each in lines))
    parts = [log_frame(x, y, x_title, y_title)]
    if reference:
        parts.append(_reference(x, y, reference))
    for each in sorted(lines, key=lambda each: not each.faint):
        parts.append(_line(x, y, each, series_class(kinds.index(each.kind))))
    parts.append(_key(kinds, reference))
    return Figure(WIDTH, HEIGHT, label, Markup("\n").join(parts))


def _line(x: LogScale, y: LogScale, each: LogLine, colour: str) -> Markup:
    points = [(x(px), y(py)) for px, py in each.points]
    corners = points[:1]
    for before, after in pairwise(points):
        corners += [(after[0], before[1]), after] if each.steps else [after]
    thin = {"stroke_opacity": 0.45, "stroke_width": 1.0} if each.faint else {"stroke_width": 2.2}
    drawn = path(corners, style=f"fill:none;stroke:var(--{colour})", **thin)
    dots = [element("circle", cx=px, cy=py, r=2.6, class_=colour) for px, py in points] if each.dots else []
    return group(element("title", each.kind), drawn, *dots)


def _reference(x: LogScale, y: LogScale, reference: Reference) -> Markup:
    at = x(reference.x), y(reference.y)
    return group(
        element("title", f"{reference.name}, {reference.x:.3g} s"),
        line(at[0], y.start, at[0], y.end, class_="reference-line"),
        line(x.start, at[1], x.end, at[1], class_="reference-line"),
        element("circle", cx=at[0], cy=at[1], r=5, class_="reference"),
    )


def _key(kinds: Sequence[str], reference: Reference | None) -> Markup:
    """One line above the plot, from the left."""
    parts: list[Markup] = []
    x = float(LEFT)
    for i, kind in enumerate(kinds):
        parts.append(element("rect", x=x, y=TOP - 58, width=14, height=4, class_=series_class(i)))
        parts.append(text(x + 20, TOP - 52, kind, class_="start"))
        x += 44 + LETTER * len(kind)
    if reference:
        parts.append(element("circle", cx=x + 6, cy=TOP - 56, r=5, class_="reference"))
        parts.append(text(x + 18, TOP - 52, reference.name, class_="start"))
    return group(*parts)
