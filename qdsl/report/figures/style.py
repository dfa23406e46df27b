"""Colours and the style of figures.

One set of names, two palettes. Series colours keep apart under the common colour vision deficiencies; the scale
`q0`..`q8` runs from few to many bits, towards more contrast with the ground in both palettes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SERIES = 6  # colours of series; one more is for compute units
STEPS = 9  # steps of the sequential scale

LIGHT: Mapping[str, str] = {
    "ground": "#f6f7f9",
    "surface": "#ffffff",
    "ink": "#18212f",
    "muted": "#566173",
    "rule": "#d5dbe3",
    "grid": "#eaedf1",
    "accent": "#1d5bc4",
    "accent-soft": "#dfe9fb",
    "ghost": "#c3cad5",
    "warn": "#b3480e",
    "s0": "#3b6fc9",
    "s1": "#1c9a8a",
    "s2": "#d98a1f",
    "s3": "#a4508b",
    "s4": "#6b8e23",
    "s5": "#c2504a",
    "compute": "#8a94a3",
    "q0": "#eef3fb",
    "q1": "#dae6f7",
    "q2": "#c0d5f2",
    "q3": "#a2c0eb",
    "q4": "#80a6e1",
    "q5": "#4673c4",
    "q6": "#3563b5",
    "q7": "#2852a3",
    "q8": "#173a80",
    "on-low": "#18212f",
    "on-high": "#ffffff",
}

DARK: Mapping[str, str] = {
    "ground": "#10151d",
    "surface": "#171e28",
    "ink": "#e6ebf2",
    "muted": "#9fabbc",
    "rule": "#334053",
    "grid": "#232d3a",
    "accent": "#7fb0ff",
    "accent-soft": "#1f3358",
    "ghost": "#465469",
    "warn": "#f2a065",
    "s0": "#6d9cf0",
    "s1": "#3fc1ae",
    "s2": "#eab04f",
    "s3": "#cf82b8",
    "s4": "#9dbf55",
    "s5": "#e58078",
    "compute": "#8b97a8",
    "q0": "#1b2535",
    "q1": "#203049",
    "q2": "#263f63",
    "q3": "#2d4f80",
    "q4": "#37639f",
    "q5": "#4f86cb",
    "q6": "#6698d6",
    "q7": "#8fb7ea",
    "q8": "#bcd6f9",
    "on-low": "#e6ebf2",
    "on-high": "#10151d",
}


def variables(palette: Mapping[str, str]) -> str:
    """The palette as declarations of CSS variables."""
    return "".join(f"--{name}:{colour};" for name, colour in palette.items())


def series_class(index: int) -> str:
    """Class of the nth series; beyond the palette colours repeat and the label must tell them apart."""
    return f"s{index % SERIES}"


def shade_class(value: float, values: Sequence[float]) -> str:
    """Class of the sequential scale for a value among others: the least is the darkest, all are darker than the ground."""
    low, high = min(values), max(values)
    share = 0.0 if high == low else (value - low) / (high - low)
    return f"q{round(STEPS - 1 - share * (STEPS - 3))}"


def step_class(value: int, options: tuple[int, ...]) -> str:
    """Class of a bit-width on the sequential scale between the least and the greatest of all options."""
    low, high = min(options), max(options)
    step = STEPS - 2 if high == low else 1 + round((value - low) / (high - low) * (STEPS - 2))
    return f"q{max(0, min(STEPS - 1, step))}"


_FIXED = """
.figure{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-size:12px}
.figure text{fill:var(--ink)}
.figure .quiet{fill:var(--muted)}
.figure .strong{font-weight:600}
.figure .start{text-anchor:start}.figure .middle{text-anchor:middle}.figure .end{text-anchor:end}
.figure .grid{stroke:var(--grid)}
.figure .axis{stroke:var(--rule)}
.figure .curve{fill:none;stroke:var(--accent);stroke-width:2;stroke-linejoin:round}
.figure .stair{fill:none;stroke:var(--accent);stroke-opacity:.35;stroke-width:1.5}
.figure .area{fill:var(--accent-soft);stroke:none}
.figure .point circle{fill:var(--accent);stroke:var(--surface);stroke-width:1.2}
.figure .point .hit{fill:transparent;stroke:none}
.figure .point.chosen circle.dot{fill:var(--s2)}
.figure .point.selected circle.dot{stroke:var(--ink);stroke-width:2.5}
.figure .reference{fill:var(--surface);stroke:var(--muted);stroke-width:1.6}
.figure .reference-line{fill:none;stroke:var(--ghost);stroke-dasharray:3 4}
.figure .dust{fill:none;stroke:var(--ghost);stroke-width:3;stroke-linecap:round;stroke-opacity:.7}
.figure .ghost{fill:none;stroke:var(--muted);stroke-opacity:.65}
.figure .roof{fill:none;stroke:var(--muted);stroke-width:1.6;stroke-linejoin:round}
.figure .layer circle,.figure .layer path{stroke-width:1.6;fill-opacity:.8}
.figure .compute-bound circle{fill:var(--accent);stroke:var(--surface)}
.figure .array-bound circle{fill:var(--surface);stroke:var(--accent)}
.figure .port-bound path{fill:var(--warn);stroke:var(--surface)}
.figure .bar{fill:var(--accent)}
.figure .compute{fill:var(--compute)}
.figure .cell text{font-size:11px;text-anchor:middle;font-variant-numeric:tabular-nums}
.figure .cell.fixed rect{stroke:var(--muted);stroke-dasharray:2 2}
.figure .cell.none rect{fill:none;stroke:var(--grid)}
.figure .cell.none text{fill:var(--muted)}
"""

FIGURE_CSS = (
    _FIXED
    + "".join(f".figure .s{i}{{fill:var(--s{i})}}" for i in range(SERIES))
    + "\n"
    + "".join(
        f".figure .q{i} rect{{fill:var(--q{i})}}.figure .q{i} text{{fill:var(--on-{'high' if i > 4 else 'low'})}}"
        for i in range(STEPS)
    )
    + "\n"
    + "".join(f".figure .point.q{i}:not(.chosen) circle.dot{{fill:var(--q{i})}}" for i in range(STEPS))
    + "\n"
)
