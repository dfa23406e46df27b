"""Which compute engine wins at which widths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qdsl.model import load
from qdsl.report.winners import winners
from qdsl.resources import data_dir
from qdsl.study.result import StudyRun, WidthPair
from qdsl.study.run import run_study
from tests.published.markdown import lines

NETWORKS = {"resnet56": "ResNet-56", "mobilenet_v2": "MobileNetV2"}
ENGINES = ("bit-parallel", "vectorised", "serial activations", "both serial", "bit bricks")
LETTERS = "pvasb"
COSTS = ("energy", "latency")
EQUAL = 1.001
Costs = dict[tuple[int, int], list[float]]


def section(directory: Path) -> str:
    runs = {network: _run(network, directory / network) for network in NETWORKS}
    letters = ", ".join(f"`{x}` {name}" for x, name in zip(LETTERS, ENGINES, strict=True))
    return f"""## Compute engines at equal area

[ResNet-56](../../specs/studies/resnet56_engines.qdsl) and
[MobileNetV2](../../specs/studies/mobilenet_v2_engines.qdsl) on [one array](../../specs/accelerators/engines.qdsl)
with five kinds of compute units, at all widths from 2 to 8. Mappings are those of the least energy-delay product.
Letters: {letters}; of several letters none is 0.1 % ahead. Rows are bits of weights, columns bits of activations.
What a unit costs is our choice.

{"".join(_of_network(network, run) for network, run in runs.items())}"""


def _run(network: str, place: Path) -> StudyRun:
    model = load(data_dir("specs") / "studies" / f"{network}_engines.qdsl")
    return run_study(model.studies[0], model, place, workers=1)


def _of_network(network: str, run: StudyRun) -> str:
    for found in winners(run):
        Path(__file__).with_name(f"engines_{network}_{found.what}.svg").write_text(
            found.picture.standalone(), encoding="utf-8"
        )
    return "".join(_of_cost(network, what, costs(run, what)) for what in COSTS)


def _of_cost(network: str, what: str, found: Costs) -> str:
    bits = sorted({w for w, _ in found})
    return f"""### {NETWORKS[network]}, {what} ([picture](engines_{network}_{what}.svg))

{lines(["", *map(str, bits)], ([f"**{w}**", *(best(found[w, a]) for a in bits)] for w in bits))}
{lines(["", *ENGINES], _summary(found))}
"""


def costs(run: StudyRun, what: str) -> Costs:
    """pJ or cycles of every engine, by bits of weights and activations."""
    found: Costs = {}
    for configuration in run.configurations:
        for pair in configuration.pairs:
            found.setdefault((pair.weights, pair.activations), []).append(_cost(pair, what))
    return found


def _cost(pair: WidthPair, what: str) -> float:
    if what == "energy":
        return pair.energy_pj
    assert pair.cycles is not None
    return pair.cycles


def best(of_engines: list[float]) -> str:
    """Letters of the engines that nothing beats."""
    return " ".join(x for x, cost in zip(LETTERS, of_engines, strict=True) if cost <= min(of_engines) * EQUAL)


def _summary(found: Costs) -> Iterator[list[str]]:
    every = range(len(ENGINES))
    yield ["wins", *(str(sum(LETTERS[i] in best(x) for x in found.values())) for i in every)]
    yield ["times the best, most", *(f"{max(x[i] / min(x) for x in found.values()):.2f}" for i in every)]
