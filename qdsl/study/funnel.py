"""The search over configurations and abstraction levels: each level looks at what the one before it left.

At a level every configuration that is left is searched by itself. The designs that no other of any configuration dominates
there, thinned out to the size of the population, are all that the next level looks at, together with what it makes of them.
Configurations that a level cannot tell apart stay together. The coarse level does not see the hardware: it is searched once.
The fine level always comes last: where a study does not name it, the designs of the last level are mapped and not searched on.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from qdsl.diagnostics import SpecError
from qdsl.model.study import NOT_ADDITIVE, Study
from qdsl.study.archive import Archive
from qdsl.study.exact import Sum
from qdsl.study.exact_search import reference, search_exact
from qdsl.study.levels import estimated_tables
from qdsl.study.measuring import Errors
from qdsl.study.objectives import Designs, Evaluator, Values
from qdsl.study.progress import Progress
from qdsl.study.result import ExactFacts, Generation, LevelResult
from qdsl.study.store import Store
from qdsl.study.tables import LayerTable, Tables, Wanted, build_all

Seeds = Mapping[int, Designs]  # configuration -> the designs handed on, none if it is not among them


@dataclass
class Searched:
    """One configuration at the last level. index: in `study.hardware`, 0 if no parameter is searched. exact: see StudyRun.

    own, chosen: of an exact search, whose archive has a part of the common front alone: the configuration's own front, and
    the choice that it recommends, if that is here.
    """

    index: int
    study: Study
    tables: Tables
    archive: Archive
    evaluator: Evaluator
    history: list[Generation] = field(default_factory=list)
    exact: ExactFacts | None = None
    own: Designs | None = None
    chosen: tuple[int, ...] | None = None

    @property
    def evaluated(self) -> int:
        """Designs looked at; by the exact search all."""
        return self.evaluator.designs if self._is_exact else self.archive.evaluated

    @property
    def explored(self) -> Values:
        """float64[designs, objectives]: of the designs looked at one by one."""
        return self.archive.explored[:0] if self._is_exact else self.archive.explored

    @property
    def _is_exact(self) -> bool:
        return self.study.search.method == "exact"


@dataclass(frozen=True)
class Funnel:
    """searched: the configurations left at the fine level, in order; timings: seconds by phase."""

    searched: tuple[Searched, ...]
    levels: tuple[LevelResult, ...]
    timings: Mapping[str, float]
    complete: bool


def run_funnel(
    study: Study,
    store: Store,
    progress: Progress,
    front_file: Path,
    workers: int | None,
    cluster: str | None = None,
    errors: Errors | None = None,
) -> Funnel:
    """Searches level after level. Ctrl-C during a rough level, while layers are solved, or before any design is found raises
    KeyboardInterrupt; during the last search it ends the search. front_file: takes the whole front of an exact search. errors:
    of the designs, for a study that measures them. Raises SpecError like `build_all`, `exact_designs` and `Errors`."""
    results: list[LevelResult] = []
    seeds: Seeds | None = None
    timings: dict[str, float] = {}
    for level in study.levels:
        if level != "fine":
            start = time.perf_counter()
            result, seeds = _rough(study, level, seeds)
            results.append(result)
            timings[level] = time.perf_counter() - start
    start = time.perf_counter()
    searched = _tabulated(study, seeds, store, progress, workers, cluster, errors)
    tabulated = time.perf_counter()
    complete = True
    if study.search.method == "exact":
        search_exact(searched, progress, front_file)
    for one in searched if study.search.method != "exact" else ():
        given = None if seeds is None else seeds[one.index]
        try:
            _search(one, given, "fine" in study.levels, progress)
        except KeyboardInterrupt:
            if not any(len(s.archive.designs) for s in searched):
                raise
            complete = False
            break
    end = time.perf_counter()
    exact = next((s.exact for s in searched if s.exact), None) if study.search.method == "exact" else None
    front = exact.points if exact else sum(map(len, _fronts([(s.index, s.archive) for s in searched]).values()))
    looked_at = sum(s.evaluated for s in searched)
    results = [replace(r, agreement=_agreement(r.level, searched)) for r in results]
    results.append(LevelResult("fine", len(searched), looked_at, front, 0, None))
    timings |= {"tables": tabulated - start, "search": end - tabulated}
    return Funnel(tuple(searched), tuple(results), timings, complete)


def merged_front(searched: Sequence[Searched]) -> Iterator[tuple[Searched, Designs]]:
    """Of each configuration its designs that no design of any configuration dominates."""
    kept = _fronts([(s.index, s.archive) for s in searched])
    for one in searched:
        yield one, one.archive.designs[kept[one.index]]


def _rough(study: Study, level: str, seeds: Seeds | None) -> tuple[LevelResult, Seeds]:
    every = range(max(1, len(study.hardware)))
    sighted = [0] if level == "coarse" else [i for i in every if seeds is None or i in seeds]
    found: list[tuple[int, Archive]] = []
    for index in sighted:
        evaluator = Evaluator(study.at(index), estimated_tables(study.at(index), level))
        archive = Archive(evaluator)
        _drain(evaluator, archive, None if seeds is None else seeds[index])
        found.append((index, archive))
    front = _front_values(found)
    spans = Evaluator(study.at(sighted[0]), estimated_tables(study.at(sighted[0]), level)).spans
    chosen = _with_values(found, _thinned(front, study.search.population, spans))
    if level == "coarse":
        handed = dict.fromkeys(every, chosen[0])
    else:
        handed = {i: designs for i, designs in chosen.items() if len(designs)}
    result = LevelResult(
        level,
        len(sighted),
        sum(a.evaluated for _, a in found),
        sum(map(len, _with_values(found, front).values())),
        sum(map(len, chosen.values())),
        None,
    )
    return result, handed


def _drain(evaluator: Evaluator, archive: Archive, seeds: Designs | None) -> list[Generation]:
    from qdsl.study.nsga2 import search

    return list(search(evaluator, archive, seeds=seeds))


def _tabulated(
    study: Study,
    seeds: Seeds | None,
    store: Store,
    progress: Progress,
    workers: int | None,
    cluster: str | None,
    errors: Errors | None,
) -> list[Searched]:
    """The fine tables of every configuration that is left and can serve all layers: of all widths, or of those handed on and
    the widest."""
    left = range(max(1, len(study.hardware))) if seeds is None else sorted(seeds)
    wanted = []
    for index in left:
        at = study.at(index)
        widths = None
        if seeds is not None:
            evaluator = Evaluator(at, ())
            widths = [evaluator.choice(d) for d in (*seeds[index], evaluator.option_counts - 1)]
        wanted.append(Wanted(at, widths))
    searched = []
    for index, w, tables in zip(left, wanted, build_all(wanted, store, progress, workers, cluster), strict=True):
        if tables.usable:
            evaluator = Evaluator(w.study, tables.layers, errors)
            searched.append(Searched(index, w.study, tables, Archive(evaluator), evaluator))
    return searched


def _search(one: Searched, seeds: Designs | None, on: bool, progress: Progress) -> None:
    """on: whether to search on from the seeds, or only to look at them."""
    from qdsl.study.nsga2 import search

    if not on and seeds is not None:
        widest = (one.evaluator.option_counts - 1)[None]
        designs = np.unique(np.concatenate([seeds, widest]), axis=0)
        one.archive.add(designs, one.evaluator.values(designs))
        return
    # Of the tables after a rough level most are left out, so their front says little.
    x = _sum(one.evaluator.additive) if seeds is None else None
    comparable = not one.study.hardware and not one.evaluator.measures
    if x is not None and comparable and (facts := reference(one.evaluator, x, progress)):
        one.exact = facts
        progress.exact_known(facts)
    for generation in search(one.evaluator, one.archive, x, seeds):
        one.history.append(generation)
        progress.generation_done(generation, one.study.search.generations)


def _sum(evaluator: Evaluator) -> Sum | None:
    """The objectives as a sum, None if they are none or too many activations are alive together."""
    from qdsl.study.exact.of_study import sum_of

    try:
        return sum_of(evaluator) if set(NOT_ADDITIVE).isdisjoint(evaluator.study.objectives) else None
    except SpecError:
        return None


def _fronts(found: Sequence[tuple[int, Archive]]) -> dict[int, list[int]]:
    """By configuration which of its designs no design of any configuration dominates; of equal ones the first stays."""
    left = {tuple(row) for row in _front_values(found)}
    kept: dict[int, list[int]] = {index: [] for index, _ in found}
    for index, archive in found:
        for i, row in enumerate(map(tuple, archive.values)):
            if row in left:
                left.remove(row)
                kept[index].append(i)
    return kept


def _front_values(found: Sequence[tuple[int, Archive]]) -> Values:
    """float64[designs, objectives]: each once, what is not dominated over all configurations."""
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    values: Values = np.unique(np.concatenate([archive.values for _, archive in found]), axis=0)
    if not len(values):
        return values
    front: Values = values[np.sort(NonDominatedSorting().do(values, only_non_dominated_front=True))]
    return front


def _thinned(values: Values, room: int, spans: Values) -> Values:
    """At most `room` rows, the most crowded left out."""
    from qdsl.study.seed_operators import thin_out

    return values[thin_out(values / spans, np.arange(len(values)), room)]


def _with_values(found: Sequence[tuple[int, Archive]], values: Values) -> dict[int, Designs]:
    """By configuration its designs with one of the values. A rough level may not tell configurations apart: all stay then."""
    rows = set(map(tuple, values))
    return {index: a.designs[[i for i, row in enumerate(map(tuple, a.values)) if row in rows]] for index, a in found}


def _agreement(level: str, searched: Sequence[Searched]) -> float | None:
    from scipy.stats import kendalltau

    rough: list[float] = []
    fine: list[float] = []
    for one in searched:
        tables: tuple[LayerTable, ...] = estimated_tables(one.study, level)
        designs = one.archive.legal_designs
        rough += list(Evaluator(one.study, tables).values(designs, ("energy",))[:, 0])
        fine += list(one.evaluator.values(designs, ("energy",))[:, 0])
    if len(fine) < 2:
        return None
    tau = float(kendalltau(rough, fine).statistic)
    return tau if np.isfinite(tau) else None
