"""Bit-widths found by training on the digits, over five seeds: `python -m tests.quant.figures` measures and writes FIGURES.md.

A quarter of ResNet-8's channels, so that eight bits are not always more than enough.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, stdev

from qdsl.model.accuracy import Accuracy, DataSource
from qdsl.model.network import Network
from qdsl.quant.channelwise import SearchSettings, search
from qdsl.quant.costs import SizeCost
from qdsl.quant.data import load
from qdsl.quant.density import DensitySettings, train
from qdsl.quant.soft import Choices
from qdsl.quant.training import Trainer
from tests.quant.networks import NARROW, written

SEEDS = (1, 2, 3, 4, 5)
STRENGTHS = (0.3, 1.0, 4.0)
KINDS = {
    "per layer": Choices((2, 4, 8), per="layer"),
    "per channel": Choices((2, 4, 8)),
    "per channel, pruned": Choices((0, 2, 4, 8)),
}
DENSITIES = {"at least 4 bits": DensitySettings(24), "at least 2 bits": DensitySettings(24, least=2)}
SIZES = (0.3, 0.4, 0.5, 0.75, 1.0)
NUMBERS, TABLE = (Path(__file__).with_name(name) for name in ("figures.json", "FIGURES.md"))


@dataclass(frozen=True)
class Row:
    """Errors in per cent. size: of the weights, of that at 8 bits; complexity: of the training by density."""

    seed: int
    kind: str
    size: float
    error: float
    test_error: float
    mean_bits: float
    complexity: float | None = None


def network() -> Network:
    with tempfile.TemporaryDirectory() as folder:
        return written(NARROW, Path(folder))


def measured(seed: int, strengths: Sequence[float] = STRENGTHS, epochs: int = 6) -> list[Row]:
    """All designs of a seed, and the float network."""
    accuracy = Accuracy("train", DataSource("digits"), epochs=4, float_epochs=24, batch=128, seed=seed)
    narrow = network()
    trainer = Trainer(narrow, accuracy, load(accuracy.data, (1, 8, 8)))
    weights = trainer.float_weights()
    plain = trainer.measure(weights, None)
    rows = [Row(seed, "float", 4.0, plain.error, plain.test_error or 0.0, 32.0)]
    for kind, choices in KINDS.items():
        for strength in strengths:
            settings = SearchSettings(epochs)
            found = search(trainer, weights, choices, SizeCost(narrow), strength, settings)
            rows.append(_row(seed, kind, found.compact.size_bits, found.measured.error, found.measured.test_error))
    for name, limits in DENSITIES.items():
        run = train(trainer, limits)
        row = _row(seed, f"density, {name}", 0, run.error, run.test_error)
        rows.append(replace(row, mean_bits=run.mean_bits, complexity=run.complexity))
    return rows


def _row(seed: int, kind: str, bits: int, error: float, test_error: float | None) -> Row:
    size = bits / (8 * WEIGHTS)
    return Row(seed, kind, size, error, test_error if test_error is not None else 100.0, 8 * size)


WEIGHTS = 4964


def front_at(rows: Iterable[Row], size: float) -> Row | None:
    """The design of least error that is not larger."""
    return min((r for r in rows if r.size <= size), key=lambda r: r.error, default=None)


def table(rows: Sequence[Row]) -> str:
    """Mean and standard deviation over the seeds."""
    seeds = sorted({r.seed for r in rows})
    lines = ["| test error, % | " + " | ".join(f"size {100 * s:.0f} %" for s in SIZES) + " |", "| --- |" + " --- |" * 5]
    for kind in KINDS:
        cells = []
        for size in SIZES:
            best = [front_at([r for r in rows if r.kind == kind and r.seed == s], size) for s in seeds]
            cells.append(_spread([r.test_error for r in best if r], len(seeds)))
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    lines += ["", "| | test error, % | mean bits | training complexity |", "| --- | --- | --- | --- |"]
    for kind in ("float", *(f"density, {name}" for name in DENSITIES)):
        mine = [r for r in rows if r.kind == kind]
        columns: list[Callable[[Row], float]] = [lambda r: r.test_error, lambda r: r.mean_bits]
        cells = [_spread([of(r) for r in mine], len(seeds)) for of in columns]
        cells.append(_spread([r.complexity for r in mine if r.complexity is not None], len(seeds)))
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[float], of: int) -> str:
    if not values:
        return "–"
    found = f"{mean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")
    return found if len(values) == of else f"{found} ({len(values)} of {of} seeds)"


def main() -> None:
    rows: list[Row] = []
    for seed in SEEDS:
        rows += measured(seed)
        print(table(rows), flush=True)
        NUMBERS.write_text(json.dumps([r.__dict__ for r in rows], indent=0) + "\n")
    TABLE.write_text(f"# Bit-widths found by training\n\n{__doc__}\n{table(rows)}")


if __name__ == "__main__":
    main()
