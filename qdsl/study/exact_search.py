"""The exact search of a study, and what an inexact one is held against.

With searched parameters every configuration has a front of its own; together, what none of any configuration beats is left.
Thinned-out fronts joined are one with the same guarantee.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.study.archive import hypervolume
from qdsl.study.chosen import chosen_index, scaled
from qdsl.study.exact import ExactFront, Sum, TooManyPoints, exact_front, spread
from qdsl.study.exact.dominance import non_dominated
from qdsl.study.exact.of_study import sum_of
from qdsl.study.files import write_at_once
from qdsl.study.objectives import Designs, Evaluator, Values
from qdsl.study.progress import Progress
from qdsl.study.result import ExactFacts

if TYPE_CHECKING:
    from qdsl.study.funnel import Searched

Indices = npt.NDArray[np.intp]

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


def search_exact(searched: Sequence[Searched], progress: Progress, path: Path) -> None:
    """Gives every configuration its part of what is reported of the front, and writes all of the front to a file. Raises
    SpecError like `exact_designs` and `write_front`."""
    found = []
    for one in searched:
        of_one = exact_designs(one.evaluator, sum_of(one.evaluator), progress)
        if len(of_one.designs):
            found.append((one, of_one))
            one.own = of_one.designs
    if not found:
        return
    values = np.concatenate([x.values for _, x in found])
    kept = non_dominated(values)
    at = np.repeat(np.arange(len(found)), [len(x.values) for _, x in found])[kept]
    designs, values = np.concatenate([x.designs for _, x in found])[kept], values[kept]
    facts = found[0][1].facts if len(found) == 1 else _joined(found, values)
    progress.exact_known(facts)
    write_front([one for one, _ in found], at, designs, values, path)
    energies = np.empty(len(values))
    for i, (one, _) in enumerate(found):
        energies[at == i] = one.evaluator.values(designs[at == i], ("energy",))[:, 0]
    order = np.argsort(energies, kind="stable")
    chosen = int(order[chosen_index(values[order])])
    shown = np.zeros(len(values), bool)
    shown[spread(scaled(values), REPORTED, [chosen])] = True
    for i, (one, _) in enumerate(found):
        one.exact = facts
        one.archive.add(designs[shown & (at == i)], values[shown & (at == i)])
    first = found[at[chosen]][0]
    first.chosen = first.evaluator.choice(designs[chosen])


def _joined(found: Sequence[tuple[Searched, ExactDesigns]], values: Values) -> ExactFacts:
    """Of all configurations, measured in the box of the first."""
    facts, evaluator = [x.facts for _, x in found], found[0][0].evaluator
    epsilon = max(f.epsilon for f in facts)
    low = hypervolume(evaluator, values)
    high = hypervolume(evaluator, evaluator.divided(values, 1 + epsilon)) if epsilon else low
    return ExactFacts(len(values), epsilon, sum(f.candidates for f in facts), (low, high))


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


def write_front(searched: Sequence[Searched], at: Indices, designs: Designs, values: Values, path: Path) -> None:
    """All designs: the values of the study's objectives, the values of the searched parameters, then the width of every
    variable. at: indices of the designs' configurations. Raises SpecError (Q0905)."""
    study = searched[0].study
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    configurations = [dict(study.hardware[one.index].values) if study.hardware else {} for one in searched]
    writer.writerow([*study.objectives, *configurations[0], *(v.name for v in study.precision.variables)])
    widths = searched[0].evaluator.widths(designs)
    for i, row, chosen in zip(at, values.tolist(), widths.tolist(), strict=True):
        writer.writerow([*row, *configurations[i].values(), *chosen])
    write_at_once(path, text.getvalue())
