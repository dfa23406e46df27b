"""What a study explored besides bit-widths: configurations of the hardware, networks of a set, abstraction levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from qdsl.report.figures import Figure, FrontMark, front
from qdsl.report.points import Units
from qdsl.report.quantities import grouped, memory_unit, percent
from qdsl.study.result import ConfigurationResult, StudyRun


@dataclass(frozen=True, slots=True)
class ConfigurationRow:
    """values: of the searched parameters; least_pj: energy and memory of its design with the least energy, None if none was
    mapped; found: designs on its own front; on_front: on that of all; chosen: whether the chosen design runs on it."""

    values: tuple[str, ...]
    area_mm2: float | None
    capacity: str
    units: int
    least_pj: float | None
    found: int
    on_front: int
    chosen: bool


@dataclass(frozen=True, slots=True)
class NetworkRow:
    """One network of a set in the chosen design: energy of one run in pJ, weight memory in bits, and how often it runs."""

    name: str
    weight: float
    layers: int
    energy_pj: float
    baseline_pj: float | None
    memory_bits: float
    share: float


def configuration_rows(run: StudyRun) -> tuple[ConfigurationRow, ...]:
    """In the order of the study."""
    return tuple(
        ConfigurationRow(
            tuple(value for _, value in c.values),
            c.area_mm2,
            memory_unit(c.capacity_bits).text(c.capacity_bits),
            c.units,
            c.energies_pj[0] if c.energies_pj else None,
            len(c.energies_pj),
            c.on_front,
            index == run.chosen_point.hardware,
        )
        for index, c in enumerate(run.configurations)
    )


def hardware_picture(run: StudyRun, units: Units) -> Figure | None:
    """Least energy of each configuration over what it takes; None if no parameter was searched."""
    mapped = [c for c in run.configurations if c.energies_pj]
    if not mapped:
        return None
    by_area = all(c.area_mm2 is not None for c in mapped)
    capacity = memory_unit(max(c.capacity_bits for c in mapped))
    title = "area, mm²" if by_area else f"memory on the chip, {capacity.symbol}"

    def cost(c: ConfigurationResult) -> float:
        return float(c.area_mm2 or 0.0) if by_area else capacity.value(c.capacity_bits)

    marks = [
        FrontMark(cost(c), units.energy.value(c.energies_pj[0]), "", ", ".join(f"{n} = {v}" for n, v in c.values))
        for c in mapped
    ]
    best = [m for m in marks if not any(_beats(other, m) for other in marks)]
    where = run.configurations[run.chosen_point.hardware].values
    named = ", ".join(f"{n} = {v}" for n, v in where)
    chosen = next((i for i, m in enumerate(best) if m.title == named), None)
    others = [(m.x, m.y) for m in marks if m not in best]
    return front(best, [], chosen, title, f"least energy, {units.energy.symbol}", others)


def network_rows(run: StudyRun) -> tuple[NetworkRow, ...]:
    """In the order of the study; () if it maps a single network."""
    layers = run.study.network.layers
    names = dict.fromkeys(x.network for x in layers if x.network)
    chosen = {x.name: x for x in run.chosen_point.layers}
    baseline = {x.name: x.energy_pj for x in run.baseline.layers} if run.baseline else {}
    rows = []
    for name in names:
        own = [x for x in layers if x.network == name]
        weight = own[0].weight
        total = sum(chosen[x.name].energy_pj for x in own)
        memory = sum(
            x.problem.values(t) * dict(chosen[x.name].bits)[t.name] for x in own for t in x.problem.operator.weights
        )
        base = sum(baseline[x.name] for x in own) / weight if baseline else None
        share = total / run.chosen_point.energy_pj
        rows.append(NetworkRow(name, weight, len(own), total / weight, base, float(memory), share))
    return tuple(rows)


def funnel_text(run: StudyRun) -> str:
    """What the funnel saved, in a sentence; '' without one."""
    if len(run.levels) < 2:
        return ""
    counts, fine = run.counts, run.levels[-1]
    every = max(1, len(run.study.hardware))
    configurations = f"{fine.configurations} of {every} configurations and " if every > 1 else ""
    share = percent(counts.assignments / counts.possible)
    return (
        f"The fine level mapped {configurations}{grouped(counts.assignments)} of {grouped(counts.possible)} pairs of a layer "
        f"and its bit-widths ({share})."
    )


def level_seconds(run: StudyRun) -> dict[str, float]:
    """Of each abstraction level for its tables and its search."""
    spent = dict(run.timings)
    spent["fine"] = spent.get("tables", 0.0) + spent.get("search", 0.0)
    return {x.level: spent.get(x.level, 0.0) for x in run.levels}


def _beats(a: FrontMark, b: FrontMark) -> bool:
    pairs = np.array([(a.x, b.x), (a.y, b.y)])
    return bool((pairs[:, 0] <= pairs[:, 1]).all() and (pairs[:, 0] < pairs[:, 1]).any())
