"""The exact search of a study, and what an inexact one is held against."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.study.archive import hypervolume
from qdsl.study.chosen import chosen_index, scaled
from qdsl.study.exact import ExactFront, Sum, TooManyPoints, exact_front, spread
from qdsl.study.exact.dominance import non_dominated
from qdsl.study.files import write_at_once
from qdsl.study.objectives import Designs, Evaluator, Values
from qdsl.study.progress import Progress
from qdsl.study.result import ExactFacts

FRONT_FILE = "front.csv"
REPORTED = 400
"""Designs of an exact front that a report shows at most; a front has many thousands."""
REFERENCE_EPSILON = 0.2
"""How far the front that an inexact search is held against may be thinned out, if it is large ..."""
REFERENCE_POINTS = (20_000, 2_000)
"""... which partial sums of up to two objectives, or of more, are from here on."""
REFERENCE_MOST = 30_000
"""Partial sums with which it is given up: it would take longer than the search."""


@dataclass(frozen=True)
class ExactDesigns:
    """The designs of an exact front with their values, and what is said about it."""

    designs: Designs
    values: Values
    facts: ExactFacts


def exact_designs(evaluator: Evaluator, x: Sum, progress: Progress) -> ExactDesigns:
    """The front that the study asks for. Raises SpecError (Q0921) if it is too large."""
    epsilon = evaluator.study.search.epsilon
    try:
        return _found(evaluator, exact_front(x, epsilon, done=progress.step_done))
    except TooManyPoints as stop:
        larger = f"{max(5.0, 200 * epsilon):.3g} %"
        raise SpecError(
            [
                Diagnostic(
                    "Q0921",
                    f"the exact search has {stop.points:,} partial sums that none beats after layer `{stop.label}`, more than "
                    "it can go on with",
                    evaluator.study.span,
                    notes=(
                        "with epsilon, for every design one is found that is at most so much larger in each objective",
                    ),
                    helps=(f"`search exact(epsilon = {larger})`, or fewer objectives or widths",),
                )
            ]
        ) from None


def reported(evaluator: Evaluator, found: ExactDesigns) -> tuple[ExactDesigns, tuple[int, ...]]:
    """At most REPORTED of the designs, the chosen one and the best in each objective among them; and the choice of the chosen
    one, which is that of the whole front."""
    order = np.argsort(evaluator.values(found.designs, ("energy",))[:, 0], kind="stable")
    designs, values = found.designs[order], found.values[order]
    chosen = chosen_index(values)
    kept = spread(scaled(values), REPORTED, [chosen])
    return ExactDesigns(designs[kept], values[kept], found.facts), evaluator.choice(designs[chosen])


def reference(evaluator: Evaluator, x: Sum, progress: Progress) -> ExactFacts | None:
    """What an inexact search is held against; None if even a thinned front is too large, or there is no legal design."""
    few = REFERENCE_POINTS[len(x.peak) > 2]
    try:
        found = _found(evaluator, exact_front(x, REFERENCE_EPSILON, few, REFERENCE_MOST, progress.step_done))
    except TooManyPoints:
        return None
    return found.facts if len(found.designs) else None


def _found(evaluator: Evaluator, front: ExactFront) -> ExactDesigns:
    values = evaluator.values(front.designs)
    kept = non_dominated(values)  # totals that are equal but for rounding may differ in the last digit
    designs, values = front.designs[kept], values[kept]
    low = hypervolume(evaluator, values)
    high = hypervolume(evaluator, evaluator.divided(values, 1 + front.epsilon)) if front.epsilon else low
    return ExactDesigns(designs, values, ExactFacts(len(designs), front.epsilon, front.candidates, (low, high)))


def write_front(evaluator: Evaluator, found: ExactDesigns, path: Path) -> None:
    """All designs: the values of the study's objectives, then the width of every variable. Raises SpecError (Q0905)."""
    study = evaluator.study
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*study.objectives, *(v.name for v in study.precision.variables)])
    for values, widths in zip(found.values.tolist(), evaluator.widths(found.designs).tolist(), strict=True):
        writer.writerow([*values, *widths])
    write_at_once(path, text.getvalue())
