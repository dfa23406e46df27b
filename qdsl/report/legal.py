"""How many mappings are legal: exact numbers as texts and tables, their sums as pictures."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

from qdsl.report.asked import constraint_rows
from qdsl.report.figures import Curve, Figure, HeatCell, curves, heatmap, shade_step
from qdsl.report.layers import widths
from qdsl.report.quantities import THIN
from qdsl.study.result import LayerCounts, LegalCounts, StudyRun


@dataclass(frozen=True, slots=True)
class GridRow:
    """A width of the first input and, per width of the weights, (number, class of its shade)."""

    width: int
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class LegalLayer:
    """Layers with equal counts. axes: which widths are the rows, which the columns, and what the others are; least, most:
    the numbers at the widest and the narrowest widths with their change."""

    layers: tuple[str, ...]
    operator: str
    axes: str
    columns: tuple[str, ...]
    rows: tuple[GridRow, ...]
    least: str
    most: str
    change: str


@dataclass(frozen=True, slots=True)
class ConstraintRow:
    """text: as written; scope: operators it is for. without: per end of the widths (mappings without it, how many times as
    many)."""

    text: str
    scope: str
    without: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Legal:
    """summary: what the sums over layers show; heat, gain: pictures of them, None where there is no choice. widths: ends of
    the options; legal, free: mappings of all layers there, under all constraints and under none. uncounted: (why, layers); csv:
    all numbers."""

    summary: str
    heat: Figure | None
    gain: Figure | None
    layers: tuple[LegalLayer, ...]
    widths: tuple[str, ...]
    legal: tuple[str, ...]
    free: tuple[str, ...]
    constraints: tuple[ConstraintRow, ...]
    uncounted: tuple[tuple[str, tuple[str, ...]], ...]
    csv: str


def legal(run: StudyRun) -> Legal:
    counts = run.legal
    sums = _sums(counts)
    late: dict[str, list[str]] = {}
    for name, reason in counts.uncounted:
        late.setdefault(reason, []).append(name)
    chosen = sums if sums and len(sums.values) > 1 else None
    rows = (
        ConstraintRow(text, scope, tuple((exact(n), times(n, m)) for n, m in zip(without, counts.legal, strict=True)))
        for (text, scope), without in zip(constraint_rows(run.study), counts.without, strict=True)
    )
    return Legal(
        sums.summary if sums else "",
        chosen.heat() if chosen else None,
        chosen.gain() if chosen else None,
        tuple(_layer(x) for x in counts.layers),
        counts.widths,
        tuple(map(exact, counts.legal)),
        tuple(map(exact, counts.free)),
        tuple(rows),
        tuple((reason, tuple(names)) for reason, names in late.items()),
        _csv(counts),
    )


def _csv(counts: LegalCounts) -> str:
    """One line per different layer and bit-widths, with the number in full."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("layers", "operator", "bits", "mappings"))
    for x in counts.layers:
        for bits, n in zip(x.grid.bits, x.mappings, strict=True):
            writer.writerow((" ".join(x.layers), x.operator, widths(bits), n))
    return out.getvalue()


def exact(n: int) -> str:
    """All digits, in groups of three."""
    return f"{n:,}".replace(",", THIN)


def times(n: int, base: int) -> str:
    """`×1.29`; `as many`; an em dash where there is nothing to compare with."""
    return "as many" if n == base else f"×{_short(n / base)}" if base else "—"


@dataclass(frozen=True)
class _Sums:
    """values: (width of the inputs, width of the weights) -> mappings of all the layers that have these options."""

    layers: int
    of: int
    values: dict[tuple[int, int], int]

    @property
    def over(self) -> str:
        if self.of == 1:
            return "the layer has"
        if self.layers == self.of:
            return f"all {self.of} layers together have"
        return f"the {self.layers} of {self.of} layers with weights and these options together have"

    @property
    def summary(self) -> str:
        (i, w), most = max(self.values.items())
        (low_i, low_w), least = min(self.values.items())
        text = f"With {w}-bit weights and {i}-bit inputs {self.over} {exact(most)} legal mappings"
        if (i, w) == (low_i, low_w):
            return text + "."
        text += f", with {low_w}-bit weights and {low_i}-bit inputs {exact(least)}"
        if least <= most or not most:
            return text + "."
        return (
            f"{text}, {_short(least / most)} times as many: more values share a word, so larger tiles fit the memories."
        )

    def heat(self) -> Figure:
        shades = _shades(list(self.values.values()))
        cells = {
            key: HeatCell(shade, _log(n), f"weights {key[1]} bit, inputs {key[0]} bit: {exact(n)} mappings")
            for (key, n), shade in zip(self.values.items(), shades, strict=True)
        }
        rows, columns = (sorted({key[k] for key in self.values}) for k in (0, 1))
        return heatmap(
            [(str(i), [cells[i, w] for w in columns]) for i in rows],
            [str(w) for w in columns],
            "inputs",
            "weights, bit; logarithm of the number to base 10",
            "logarithm of the number of legal mappings by bits of inputs and weights",
        )

    def gain(self) -> Figure:
        """Against the widest widths. Widths of the inputs with equal curves share one."""
        base = max(self.values.items())[1] or 1
        rows, columns = (sorted({key[k] for key in self.values}) for k in (0, 1))
        same: dict[tuple[tuple[int, float], ...], list[int]] = {}
        for i in rows:
            same.setdefault(tuple((w, self.values[i, w] / base) for w in columns), []).append(i)
        lines = [Curve(f"inputs {', '.join(map(str, found))}", points) for points, found in same.items()]
        return curves(
            lines,
            "weights, bit",
            "legal mappings, times those at the widest",
            "number of legal mappings over bits of weights, one line per width of the inputs",
        )


def _sums(counts: LegalCounts) -> _Sums | None:
    """Over the layers with the commonest options; None if no layer has weights."""
    options = Counter[tuple[tuple[int, ...], tuple[int, ...]]]()
    for x in counts.layers:
        if x.grid.across:
            options[x.grid.rows, x.grid.columns] += len(x.layers)
    if not options:
        return None
    ((rows, columns), layers), *_ = options.most_common(1)
    values = {(i, w): 0 for i in rows for w in columns}
    for x in counts.layers:
        if (x.grid.rows, x.grid.columns) == (rows, columns):
            for i, cells in x.grid.cells(x.mappings):
                for w, n in zip(columns, cells, strict=True):
                    values[i, w] += len(x.layers) * n
    return _Sums(layers, sum(len(x.layers) for x in counts.layers) + len(counts.uncounted), values)


def _layer(x: LayerCounts) -> LegalLayer:
    grid = x.grid
    shades = iter([shade_step(s) for s in _shades(x.mappings)])
    rows = tuple(GridRow(i, tuple((exact(n), next(shades)) for n in cells)) for i, cells in grid.cells(x.mappings))
    axes = [
        f"{grid.down} down",
        *([f"{grid.across} across"] if grid.across else []),
        *(" ".join(f) for f in grid.follow),
    ]
    columns = tuple(f"{grid.across} {w}" for w in grid.columns) or ("mappings",)
    least, most = x.mappings[-1], x.mappings[0]
    return LegalLayer(
        x.layers, x.operator, ", ".join(axes), columns, rows, exact(least), exact(most), times(most, least)
    )


def _shades(numbers: Sequence[int]) -> list[float]:
    """Where each number lies between the least and the greatest, 0..1, by its logarithm."""
    logs = [log10(n) if n else -1.0 for n in numbers]
    low, high = min(logs), max(logs)
    return [(x - low) / (high - low) if high > low else 0.0 for x in logs]


def _log(n: int) -> str:
    return f"{log10(n):.2f}" if n else "none"


def _short(ratio: float) -> str:
    """Three digits, more where they would hide that it is not 1."""
    if ratio >= 1000:
        return f"{ratio:,.0f}".replace(",", THIN)
    return f"{ratio:.3g}" if abs(ratio - 1) >= 0.01 else f"{ratio:.6g}"
