"""Scales, round ticks, and the frame of a plot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup

from qdsl.report.figures.svg import group, line, text


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def limits(values: Iterable[float], from_zero: bool = False) -> tuple[float, float]:
    """Limits of an axis with some air around the values; never empty, also for one value or none."""
    seen = list(values) or [0.0]
    low, high = (0.0 if from_zero else min(seen)), max(seen)
    air = (high - low) * 0.07 or abs(high) * 0.1 or 1.0
    return (low if from_zero else max(0.0, low - air) if low >= 0 else low - air), high + air


def ticks(low: float, high: float, about: int = 6) -> tuple[float, ...]:
    """Round values (1, 2 or 5 times a power of ten apart) within the limits, about as many as asked for."""
    raw = (high - low) / max(1, about)
    power = 10.0 ** floor(log10(raw))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= raw * 0.999)
    return tuple(n * step for n in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1))


def tick_labels(values: tuple[float, ...]) -> tuple[str, ...]:
    """Labels with just the decimals that the step needs."""
    step = values[1] - values[0] if len(values) > 1 else (abs(values[0]) if values else 1.0)
    decimals = max(0, -floor(log10(step) + 1e-9)) if step > 0 else 0
    return tuple(f"{value + 0.0:,.{decimals}f}".replace(",", "\u2009") for value in values)


def frame(x: Scale, y: Scale, x_title: str, y_title: str, x_ticks: tuple[float, ...] | None = None) -> Markup:
    """Grid, ticks and axis titles; the title of y stands above its axis, so that nobody has to tilt the head."""
    across = ticks(x.low, x.high) if x_ticks is None else x_ticks
    up = ticks(y.low, y.high)
    parts = [Markup("\n")]
    for value, label in zip(up, tick_labels(up), strict=True):
        parts.append(line(x.start, y(value), x.end, y(value), class_="grid"))
        parts.append(text(x.start - 8, y(value) + 4, label, class_="quiet end"))
    for value, label in zip(across, tick_labels(across), strict=True):
        parts.append(line(x(value), y.start, x(value), y.start + 4, class_="axis"))
        parts.append(text(x(value), y.start + 18, label, class_="quiet middle"))
    parts.append(line(x.start, y.start, x.end, y.start, class_="axis"))
    parts.append(text(x.end, y.start + 36, x_title, class_="quiet end"))
    parts.append(text(8, y.end - 12, y_title, class_="quiet start"))
    return group(*parts)
