"""The Pareto front: what each step of memory buys in energy, and where uniform bit-widths stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from qdsl.report.figures.axes import Scale, frame, limits
from qdsl.report.figures.svg import Figure, element, group, line, path, text

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 64, 30, 38, 50


@dataclass(frozen=True, slots=True)
class FrontMark:
    """One configuration: objectives in the units of the axes; `label` beside the mark; `title` is its tooltip; `shade`: a
    class of the sequential scale for a third objective, '' for none."""

    x: float
    y: float
    label: str = ""
    title: str = ""
    shade: str = ""


def front(
    points: Sequence[FrontMark],
    references: Sequence[FrontMark],
    chosen: int | None,
    x_title: str,
    y_title: str,
    explored: Sequence[tuple[float, float]] = (),
    shade_title: str = "",
) -> Figure:
    """Picture of a front. Each point is a group with `data-point` (its index), so that a page can react to it.

    explored: every evaluated design, drawn as dust behind the marks. shade_title: what darker points mean where a third
    objective shades them; the picture is then a projection, in which no line bounds what is dominated.
    """
    marks = [*points, *references]
    x = Scale(*limits([*(m.x for m in marks), *(e[0] for e in explored)]), LEFT, WIDTH - RIGHT)
    y = Scale(*limits([*(m.y for m in marks), *(e[1] for e in explored)]), HEIGHT - BOTTOM, TOP)
    parts = [frame(x, y, x_title, y_title), _dust([(x(ex), y(ey)) for ex, ey in explored])]
    if len(references) > 1:
        steps = sorted((x(m.x), y(m.y)) for m in references)
        parts.append(path(steps, class_="reference-line"))
    parts.extend(_reference(x(m.x), y(m.y), m) for m in references)
    if len(points) > 1 and not shade_title:
        parts.append(path(stairs([(x(m.x), y(m.y)) for m in points]), class_="stair"))
    # the chosen point last: on top of its neighbours
    order = sorted(range(len(points)), key=lambda i: i == chosen)
    parts.extend(_point(i, x(points[i].x), y(points[i].y), points[i], i == chosen) for i in order)
    parts.append(_key(bool(explored), bool(references), chosen is not None, shade_title))
    label = f"Pareto front with {len(points)} points: {y_title} over {x_title}"
    return Figure(WIDTH, HEIGHT, label, Markup("\n").join(parts))


def stairs(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Boundary of what the points dominate: to the right at constant energy, then down to the next point."""
    ordered = sorted(points)
    corners = ordered[:1]
    for px, py in ordered[1:]:
        corners += [(px, corners[-1][1]), (px, py)]
    return corners


def _dust(points: list[tuple[float, float]]) -> Markup:
    """One path of round dots; designs that fall on the same pixel are one dot."""
    dots = sorted({(round(px), round(py)) for px, py in points})
    return element("path", class_="dust", d="".join(f"M{px},{py}h0" for px, py in dots)) if dots else Markup("")


def _point(index: int, px: float, py: float, mark: FrontMark, chosen: bool) -> Markup:
    return group(
        element("title", mark.title),
        element("circle", class_="hit", cx=px, cy=py, r=10),
        element("circle", class_="dot", cx=px, cy=py, r=6.5 if chosen else 4),
        class_=" ".join(["point", *(["chosen"] if chosen else []), *([mark.shade] if mark.shade else [])]),
        data_point=str(index),
    )


def _reference(px: float, py: float, mark: FrontMark) -> Markup:
    near_edge = px > WIDTH - RIGHT - 90
    return group(
        element("title", mark.title),
        element("path", class_="reference", d=f"M{px:.2f},{py - 5.5:.2f}l5.5,5.5l-5.5,5.5l-5.5,-5.5z"),
        text(px + (-10 if near_edge else 9), py - 7, mark.label, class_="quiet end" if near_edge else "quiet start"),
    )


def _key(explored: bool, references: bool, chosen: bool, shade_title: str) -> Markup:
    """What the marks mean, right-aligned above the plot."""
    entries: list[tuple[str, str]] = []
    x, y = float(WIDTH - RIGHT), TOP - 16
    if explored:
        entries.append(("evaluated", "dust"))
    if references:
        entries.append(("uniform widths, W/I", "reference"))
    if chosen:
        entries.append(("chosen", "chosen"))
    entries.append((f"front, {shade_title}" if shade_title else "Pareto front", "front"))
    parts: list[Markup] = []
    for label, kind in entries:
        x -= 6.1 * len(label)
        parts.append(text(x, y, label, class_="quiet start"))
        if kind == "reference":
            parts.append(element("path", class_="reference", d=f"M{x - 11:.2f},{y - 9.5:.2f}l5,5l-5,5l-5,-5z"))
        elif kind == "dust":
            parts.append(element("path", class_="dust", d=f"M{x - 13:.2f},{y - 7:.2f}h0m4,3h0m3,-5h0m1,7h0"))
        elif kind == "chosen":
            dot = element("circle", class_="dot", cx=x - 11, cy=y - 4, r=5.5)
            parts.append(group(dot, class_="point chosen"))
        else:
            if not shade_title:
                parts.append(line(x - 22, y - 4, x - 6, y - 4, class_="stair"))
            parts.append(group(element("circle", cx=x - 14, cy=y - 4, r=4), class_="point"))
        x -= 36
    return group(*parts)
