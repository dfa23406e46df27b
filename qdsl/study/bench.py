"""Mappers side by side: how good their best mapping is after how long, beside the optimum and its time."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from qdsl.diagnostics import SpecError
from qdsl.mapper import Objective, best_mapping
from qdsl.mapper.other import find_mapping
from qdsl.mapspace import explain_infeasible
from qdsl.model.mapper import GeneticMapper, RandomMapper
from qdsl.study.saved import Asked

# (seconds, mappings looked at, value)
History = tuple[tuple[float, int, float], ...]


@dataclass(frozen=True, slots=True)
class MapperRun:
    """One search. history: the value of each mapping that was the best so far, and at the end; empty if none was found."""

    mapper: str
    seed: int
    history: History

    @property
    def value(self) -> float | None:
        return self.history[-1][2] if self.history else None


@dataclass(frozen=True, slots=True)
class LayerBench:
    """status, value, seconds: of the exact mapper. runs: of the others, in the order of mappers and seeds."""

    label: str
    accelerator: str
    bits: tuple[tuple[str, int], ...]
    status: str
    value: float
    seconds: float
    runs: tuple[MapperRun, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """time_limit_s: of each search. layers: at least one."""

    objective: str
    unit: str
    time_limit_s: float
    seeds: int
    layers: tuple[LayerBench, ...]

    @property
    def mappers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(run.mapper for layer in self.layers for run in layer.runs))

    @property
    def optimum(self) -> float:
        return sum(layer.value for layer in self.layers)

    def summed(self, mapper: str, seed: int) -> tuple[tuple[float, float], ...]:
        """(seconds per layer, sum of the values over all layers) whenever it gets better; from when on all layers have one."""
        runs = [run for layer in self.layers for run in layer.runs if (run.mapper, run.seed) == (mapper, seed)]
        if not all(run.history for run in runs):
            return ()
        times = sorted({seconds for run in runs for seconds, _, _ in run.history})
        sums = [(t, [value_after(run.history, t) for run in runs]) for t in times]
        return tuple((t, sum(v for v in values if v is not None)) for t, values in sums if None not in values)


def value_after(history: History, seconds: float) -> float | None:
    """The best value after so many seconds, None if there was none."""
    known = [value for at, _, value in history if at <= seconds]
    return known[-1] if known else None


def bench_mappers(
    questions: Sequence[tuple[str, Asked, Mapping[str, int]]],
    objective: Objective,
    seeds: int,
    time_limit_s: float,
    told: Callable[[str], None],
) -> Bench:
    """Runs every mapper on every question (label, what is asked, widths), one after the other. told: gets a line for each.

    Raises SpecError for a layer without a mapping, and for a constraint that a mapper cannot keep.
    """
    _warm_up(questions[0])
    layers: list[LayerBench] = []
    total = len(questions) * (1 + 2 * seeds)
    for label, asked, bits in questions:
        problem = asked.accelerator, asked.problem, bits, asked.constraints
        exact = best_mapping(*problem, objective=objective)
        if exact.value is None:
            raise SpecError([explain_infeasible(asked.accelerator, asked.problem, label, bits, asked.constraints)])
        done = 1 + len(layers) * (1 + 2 * seeds)
        told(
            f"{done}/{total} {label} exact: {exact.value:.4g} {objective.unit}, {exact.status} in {exact.seconds:.2f} s"
        )
        runs: list[MapperRun] = []
        for mapper in _mappers(seeds, time_limit_s):
            answer = find_mapping(mapper, *problem, objective=objective)
            runs.append(MapperRun(mapper.name, mapper.seed, answer.history))
            above = "no mapping" if answer.value is None else f"{answer.value / exact.value:.4f} times the optimum"
            told(f"{done + len(runs)}/{total} {label} {mapper.name}, seed {mapper.seed}: {above}")
        layers.append(
            LayerBench(
                label,
                asked.accelerator.name,
                tuple(bits.items()),
                exact.status,
                exact.value,
                exact.seconds,
                tuple(runs),
            )
        )
    return Bench(str(objective), objective.unit, time_limit_s, seeds, tuple(layers))


def _warm_up(question: tuple[str, Asked, Mapping[str, int]]) -> None:
    """Loads the libraries, which is no part of a search."""
    _, asked, bits = question
    problem = asked.accelerator, asked.problem, bits, asked.constraints
    best_mapping(*problem)
    find_mapping(GeneticMapper(population=4, generations=1), *problem)


def _mappers(seeds: int, time_limit_s: float) -> Iterator[RandomMapper | GeneticMapper]:
    """Searches that only their time ends."""
    for seed in range(1, seeds + 1):
        yield RandomMapper(victory=0, seed=seed, time_limit_s=time_limit_s)
    for seed in range(1, seeds + 1):
        yield GeneticMapper(generations=10**6, seed=seed, time_limit_s=time_limit_s)


def summary_rows(bench: Bench) -> list[tuple[str, float, dict[str, tuple[float, float, float] | None]]]:
    """Per layer, and at last summed: label, the exact mapper's seconds, and per mapper the best, median and worst ratio to
    the optimum at the end; None if a search found nothing."""
    rows: list[tuple[str, float, dict[str, tuple[float, float, float] | None]]] = []
    for layer in bench.layers:
        found = {m: [run.value for run in layer.runs if run.mapper == m] for m in bench.mappers}
        rows.append((layer.label, layer.seconds, {m: _spread(v, layer.value) for m, v in found.items()}))
    if len(bench.layers) > 1:
        seeds = range(1, bench.seeds + 1)
        ends = {m: [(bench.summed(m, s) or ((0.0, None),))[-1][1] for s in seeds] for m in bench.mappers}
        seconds = sum(layer.seconds for layer in bench.layers)
        rows.append(("all layers", seconds, {m: _spread(v, bench.optimum) for m, v in ends.items()}))
    return rows


def _spread(values: Sequence[float | None], optimum: float) -> tuple[float, float, float] | None:
    ratios = [v / optimum for v in values if v is not None]
    return (min(ratios), median(ratios), max(ratios)) if len(ratios) == len(values) else None


def csv_of(bench: Bench) -> str:
    """Every step of every search."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("layer", "mapper", "seed", "seconds", "mappings", bench.objective, "times_optimum"))
    for layer in bench.layers:
        writer.writerow((layer.label, "exact", "", layer.seconds, "", layer.value, 1.0))
        for run in layer.runs:
            for seconds, looked_at, value in run.history:
                writer.writerow((layer.label, run.mapper, run.seed, seconds, looked_at, value, value / layer.value))
    return out.getvalue()
