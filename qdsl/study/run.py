"""A study from the checked model to the numbers of the report."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.model.study import NOT_ADDITIVE, Model, Study
from qdsl.study.details import detail_points
from qdsl.study.legal import count_legal
from qdsl.study.measuring import Errors
from qdsl.study.objectives import Designs, Evaluator, Values
from qdsl.study.progress import Progress, Silent
from qdsl.study.progress_file import PROGRESS_FILE, recorded
from qdsl.study.provenance import provenance
from qdsl.study.result import (
    AccuracyFacts,
    Counts,
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
from qdsl.study.tables import Tables, build_tables, layer_bits
from qdsl.study.trainers import Trainers

STORE_FILE = "store.sqlite"
FRONT_FILE = "front.csv"
REPORTED = 400
"""Designs of an exact front that a report shows at most; a front has many thousands."""

CHOSEN_RULE = (
    "the design nearest to the ideal corner: every objective is scaled to 0 at the best and 1 at the worst value on "
    "the front, and the smallest Euclidean distance to 0 wins; ties go to the lower energy"
)


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
    legal mapping and for an unusable store, and where errors are measured what that raises. cluster: solves the layers;
    errors are measured here, in as many processes. device: of torch, which measures them.
    """
    progress = progress or Silent()
    timings: dict[str, float] = {}
    progress.study_started(study.name)
    with Store(out_dir / STORE_FILE) as store, recorded(progress, out_dir / PROGRESS_FILE, store.locks):
        with _timed("tables", timings):
            tables = build_tables(study, store, progress, workers, cluster)
        with _timed("search", timings), Trainers(workers) as trainers:
            errors = Errors(study, store, trainers, out_dir, progress, device) if study.accuracy else None
            outcome = _search(study, tables, progress, out_dir / FRONT_FILE, errors)
        with _timed("mappings", timings):
            details, detailed = _details(study, tables, outcome.points, store, progress)
        with _timed("counts", timings):
            legal, counted = _legal(study, store, outcome.complete and detailed)
        run = StudyRun(
            study=study,
            front=outcome.front,
            chosen=outcome.chosen,
            chosen_rule=CHOSEN_RULE,
            baseline=outcome.baseline,
            references=outcome.references,
            details=details,
            dead=tables.dead,
            history=outcome.history,
            explored=outcome.explored,
            counts=outcome.counts,
            legal=legal,
            timings=tuple(timings.items()),
            provenance=provenance(study, model, command),
            exact=outcome.exact,
            accuracy=outcome.accuracy,
            complete=outcome.complete and detailed and counted,
        )
        save_run(run, out_dir / RUN_FILE)
        progress.ended("complete" if run.complete else "interrupted")
    return run


@dataclass(frozen=True)
class _Outcome:
    """What the search gives: the points to report and how it went."""

    front: tuple[DesignPoint, ...]
    chosen: int
    baseline: DesignPoint | None
    references: tuple[DesignPoint, ...]
    history: tuple[Generation, ...]
    explored: tuple[tuple[float, ...], ...]
    counts: Counts
    complete: bool
    exact: ExactFacts | None
    accuracy: AccuracyFacts | None

    @property
    def points(self) -> list[tuple[str, DesignPoint]]:
        """(role, design) of the designs to detail, the chosen one first."""
        points = [("chosen", self.front[self.chosen])]
        for objective in ("energy", "weight_memory"):
            points.append((f"least {objective}", min(self.front, key=lambda p: (p.objectives[objective], p.energy_pj))))
        return points + ([("baseline", self.baseline)] if self.baseline else [])


@dataclass(frozen=True)
class _Found:
    """The front of a search by ascending energy, the index of the chosen design, how many were looked at, and how it went."""

    designs: Designs
    chosen: int
    evaluated: int
    exact: ExactFacts | None
    history: tuple[Generation, ...] = ()
    explored: tuple[tuple[float, ...], ...] = ()
    complete: bool = True


def _search(study: Study, tables: Tables, progress: Progress, front_file: Path, errors: Errors | None) -> _Outcome:
    from qdsl.study.nsga2 import uniform_designs

    evaluator = Evaluator(study, tables.layers, errors)
    exact = study.search.method == "exact"
    found = _exact(evaluator, progress, front_file) if exact else _nsga2(evaluator, progress)
    uniform = uniform_designs(evaluator)
    references = tuple(_points(study, tables, evaluator, uniform, label=True))
    widest = evaluator.choice(uniform[-1])
    return _Outcome(
        front=tuple(_points(study, tables, evaluator, found.designs)),
        chosen=found.chosen,
        baseline=next((p for p in references if p.choice == widest), None),
        references=references,
        history=found.history,
        explored=found.explored,
        counts=_counts(study, tables, evaluator, found.evaluated),
        complete=found.complete,
        exact=found.exact,
        accuracy=errors.facts() if errors else None,
    )


def _exact(evaluator: Evaluator, progress: Progress, front_file: Path) -> _Found:
    """At most REPORTED designs of the front, the chosen one and the best in each objective among them; all in a file."""
    from qdsl.study.exact import spread
    from qdsl.study.exact.of_study import sum_of
    from qdsl.study.exact_search import exact_designs, write_front

    found = exact_designs(evaluator, sum_of(evaluator), progress)
    if not len(found.designs):
        raise _no_legal_design(evaluator.designs, found.values, evaluator.study)
    progress.exact_known(found.facts)
    write_front(evaluator, found, front_file)
    order = _by_energy(evaluator, found.designs)
    values = found.values[order]
    low, high = values.min(axis=0), values.max(axis=0)
    scaled = (values - low) / np.where(high > low, high - low, 1.0)
    chosen = chosen_index(values)
    reported = spread(scaled, REPORTED, [chosen])
    return _Found(found.designs[order][reported], reported.tolist().index(chosen), evaluator.designs, found.facts)


def _nsga2(evaluator: Evaluator, progress: Progress) -> _Found:
    from qdsl.study.archive import Archive
    from qdsl.study.exact.of_study import sum_of
    from qdsl.study.exact_search import reference
    from qdsl.study.nsga2 import search

    archive = Archive(evaluator)
    history: list[Generation] = []
    complete = True
    facts = None
    try:
        additive = set(NOT_ADDITIVE).isdisjoint(evaluator.additive.study.objectives)
        x = sum_of(evaluator.additive) if additive else None
        if x is not None and evaluator.errors is None and (facts := reference(evaluator, x, progress)):
            progress.exact_known(facts)
        for generation in search(evaluator, archive, x):
            history.append(generation)
            progress.generation_done(generation, evaluator.study.search.generations)
    except KeyboardInterrupt:
        if not archive.evaluated:
            raise
        complete = False
    if not len(archive.designs):
        raise _no_legal_design(archive.evaluated, archive.explored, evaluator.study)
    order = _by_energy(evaluator, archive.designs)
    explored = tuple(tuple(float(x) for x in row) for row in archive.explored)
    chosen = chosen_index(archive.values[order])
    return _Found(archive.designs[order], chosen, archive.evaluated, facts, tuple(history), explored, complete)


def _by_energy(evaluator: Evaluator, designs: Designs) -> npt.NDArray[np.intp]:
    """Indices by ascending energy."""
    return np.argsort(evaluator.values(designs, ("energy",))[:, 0], kind="stable")


def _details(
    study: Study, tables: Tables, points: Sequence[tuple[str, DesignPoint]], store: Store, progress: Progress
) -> tuple[tuple[PointDetail, ...], bool]:
    """The designs with their mappings, and whether these are all: an interrupt leaves the chosen one at least."""
    found: list[PointDetail] = []
    try:
        found.extend(detail_points(study, tables, points, store, progress))
    except KeyboardInterrupt:
        return tuple(found) or tuple(detail_points(study, tables, points[:1], store, progress)), False
    return tuple(found), True


def _legal(study: Study, store: Store, go_on: bool) -> tuple[LegalCounts, bool]:
    """The numbers of mappings, and whether nothing interrupted them. go_on: False takes only what the store knows."""
    try:
        if go_on:
            return count_legal(study, store), True
    except KeyboardInterrupt:
        pass
    return count_legal(study, store, limit_s=0), False


def chosen_index(values: npt.NDArray[np.float64]) -> int:
    """Index of the design that CHOSEN_RULE picks. values: float64[designs, objectives], sorted by energy."""
    low, high = values.min(axis=0), values.max(axis=0)
    scaled = (values - low) / np.where(high > low, high - low, 1.0)
    return int(np.argmin((scaled**2).sum(axis=1)))


def _points(
    study: Study, tables: Tables, evaluator: Evaluator, designs: Designs, label: bool = False
) -> Iterator[DesignPoint]:
    """The legal ones of the designs, with their layers."""
    for design, values in zip(designs, evaluator.values(designs, evaluator.known), strict=True):
        if not np.isfinite(values).all():
            continue
        choice = evaluator.choice(design)
        bits = layer_bits(study, choice)
        layers = []
        for layer in study.network.layers:
            optimum = tables.optimum(layer.problem, bits[layer.name])
            layers.append(
                LayerResult(
                    layer.name, layer.problem.operator.name, bits[layer.name], optimum.energy_pj, optimum.status
                )
            )
        objectives = dict(zip(evaluator.known, map(float, values), strict=True))
        test_error = evaluator.errors.test_error(choice) if evaluator.errors else None
        yield DesignPoint(_label(study, choice) if label else "", choice, objectives, tuple(layers), test_error)


def _label(study: Study, choice: tuple[int, ...]) -> str:
    """'8/8' (weights/activations) where all widths of a role are equal, '4..8/8' where they are not."""
    parts = []
    for role in ("weights", "activations"):
        widths = {w for w, v in zip(choice, study.precision.variables, strict=True) if v.role == role}
        parts.append(f"{min(widths)}..{max(widths)}" if len(widths) > 1 else "".join(map(str, widths)) or "-")
    return "/".join(parts)


def _counts(study: Study, tables: Tables, evaluator: Evaluator, evaluated: int) -> Counts:
    return Counts(
        layers=len(study.network.layers),
        distinct_problems=len(study.network.distinct_problems),
        assignments=len(tables.keys),
        classes=len(tables.optima),
        solved=tables.solved,
        from_store=tables.from_store,
        designs=evaluator.designs,
        evaluated=evaluated,
    )


def _no_legal_design(evaluated: int, legal: Values, study: Study) -> SpecError:
    """legal: values of those that have a mapping, so that their errors are above the limit."""
    if len(legal):
        text = f"none of the {evaluated} designs looked at has an error of at most {study.largest_error:g} %"
        errors = legal[:, study.objectives.index("error")] if "error" in study.objectives else ()
        notes = (f"the least error of one with a mapping is {min(errors):.2f} %",) if len(errors) else ()
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
