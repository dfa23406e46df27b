"""Bit-widths found by training on the digits, by seed: `python -m tests.quant.figures` measures five (about ten
minutes of processor time) and writes FIGURES.md. Sizes are those of the weights, relative to eight bits.

A quarter of ResNet-8's channels, so that eight bits are not always more than enough.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
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
STRENGTHS = (1.0, 4.0)
KINDS = {
    "per layer": Choices((2, 4, 8), per="layer"),
    "per channel": Choices((2, 4, 8)),
    "per channel, pruned": Choices((0, 2, 4, 8)),
}
SIZES = (0.28, 0.3, 0.32, 0.35, 0.4)
DENSITY = "density, at least 4 bits"
FOLDER = Path(__file__).parent


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


def gradients(seed: int, strengths: Sequence[float] = STRENGTHS, epochs: int = 6) -> Iterator[Row]:
    """The designs of a seed, which start from one float network."""
    trainer = _trainer(seed, 64)
    weights = trainer.float_weights()
    plain = trainer.measure(weights, None)
    yield _row(seed, "float", 32 * WEIGHTS, plain.error, plain.test_error)
    for kind, choices in KINDS.items():
        for strength in strengths:
            found = search(trainer, weights, choices, SizeCost(trainer.network), strength, SearchSettings(epochs))
            yield _row(seed, kind, found.compact.size_bits, found.measured.error, found.measured.test_error)


def densities(seed: int, epochs: int = 20) -> Iterator[Row]:
    """Of a seed, the network trained with 16 bits all the time, and by density."""
    trainer = _trainer(seed, 32)
    for kind, window in (("16 bits, trained alike", epochs + 1), (DENSITY, DensitySettings.window)):
        run = train(trainer, DensitySettings(epochs, window=window))
        found = _row(seed, kind, 0, run.error, run.test_error)
        yield replace(found, mean_bits=run.mean_bits, complexity=run.complexity)


def _trainer(seed: int, batch: int) -> Trainer:
    accuracy = Accuracy("train", DataSource("digits"), epochs=4, float_epochs=24, batch=batch, seed=seed)
    return Trainer(network(), accuracy, load(accuracy.data, (1, 8, 8)))


def _row(seed: int, kind: str, bits: int, error: float, test_error: float | None) -> Row:
    size = bits / (8 * WEIGHTS)
    return Row(seed, kind, size, error, test_error if test_error is not None else 100.0, 8 * size)


WEIGHTS = 4964


def front_at(rows: Iterable[Row], size: float) -> Row | None:
    """The design of least error that is not larger."""
    return min((r for r in rows if r.size <= size), key=lambda r: r.error, default=None)


def table(rows: Sequence[Row]) -> str:
    """Mean and standard deviation over the seeds."""
    lines = ["| test error, % | " + " | ".join(f"size {100 * s:.0f} %" for s in SIZES) + " |"]
    lines.append("| --- |" + " --- |" * len(SIZES))
    for kind in KINDS:
        mine = [r for r in rows if r.kind == kind]
        seeds = sorted({r.seed for r in mine})
        cells = []
        for size in SIZES:
            best = [front_at([r for r in mine if r.seed == s], size) for s in seeds]
            cells.append(_spread([r.test_error for r in best if r], len(seeds)))
        lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    lines += ["", "| | seeds | test error, % | mean bits | training complexity |", "| --- | --- | --- | --- | --- |"]
    for kind in dict.fromkeys(r.kind for r in rows if r.kind not in KINDS):
        mine = [r for r in rows if r.kind == kind]
        columns: list[Callable[[Row], float | None]] = [
            lambda r: r.test_error,
            lambda r: r.mean_bits,
            lambda r: r.complexity,
        ]
        found = [[x for r in mine if (x := of(r)) is not None] for of in columns]
        lines.append(f"| {kind} | {len(mine)} | " + " | ".join(_spread(x, len(x)) for x in found) + " |")
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[float], of: int) -> str:
    if not values:
        return "–"
    found = f"{mean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")
    return found if len(values) == of else f"{found} ({len(values)} of {of} seeds)"


def main() -> None:
    halves: dict[str, Callable[[int], Iterator[Row]]] = {"gradients": gradients, "densities": densities}
    for name in sys.argv[1:] or halves:
        rows: list[Row] = []
        for seed in SEEDS:
            rows += halves[name](seed)
            (FOLDER / f"{name}.json").write_text(json.dumps([asdict(r) for r in rows], indent=0) + "\n")
            print(table(rows), flush=True)
    stored = [Row(**r) for name in halves for r in json.loads((FOLDER / f"{name}.json").read_text())]
    (FOLDER / "FIGURES.md").write_text(page(stored))


def page(rows: Sequence[Row]) -> str:
    """The tables, and which seeds they are of."""
    seeds = {kind: sorted({r.seed for r in rows if (r.kind in KINDS) == kind}) for kind in (True, False)}
    measured = f"Seeds measured: {seeds[True]} by gradients, {seeds[False]} by density."
    return f"# Bit-widths found by training\n\n{__doc__.strip()} {measured}\n\n{table(rows)}"


if __name__ == "__main__":
    main()
