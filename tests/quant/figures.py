"""Bit-widths found by training on the digits, by seed: `python -m tests.quant.figures PART ...` measures parts of it,
leaves them in PART.json and writes FIGURES.md."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
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
from tests.quant import joint
from tests.quant.networks import NARROW, RESNET20, written

SEEDS = (1, 2, 3, 4, 5)
STRENGTHS = (1.0, 16.0)
KINDS = {
    "per layer": Choices((2, 4, 8), per="layer"),
    "per channel": Choices((2, 4, 8)),
    "per channel, pruned": Choices((0, 2, 4, 8)),
}
SIZES = (0.26, 0.28, 0.3, 0.35)
EPOCHS = 30
"""Of a training by density, and of those beside it."""
SHORTER = 20
"""The same of ResNet-20."""
FLOAT, ALIKE, DENSITY = "float", "16 bits", "density, at least 4 bits"
WEIGHTS = 4964
"""Of the narrow ResNet-8."""
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


def network(text: str) -> Network:
    with tempfile.TemporaryDirectory() as folder:
        return written(text, Path(folder))


def gradients(seed: int) -> Iterator[Row]:
    """The designs of a seed, which start from one float network."""
    trainer = _trainer(NARROW, seed, Accuracy("train", DataSource("digits"), epochs=8, float_epochs=24))
    weights = trainer.float_weights()
    for kind, choices in KINDS.items():
        for strength in STRENGTHS:
            found = search(trainer, weights, choices, SizeCost(trainer.network), strength, SearchSettings(8))
            size = found.compact.size_bits / (8 * WEIGHTS)
            test_error = found.measured.test_error
            assert test_error is not None
            yield Row(seed, kind, size, found.measured.error, test_error, 8 * size)


def densities(seed: int, text: str = NARROW, epochs: int = EPOCHS) -> Iterator[Row]:
    """Of a seed, the network trained without quantisation, with 16 bits all the time, and by density: alike otherwise."""
    trainer = _trainer(text, seed, Accuracy("train", DataSource("digits"), float_epochs=epochs, batch=32))
    plain = trainer.measure(trainer.float_weights(), None)
    assert plain.test_error is not None
    yield Row(seed, FLOAT, 4.0, plain.error, plain.test_error, 32)
    for kind, window in ((ALIKE, epochs + 1), (DENSITY, DensitySettings.window)):
        run = train(trainer, DensitySettings(epochs, window=window, settle=epochs * 2 // 5))
        yield Row(seed, kind, run.mean_bits / 8, run.error, run.test_error, run.mean_bits, run.complexity)


def resnet20(seed: int) -> Iterator[Row]:
    return densities(seed, RESNET20, SHORTER)


def _trainer(text: str, seed: int, accuracy: Accuracy) -> Trainer:
    return Trainer(network(text), replace(accuracy, seed=seed), load(accuracy.data, (1, 8, 8)))


def front_at(rows: Iterable[Row], size: float) -> Row | None:
    """The design of least error that is not larger."""
    return min((r for r in rows if r.size <= size), key=lambda r: r.error, default=None)


def table_of_sizes(rows: Sequence[Row], of: str = "test error") -> str:
    """Of the designs that a user would take: those of least error on the examples that the search sees."""
    error = attrgetter({"test error": "test_error", "validation error": "error"}[of])
    lines = [f"| {of}, % | seeds | " + " | ".join(f"size {100 * s:.0f} %" for s in SIZES) + " |"]
    lines.append("| --- | --- |" + " --- |" * len(SIZES))
    for kinds in [[k] for k in KINDS] + [["per layer", "per channel"]]:
        mine = [r for r in rows if r.kind in kinds]
        seeds = sorted({r.seed for r in mine})
        cells = []
        for size in SIZES:
            best = [front_at([r for r in mine if r.seed == s], size) for s in seeds]
            cells.append(_spread([error(r) for r in best if r], len(seeds)))
        lines.append(f"| {' or '.join(kinds)} | {len(seeds)} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def table_of_densities(rows: Sequence[Row]) -> str:
    plain = {r.seed: r.test_error for r in rows if r.kind == FLOAT}
    columns: list[Callable[[Row], float | None]] = [
        lambda r: r.test_error,
        lambda r: None if r.kind == FLOAT else r.test_error - plain[r.seed],
        lambda r: r.mean_bits,
        lambda r: r.complexity,
    ]
    lines = ["| | seeds | test error, % | less that of float, points | mean bits | training complexity |"]
    lines.append("| --- |" + " --- |" * 5)
    for kind in (FLOAT, ALIKE, DENSITY):
        mine = [r for r in rows if r.kind == kind]
        found = [[x for r in mine if (x := of(r)) is not None] for of in columns]
        lines.append(f"| {kind} | {len(mine)} | " + " | ".join(_spread(x, len(x)) for x in found) + " |")
    return "\n".join(lines) + "\n"


def _spread(values: Sequence[float], of: int) -> str:
    if not values:
        return "–"
    found = f"{mean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")
    return found if len(values) == of else f"{found} ({len(values)} of {of} seeds)"


def stored(part: str) -> list[Row]:
    return [Row(**r) for r in json.loads((FOLDER / f"{part}.json").read_text())]


PARTS: dict[str, tuple[Callable[[int], Iterator[Row]], Sequence[int]]] = {
    "gradients": (gradients, SEEDS),
    "densities": (densities, SEEDS),
    "resnet20": (resnet20, SEEDS[:1]),
}
TEXT = """# What training on the digits comes to

Mean ± standard deviation over the seeds, which the tables count. `python -m tests.quant.figures gradients densities resnet20`
and `python -m tests.quant.joint DIR` measure them, in about an hour of processor time for five seeds. Of 1797 digits, 1079 are
trained on, 359 choose designs (validation), and 359 serve for the test errors: one digit more or less is 0.28 points.

## Widths by gradients, per layer and per channel

ResNet-8 with a quarter of its channels, so that eight bits are not always more than enough; 2, 4 or 8 bits of weights, 8 of
activations. One design per strength, {strengths}; 8 epochs of search, 8 of fine-tuning. A size is that of the weights,
relative to eight bits; of the designs that are not larger, the one of least validation error counts.

{chosen}
{gradients}
A width per layer is a width per channel, too: the last row takes the better of both, by the validation error. Fine-tuning
goes on as the search trained. With shorter searches, and tuned at the rate at which float networks are quantised, designs of
28 % had test errors of 8.4 % per channel and 3.9 % per layer (two seeds). Recipes were tried on the first two seeds.

## Widths by the density of activations

All three are trained for {epochs} epochs with the same rate, batch, decay and momentum; the first one without quantisers. The
narrow ResNet-8:

{densities}

ResNet-20 for 8 x 8 pixels, {shorter} epochs, one seed:

{resnet20}
## Mapping and bit-widths searched together, against uniform widths

ResNet-8, by the studies of the digits on both machines: 64 designs, two epochs of training each. The uniform design is the
one of least error, or 8/8; the joint design is the cheapest one with no larger error, or with one that is larger by so many
points. By the validation error is how a user chooses; by the test error is hindsight.

{joint}
"""


def page() -> str:
    """What is stored, as text."""
    return TEXT.format(
        strengths=" and ".join(f"{s:g}" for s in STRENGTHS),
        chosen=table_of_sizes(stored("gradients"), "validation error"),
        gradients=table_of_sizes(stored("gradients")),
        densities=table_of_densities(stored("densities")),
        resnet20=table_of_densities(stored("resnet20")),
        joint=joint.table(joint.stored()),
        epochs=EPOCHS,
        shorter=SHORTER,
    )


def main() -> None:
    for name in sys.argv[1:]:
        measure, seeds = PARTS[name]
        rows: list[Row] = []
        for seed in seeds:
            rows += measure(seed)
            (FOLDER / f"{name}.json").write_text(json.dumps([asdict(r) for r in rows], indent=0) + "\n")
    (FOLDER / "FIGURES.md").write_text(page())


if __name__ == "__main__":
    main()
