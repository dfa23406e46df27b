"""Scales, round ticks, and the frame of a plot."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, floor, log, log10

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


@dataclass(frozen=True, slots=True)
class LogScale:
    """A logarithmic scale from positive values to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + log(value / self.low) / log(self.high / self.low) * (self.end - self.start)


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


def log_limits(values: Iterable[float]) -> tuple[float, float]:
    """Limits of a logarithmic axis: 1, 2 or 5 times powers of ten around positive values with some air between."""
    seen = list(values) or [1.0]
    low, high = min(seen) / 1.2, max(seen) * 1.5
    steps = [factor * 10.0**n for n in range(floor(log10(low)), ceil(log10(high)) + 1) for factor in (1, 2, 5)]
    return max(s for s in steps if s <= low), min(s for s in steps if s >= high)


def log_frame(x: LogScale, y: LogScale, x_title: str, y_title: str) -> Markup:
    """Like `frame`, with a grid in both directions."""
    parts = [Markup("\n")]
    for value in _log_ticks(y):
        parts.append(line(x.start, y(value), x.end, y(value), class_="grid"))
        parts.append(text(x.start - 8, y(value) + 4, f"{value:g}", class_="quiet end"))
    for value in _log_ticks(x):
        parts.append(line(x(value), y.start, x(value), y.end, class_="grid"))
        parts.append(text(x(value), y.start + 18, f"{value:g}", class_="quiet middle"))
    parts.extend(_titles(x, y, x_title, y_title))
    return group(*parts)


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
    parts.extend(_titles(x, y, x_title, y_title))
    return group(*parts)


def _titles(x: Scale | LogScale, y: Scale | LogScale, x_title: str, y_title: str) -> list[Markup]:
    return [
        line(x.start, y.start, x.end, y.start, class_="axis"),
        text(x.end, y.start + 36, x_title, class_="quiet end"),
        text(8, y.end - 12, y_title, class_="quiet start"),
    ]


def _log_ticks(scale: LogScale) -> list[float]:
    """Powers of ten within the limits of a scale; with 2 and 5 times them where these are few, fewer where they are
    many."""
    first, last = floor(log10(scale.low)), ceil(log10(scale.high))
    factors = (1, 2, 5) if last - first < 4 else (1,)
    values = [factor * 10.0**n for n in range(first, last + 1, 1 + (last - first) // 7) for factor in factors]
    return [v for v in values if scale.low * 0.999 < v < scale.high * 1.001]
