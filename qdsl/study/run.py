"""A study from the checked model to the numbers of the report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.diagnostics.extras import require
from qdsl.model.study import Model, Study
from qdsl.study.chosen import CHOSEN_RULE, chosen_index
from qdsl.study.details import detail_points
from qdsl.study.exact_search import FRONT_FILE
from qdsl.study.funnel import Funnel, Searched, merged_front, run_funnel
from qdsl.study.hardware import configuration_results
from qdsl.study.legal import count_legal
from qdsl.study.measuring import Errors
from qdsl.study.objectives import Designs, Values
from qdsl.study.progress import Progress, Silent
from qdsl.study.progress_file import PROGRESS_FILE, recorded
from qdsl.study.provenance import provenance
from qdsl.study.result import (
    ConfigurationResult,
    Counts,
    DeadOption,
    DesignPoint,
    ExactFacts,
    Generation,
    LayerResult,
    LegalCounts,
    PointDetail,
    StudyRun,
)
from qdsl.study.runfile import RUN_FILE, save_run
from qdsl.study.store import Store
from qdsl.study.tables import layer_bits, width_rows
from qdsl.study.trainers import Trainers

STORE_FILE = "store.sqlite"


def run_study(
    study: Study,
    model: Model,
    out_dir: Path,
    progress: Progress | None = None,
    workers: int | None = None,
    command: str = "",
    cluster: str | None = None,
    device: str = "cpu",
) -> StudyRun:
    """Solves the layers, searches the bit-widths, recovers and counts the mappings; leaves `run.json`, `store.sqlite` and
    `progress.json` in `out_dir`.

    Ctrl-C while layers are solved raises KeyboardInterrupt, what is solved stays in the store. Later it ends the phase at
    work and what need not follow: the result then has `complete` False. Raises SpecError for layers or networks without a
    legal mapping and for an unusable store, and what `Errors` raises. cluster: solves the layers; errors are measured here, in
    as many processes. device: of torch, which measures them.
    """
    if study.accuracy:
        require("torch", "accuracy", "measuring accuracy")
    progress = progress or Silent()
    timings: dict[str, float] = {}
    progress.study_started(study.name)
    with Store(out_dir / STORE_FILE) as store, recorded(progress, out_dir / PROGRESS_FILE, store.locks):
        with Trainers(workers) as trainers:
            errors = Errors(study, store, trainers, out_dir, progress, device) if study.accuracy else None
            funnel = run_funnel(study, store, progress, out_dir / FRONT_FILE, workers, cluster, errors)
        timings.update(funnel.timings)
        outcome = _outcome(study, funnel)
        with _timed("mappings", timings):
            details, detailed = _details(funnel, outcome.points, store, progress)
        with _timed("counts", timings):
            legal, counted = _legal(outcome.study, store, funnel.complete and detailed)
        run = StudyRun(
            study=outcome.study,
            front=outcome.front,
            chosen=outcome.chosen,
            chosen_rule=CHOSEN_RULE,
            baseline=outcome.baseline,
            references=outcome.references,
            details=details,
            dead=outcome.dead,
            history=outcome.history,
            explored=outcome.explored,
            counts=outcome.counts,
            legal=legal,
            timings=tuple(timings.items()),
            provenance=provenance(outcome.study, model, command),
            complete=funnel.complete and detailed and counted,
            configurations=outcome.configurations,
            levels=funnel.levels,
            exact=outcome.exact,
            accuracy=errors.facts() if errors else None,
        )
        save_run(run, out_dir / RUN_FILE)
        progress.ended("complete" if run.complete else "interrupted")
    return run


@dataclass(frozen=True)
class _Outcome:
    """What the search gives: the points to report and how it went. See StudyRun."""

    study: Study
    front: tuple[DesignPoint, ...]
    chosen: int
    baseline: DesignPoint | None
    references: tuple[DesignPoint, ...]
    dead: tuple[DeadOption, ...]
    history: tuple[Generation, ...]
    explored: tuple[tuple[float, ...], ...]
    counts: Counts
    configurations: tuple[ConfigurationResult, ...]
    exact: ExactFacts | None

    @property
    def points(self) -> list[tuple[str, DesignPoint]]:
        """(role, design) of the designs to detail, the chosen one first."""
        points = [("chosen", self.front[self.chosen])]
        for objective in ("energy", "weight_memory"):
            points.append((f"least {objective}", min(self.front, key=lambda p: (p.objectives[objective], p.energy_pj))))
        return points + ([("baseline", self.baseline)] if self.baseline else [])


def _outcome(study: Study, funnel: Funnel) -> _Outcome:
    from qdsl.study.nsga2 import uniform_designs

    searched = funnel.searched
    if not any(len(s.archive.designs) for s in searched):
        raise _no_legal_design(study, searched)
    found = [(p, v) for s, designs in merged_front(searched) for p, v in _designs(s, designs)]
    found.sort(key=lambda pair: pair[0].energy_pj)
    front = tuple(point for point, _ in found)
    chosen = _chosen(searched, front, np.array([values for _, values in found]))
    best = next(s for s in searched if s.index == front[chosen].hardware)
    uniform = uniform_designs(best.evaluator)
    references = tuple(point for point, _ in _designs(best, uniform, label=True))
    widest = best.evaluator.choice(uniform[-1])
    return _Outcome(
        study=study.at(best.index),
        front=front,
        chosen=chosen,
        baseline=next((p for p in references if p.choice == widest), None),
        references=references,
        dead=best.tables.dead,
        history=tuple(best.history),
        explored=tuple(tuple(float(x) for x in row) for s in searched for row in s.explored),
        counts=_counts(study, searched),
        configurations=configuration_results(study, searched, front),
        exact=best.exact,
    )


def _chosen(searched: Sequence[Searched], front: Sequence[DesignPoint], values: Values) -> int:
    """The index in the front; of an exact one, which may show a part of its designs, it is known already."""
    known = next(((s.index, s.chosen) for s in searched if s.chosen is not None), None)
    return chosen_index(values) if known is None else [(p.hardware, p.choice) for p in front].index(known)


def _details(
    funnel: Funnel, points: Sequence[tuple[str, DesignPoint]], store: Store, progress: Progress
) -> tuple[tuple[PointDetail, ...], bool]:
    """The designs with the mappings on their configurations, the chosen one first; and whether these are all: an interrupt
    leaves the chosen one at least."""
    at = {s.index: s for s in funnel.searched}
    found: list[PointDetail] = []
    try:
        for index in dict.fromkeys(point.hardware for _, point in points):
            own = [(role, p) for role, p in points if p.hardware == index]
            found.extend(detail_points(at[index].study, at[index].tables, own, store, progress))
    except KeyboardInterrupt:
        chosen = at[points[0][1].hardware]
        return tuple(found) or tuple(detail_points(chosen.study, chosen.tables, points[:1], store, progress)), False
    return tuple(found), True


def _legal(study: Study, store: Store, go_on: bool) -> tuple[LegalCounts, bool]:
    """The numbers of mappings, and whether nothing interrupted them. go_on: False takes only what the store knows."""
    try:
        if go_on:
            return count_legal(study, store), True
    except KeyboardInterrupt:
        pass
    return count_legal(study, store, limit_s=0), False


def _designs(one: Searched, designs: Designs, label: bool = False) -> Iterator[tuple[DesignPoint, list[float]]]:
    """The legal ones of the designs with their layers; and the values of the study's objectives."""
    study, evaluator, tables = one.study, one.evaluator, one.tables
    names = evaluator.known
    for design, values in zip(designs, evaluator.values(designs, names), strict=True):
        if not np.isfinite(values).all():
            continue
        choice = evaluator.choice(design)
        bits = layer_bits(study, choice)
        layers = []
        for layer in study.network.layers:
            optimum = tables.optimum(layer.problem, bits[layer.name])
            bits_here, energy_pj = bits[layer.name], layer.weight * optimum.energy_pj
            layers.append(LayerResult(layer.name, layer.problem.operator.name, bits_here, energy_pj, optimum.status))
        objectives = dict(zip(names, map(float, values), strict=True))
        test_error = evaluator.errors.test_error(choice) if evaluator.errors and evaluator.measures else None
        name = _label(study, choice) if label else ""
        point = DesignPoint(name, choice, objectives, tuple(layers), one.index, test_error)
        yield point, [objectives[name] for name in study.objectives]


def _label(study: Study, choice: tuple[int, ...]) -> str:
    """'8/8' (weights/activations) where all widths of a role are equal, '4..8/8' where they are not."""
    parts = []
    for role in ("weights", "activations"):
        widths = {w for w, v in zip(choice, study.precision.variables, strict=True) if v.role == role}
        parts.append(f"{min(widths)}..{max(widths)}" if len(widths) > 1 else "".join(map(str, widths)) or "-")
    return "/".join(parts)


def _counts(study: Study, searched: Sequence[Searched]) -> Counts:
    configurations = max(1, len(study.hardware))
    rows = {(layer.problem, row.bits) for layer in study.network.layers for row in width_rows(study, layer)}
    return Counts(
        layers=len(study.network.layers),
        distinct_problems=len(study.network.distinct_problems),
        assignments=sum(len(s.tables.keys) for s in searched),
        classes=len({key for s in searched for key in s.tables.optima}),
        solved=sum(s.tables.solved for s in searched),
        from_store=sum(s.tables.from_store for s in searched),
        designs=configurations * searched[0].evaluator.designs,
        evaluated=sum(s.evaluated for s in searched),
        possible=configurations * len(rows),
    )


def _no_legal_design(study: Study, searched: Sequence[Searched]) -> SpecError:
    evaluated = sum(s.evaluated for s in searched)
    errors = [
        float(s.evaluator.measured(s.archive.legal_designs).min()) for s in searched if len(s.archive.legal_designs)
    ]
    if study.largest_error is not None and errors:
        text = f"none of the {evaluated} designs looked at has an error of at most {study.largest_error:g} %"
        notes = (f"the least error is {min(errors):.2f} %",)
        helps = ("allow a larger error or wider widths, or train longer",)
        return SpecError([Diagnostic("Q0904", text, study.span, notes=notes, helps=helps)])
    return SpecError(
        [
            Diagnostic(
                "Q0904",
                f"none of the {evaluated} designs looked at has a legal mapping for every layer",
                None,
                notes=("every layer has one at some of its bit-widths, but the layers share widths",),
                helps=("allow narrower widths in `precision`, or loosen the constraints that depend on `bits`",),
            )
        ]
    )


@contextmanager
def _timed(phase: str, timings: dict[str, float]) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        timings[phase] = time.perf_counter() - start
