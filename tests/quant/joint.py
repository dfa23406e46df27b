"""Mapping and bit-widths searched together on the digits, against uniform widths: `python -m tests.quant.joint DIR` runs the
studies of ResNet-8 on both machines with five seeds (about five minutes of processor time each) and leaves joint.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from operator import attrgetter
from pathlib import Path
from statistics import mean, stdev

from qdsl.model import load
from qdsl.model.study import Study
from qdsl.resources import data_dir
from qdsl.study.result import DesignPoint, StudyRun
from qdsl.study.run import run_study

SEEDS = (1, 2, 3, 4, 5)
MACHINES = ("eyeriss", "simba")
STORED = Path(__file__).parent / "joint.json"


@dataclass(frozen=True)
class Design:
    """label: '8/8' for a uniform one, '' for one of the front. energy: in uJ; error, test_error: in per cent."""

    label: str
    energy: float
    error: float
    test_error: float


@dataclass(frozen=True)
class Run:
    """float_error, float_test_error: in per cent, without quantisation."""

    machine: str
    seed: int
    float_error: float
    float_test_error: float
    designs: tuple[Design, ...]


def measured(machine: str, seed: int, folder: Path) -> Run:
    """folder: of the seed; the trainings in it serve both machines."""
    model = load(data_dir("specs") / "studies" / f"resnet8_digits_{machine}.qdsl")
    return run_of(machine, run_study(_seeded(model.studies[0], seed), model, folder, workers=1), seed)


def run_of(machine: str, run: StudyRun, seed: int) -> Run:
    facts = run.accuracy
    assert facts is not None and facts.float_test_error is not None
    designs = [d for p in (*run.references, *run.front) if (d := _design(p))]
    return Run(machine, seed, facts.float_error, facts.float_test_error, tuple(designs))


def _seeded(study: Study, seed: int) -> Study:
    """The seed draws the float network, the order of the examples, and the designs."""
    assert study.accuracy is not None
    return replace(study, search=replace(study.search, seed=seed), accuracy=replace(study.accuracy, seed=seed))


def _design(point: DesignPoint) -> Design | None:
    """None for one whose training ended early."""
    if point.test_error is None:
        return None
    return Design(point.label, point.energy_pj / 1e6, point.objectives["error"], point.test_error)


ERRORS = {"validation": "error", "test": "test_error"}
"""By which error designs are told apart; by that of the test only with hindsight."""
LEAST = "least error"
COMPARISONS = (
    *((LEAST, by, tolerance) for by in ERRORS for tolerance in (0.0, 0.5)),
    *(("8/8", by, 0.0) for by in ERRORS),
)
"""The uniform design to compare with, the error, and by how many points it may be larger."""


@dataclass(frozen=True)
class Saving:
    """Energies in uJ. uniform: of the uniform design; alike: of the cheapest uniform design whose error is larger by the
    tolerance at most; joint: of the cheapest of all designs with that error. test: its test error less that of the uniform
    design, in points."""

    uniform: float
    alike: float
    joint: float
    test: float


def saving(run: Run, uniform: str = LEAST, by: str = "validation", tolerance: float = 0.0) -> Saving:
    """See COMPARISONS; of designs with equal errors the cheapest counts."""
    error = attrgetter(ERRORS[by])
    fixed = [d for d in run.designs if d.label]
    reference = min((d for d in fixed if uniform in (LEAST, d.label)), key=lambda d: (error(d), d.energy))

    def cheapest(designs: Sequence[Design]) -> Design:
        within = (d for d in designs if error(d) <= error(reference) + tolerance)
        return min(within, key=lambda d: (d.energy, error(d)))

    joint = cheapest(run.designs)
    return Saving(reference.energy, cheapest(fixed).energy, joint.energy, joint.test_error - reference.test_error)


def table(runs: Sequence[Run]) -> str:
    """Mean and standard deviation over the seeds."""
    titles = [
        *("machine", "uniform design", "by the error of", "at most larger by", "seeds", "uniform, µJ", "joint, µJ"),
        *("saved, %", "of the cheapest uniform at that error, %", "test error, points"),
    ]
    lines = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    for machine, (uniform, by, tolerance) in product(MACHINES, COMPARISONS):
        found = [saving(r, uniform, by, tolerance) for r in runs if r.machine == machine]
        columns = [
            [s.uniform for s in found],
            [s.joint for s in found],
            [100 * (1 - s.joint / s.uniform) for s in found],
            [100 * (1 - s.joint / s.alike) for s in found],
            [s.test for s in found],
        ]
        cells = [machine, uniform, by, f"{tolerance:g}", str(len(found)), *(spread(c) for c in columns)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def spread(values: Sequence[float]) -> str:
    """Mean and standard deviation."""
    if not values:
        return "–"
    return f"{mean(values):.2f}" + (f" ± {stdev(values):.2f}" if len(values) > 1 else "")


def stored() -> list[Run]:
    rows = json.loads(STORED.read_text())
    return [Run(**{**r, "designs": tuple(Design(**d) for d in r["designs"])}) for r in rows]


def store(runs: Sequence[Run]) -> None:
    STORED.write_text(json.dumps([asdict(r) for r in runs], indent=0) + "\n")


def main() -> None:
    folder = Path(sys.argv[1])
    runs: list[Run] = []
    for seed, machine in product(SEEDS, MACHINES):
        runs.append(measured(machine, seed, folder / str(seed)))
        store(runs)


if __name__ == "__main__":
    main()
