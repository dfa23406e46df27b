"""Operations per cycle over operations per word: how near layers come to what the hardware allows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from qdsl.report.figures.axes import LogScale, log_frame, log_limits
from qdsl.report.figures.svg import Figure, element, group, path, text

WIDTH, HEIGHT = 720, 380
LEFT, RIGHT, TOP, BOTTOM = 64, 30, 58, 50
LABEL = 130.0  # room that the label of a slope needs

# What limits a layer -> what the key says.
LIMITS = {"compute": "compute", "array": "part of the array", "port": "a bandwidth"}


@dataclass(frozen=True, slots=True)
class RoofMark:
    """A layer. x: operations per word; y: operations per cycle; limit: a key of LIMITS; title: its tooltip."""

    x: float
    y: float
    limit: str
    title: str


def roofline_figure(
    marks: Sequence[RoofMark], peaks: Sequence[float], words_per_cycle: float | None, where: str
) -> Figure:
    """Picture of a roofline, both axes logarithmic.

    where: the traffic whose words are counted; words_per_cycle: its bandwidth, the slope of the roof, None for none;
    peaks: operations per cycle when all units compute, at least one, one level roof each.
    """
    highest = max(peaks)
    ridges = [peak / words_per_cycle for peak in peaks] if words_per_cycle else []
    x = LogScale(*log_limits([*(m.x for m in marks), *ridges]), LEFT, WIDTH - RIGHT)
    y = LogScale(*log_limits([*(m.y for m in marks), *peaks]), HEIGHT - BOTTOM, TOP)
    parts = [log_frame(x, y, f"operations per word, {where}", "operations per cycle")]
    parts.extend(path(_roof(x, y, peak, words_per_cycle), class_="roof") for peak in peaks)
    parts.append(text(x.end, y(highest) - 7, f"all units: {highest:.4g}", class_="quiet end"))
    if words_per_cycle:
        parts.append(_slope_label(x(highest / words_per_cycle), y(highest), f"{words_per_cycle:.4g} words per cycle"))
    parts.extend(_mark(x(m.x), y(m.y), m.limit, m.title) for m in marks)
    parts.append(_key(tuple(limit for limit in LIMITS if any(m.limit == limit for m in marks))))
    return Figure(
        WIDTH, HEIGHT, f"Roofline: operations per cycle over operations per word, {where}", Markup("\n").join(parts)
    )


def _roof(x: LogScale, y: LogScale, peak: float, slope: float | None) -> list[tuple[float, float]]:
    """From where the line of the bandwidth enters the picture up to the peak, then level."""
    if slope is None:
        return [(x.start, y(peak)), (x.end, y(peak))]
    enters = max(x.low, y.low / slope)
    return [(x(enters), y(enters * slope)), (x(peak / slope), y(peak)), (x.end, y(peak))]


def _slope_label(ridge_x: float, peak_y: float, label: str) -> Markup:
    """Beside the ridge: before it, where nothing else is, or after it if there is no room."""
    before = ridge_x - LEFT > LABEL
    return text(ridge_x + (-8 if before else 8), peak_y - 7, label, class_=f"quiet {'end' if before else 'start'}")


def _mark(px: float, py: float, limit: str, title: str = "") -> Markup:
    shape = (
        element("path", d=f"M{px:.2f},{py - 5.5:.2f}l5.5,5.5l-5.5,5.5l-5.5,-5.5z")
        if limit == "port"
        else element("circle", cx=px, cy=py, r=4.5)
    )
    return group(*([element("title", title)] if title else []), shape, class_=f"layer {limit}-bound")


def _key(limits: tuple[str, ...]) -> Markup:
    """What the marks mean, right-aligned above the plot."""
    parts: list[Markup] = []
    x = float(WIDTH - RIGHT)
    for limit in reversed(limits):
        x -= 6.4 * len(LIMITS[limit])
        parts.append(text(x, TOP - 36, LIMITS[limit], class_="quiet start"))
        parts.append(_mark(x - 12, TOP - 40, limit))
        x -= 36
    if limits:
        parts.append(text(x, TOP - 36, "limited by", class_="quiet end"))
    return group(*parts)
