"""What mixed widths save, and what an inexact search misses: `python -m tests.published.studies` solves the studies again (some
minutes) and writes STUDIES.md.

The error of a design is the additive model of the language reference (`noise`), no measured accuracy.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np

from qdsl.model import load
from qdsl.model.study import Search, Study
from qdsl.resources import data_dir
from qdsl.study.archive import Archive, hypervolume
from qdsl.study.exact import exact_front
from qdsl.study.exact.of_study import sum_of
from qdsl.study.nsga2 import search, uniform_designs
from qdsl.study.objectives import Evaluator, Values
from qdsl.study.progress import Silent
from qdsl.study.store import Store
from qdsl.study.tables import build_tables
from tests.published.markdown import lines

PAGE = Path(__file__).with_name("STUDIES.md")
NETWORKS = {"mobilenet_v1": "MobileNetV1", "mobilenet_v2": "MobileNetV2"}
MACHINES = {"eyeriss": "Eyeriss", "simba": "Simba"}
SEEDS = range(1, 6)
BUDGETS = {
    "the operators and the budget of Klhufek et al. (10 parents, 10 children, 25 generations)": Search(
        10, 10, 25, operators="seed"
    ),
    "their operators, 48 parents, 48 children, 100 generations": Search(48, 48, 100, operators="seed"),
    "qdsl's operators at the budget of Klhufek et al., without exact points to start with": Search(10, 10, 25),
    "qdsl's operators, 48, 48, 100, without exact points to start with": Search(48, 48, 100),
}


@dataclass(frozen=True)
class Solved:
    """evaluator: of energy, weight memory and noise; front: those of every design that none beats in energy and noise."""

    evaluator: Evaluator
    front: Values

    @property
    def uniform(self) -> Values:
        """float64[widths, 3]: 2/2 to 8/8."""
        return self.evaluator.values(uniform_designs(self.evaluator), ("energy", "weight_memory", "noise"))

    def at_equal_noise(self, decibels: float) -> Values:
        """float64[3]: the design of least energy with at most so much noise."""
        allowed = self.front[self.front[:, 2] <= decibels + 1e-9]
        least: Values = allowed[np.argmin(allowed[:, 0])]
        return least


def spec(network: str, machine: str, dense: bool) -> str:
    specs = data_dir("specs")
    return f"""
import "{specs}/accelerators/{machine}.qdsl"
import "{specs}/constraints/{machine}_dataflow.qdsl"
import "{specs}/networks/{network}.qdsl"

study s {{
  map {network} onto {machine}
  {"map depthwise as conv2d(K = C)" if dense else ""}
  precision {{
    weights in {{2..8}} per layer
    activations in {{2..8}} per layer
    output 8 bit
  }}
  constrain with {machine}_dataflow
  minimize energy, noise
  search exact
}}
"""


def solved(network: str, machine: str, dense: bool = False) -> Solved:
    study = _study(network, machine, dense)
    with tempfile.TemporaryDirectory() as directory, Store(Path(directory) / "store.sqlite") as store:
        evaluator = Evaluator(study, build_tables(study, store, Silent()).layers)
    found = exact_front(sum_of(evaluator)).designs
    return Solved(evaluator, evaluator.values(found, ("energy", "weight_memory", "noise")))


def _study(network: str, machine: str, dense: bool) -> Study:
    specs = data_dir("specs")
    path = specs / "studies" / f"shown-{network}-{machine}.qdsl"
    text = spec(network, machine, dense).replace(f"{specs}/", "../")
    path.write_text(text, encoding="utf-8")
    try:
        (study,) = load(path).studies
    finally:
        path.unlink()
    return study


def page() -> str:
    every = {(n, m): solved(n, m) for n in NETWORKS for m in MACHINES}
    dense = {m: solved("mobilenet_v1", m, dense=True) for m in MACHINES}
    return f"""# Mixed widths, and what searches find

Weights and activations of every layer in 2 to 8 bits, outputs 8. Energies are those of the best mappings at these widths,
proven. The error is the additive model `noise`, not a measured accuracy. Written by `python -m tests.published.studies`.

## Energy of mixed widths at the error of uniform ones

For each uniform choice of weights/activations the design of least energy whose error is not larger, from the exact front
of energy and noise. At 8/8, the widest choice there is, no other design has so small an error. In brackets: its weight
memory beside the uniform one's.

{lines(["", *(f"{w}/{w}" for w in range(3, 9))], savings(every))}

## True depthwise layers and dense ones

Energy of MobileNetV1 at uniform widths with depthwise layers mapped as what they are, and as dense convolutions of all
channels (`map depthwise as conv2d(K = C)`), as a tool without groups does.

{lines(["", *(f"{w}/{w}" for w in range(2, 9))], _depthwise(every, dense))}

## NSGA-II beside the exact front

Share of the exact front's hypervolume (energy, noise) that a search reaches, the median of {len(SEEDS)} seeds, and the
designs looked at.

{lines(["", *(f"{NETWORKS[n]}, {MACHINES[m]}" for n, m in every), "designs"], _searches(every))}
"""


def savings(every: dict[tuple[str, str], Solved]) -> Iterator[list[str]]:
    for (network, machine), found in every.items():
        row = [f"{NETWORKS[network]}, {MACHINES[machine]}"]
        for uniform in found.uniform[1:]:
            best = found.at_equal_noise(uniform[2])
            row.append(f"{best[0] / uniform[0] - 1:+.1%} ({best[1] / uniform[1] - 1:+.1%})")
        yield row


def _depthwise(every: dict[tuple[str, str], Solved], dense: dict[str, Solved]) -> Iterator[list[str]]:
    for machine, name in MACHINES.items():
        true, mapped = every["mobilenet_v1", machine].uniform[:, 0], dense[machine].uniform[:, 0]
        yield [f"{name}, true, µJ", *(f"{x / 1e6:.1f}" for x in true)]
        yield [f"{name}, dense, µJ", *(f"{x / 1e6:.1f}" for x in mapped)]
        yield [f"{name}, times", *(f"{x:.2f}" for x in mapped / true)]


def _searches(every: dict[tuple[str, str], Solved]) -> Iterator[list[str]]:
    for name, settings in BUDGETS.items():
        row, looked_at = [name], set()
        for found in every.values():
            whole = hypervolume(found.evaluator, found.front[:, [0, 2]])
            shares = []
            for seed in SEEDS:
                study = replace(found.evaluator.study, search=replace(settings, seed=seed))
                evaluator = Evaluator(study, found.evaluator.tables)
                archive = Archive(evaluator)
                for _ in search(evaluator, archive):
                    pass
                shares.append(archive.hypervolume() / whole)
                looked_at.add(archive.evaluated)
            row.append(f"{median(shares):.2%}")
        yield [*row, f"{min(looked_at):,} to {max(looked_at):,}"]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
