"""How far the choice of hardware and bit-widths depends on one energy number of the accelerator.

The choice is the design that a report recommends of the exact front. With another number, all layers are mapped again; the
choice is kept if no design has less energy and, in every other objective, no more than it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.model.energy_numbers import EnergyNumber, energy_numbers, scaled
from qdsl.model.study import Study
from qdsl.study.chosen import chosen_index
from qdsl.study.exact.dominance import non_dominated
from qdsl.study.exact.of_study import sum_of
from qdsl.study.exact_search import exact_designs
from qdsl.study.objectives import Designs, Evaluator, Values
from qdsl.study.progress import Progress
from qdsl.study.store import Store
from qdsl.study.tables import Wanted, build_all

EQUAL = 1e-9
"""Relative difference of energies that are taken for equal."""


@dataclass(frozen=True, slots=True)
class Choice:
    """configuration: of the searched parameters as text, '' if none is searched; widths: of every variable of the study."""

    configuration: str
    widths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ChoiceDependence:
    """kept_pj: energy of the choice with its number times the factor, each layer with the best mapping there. best, least_pj:
    the design of least energy that is no worse in any other objective; the choice itself where that has no more."""

    number: EnergyNumber
    factor: float
    kept_pj: float
    best: Choice
    least_pj: float

    @property
    def extra(self) -> float:
        """What it costs to keep the choice, as a share."""
        return self.kept_pj / self.least_pj - 1 if self.least_pj else 0.0


@dataclass(frozen=True)
class ChoiceAnswer:
    choice: Choice
    energy_pj: float
    dependences: tuple[ChoiceDependence, ...]


def all_numbers(study: Study) -> tuple[EnergyNumber, ...]:
    """Of all configurations."""
    every = (energy_numbers(study.at(i).accelerator) for i in _configurations(study))
    return tuple(dict.fromkeys(n for of_one in every for n in of_one))


def choice_dependences(
    study: Study,
    store: Store,
    factors: Sequence[float],
    progress: Progress,
    workers: int | None = None,
    begins: Callable[[str], None] = lambda what: None,
) -> ChoiceAnswer:
    """The recommended design, and the best one with each energy number times each factor. begins: is told what is solved.

    Raises SpecError for a study without an exact front in which energy is an objective, and like `build_all` and
    `exact_designs`.
    """
    _refuse(study)
    begins("as they are")
    now = _Fronts.of(study, None, 1.0, store, progress, workers)
    index = now.chosen
    at, design = int(now.at[index]), now.designs[index]
    found = []
    for number in all_numbers(study):
        for factor in factors:
            begins(f"{number} x {factor:g}")
            then = _Fronts.of(study, number, factor, store, progress, workers)
            found.append(then.beside(number, factor, at, design))
    return ChoiceAnswer(now.choice(at, design), float(now.values[index, now.energy]), tuple(found))


def _refuse(study: Study) -> None:
    if study.search.method != "exact" or study.search.epsilon:
        text = "how a choice depends on energies is known where the whole front is"
        raise SpecError([Diagnostic("Q0823", text, study.span, helps=("use `search exact`",))])
    if "energy" not in study.objectives:
        text = "a study that does not minimise the energy does not choose by it"
        raise SpecError([Diagnostic("Q0823", text, study.span, helps=("add `energy` to `minimize`",))])


def _configurations(study: Study) -> range:
    return range(max(1, len(study.hardware)))


@dataclass(frozen=True)
class _Fronts:
    """evaluators: by configuration, of those that can run all layers. at: the configuration of each design; designs, values:
    of the fronts of all configurations one after the other."""

    study: Study
    evaluators: dict[int, Evaluator]
    at: npt.NDArray[np.int64]
    designs: Designs
    values: Values

    @classmethod
    def of(
        cls,
        study: Study,
        number: EnergyNumber | None,
        factor: float,
        store: Store,
        progress: Progress,
        workers: int | None,
    ) -> _Fronts:
        """With one number times a factor."""
        wanted = []
        for i in _configurations(study):
            one = study.at(i)
            machine = scaled(one.accelerator, number, factor) if number else one.accelerator
            wanted.append(Wanted(replace(one, accelerator=machine)))
        tables = build_all(wanted, store, progress, workers)
        evaluators = {
            i: Evaluator(w.study, t.layers) for i, (w, t) in enumerate(zip(wanted, tables, strict=True)) if t.usable
        }
        fronts = {i: exact_designs(e, sum_of(e), progress) for i, e in evaluators.items()}
        at = np.concatenate([np.full(len(f.designs), i) for i, f in fronts.items()])
        designs = np.concatenate([f.designs for f in fronts.values()])
        return cls(study, evaluators, at, designs, np.concatenate([f.values for f in fronts.values()]))

    @property
    def energy(self) -> int:
        """Its column."""
        return self.study.objectives.index("energy")

    @property
    def chosen(self) -> int:
        """The design that a report recommends."""
        kept = non_dominated(self.values)
        kept = kept[np.argsort(self.values[kept, self.energy], kind="stable")]
        return int(kept[chosen_index(self.values[kept])])

    def choice(self, at: int, design: npt.NDArray[np.int64]) -> Choice:
        configuration = self.study.hardware[at].text if self.study.hardware else ""
        return Choice(configuration, self.evaluators[at].choice(design))

    def beside(self, number: EnergyNumber, factor: float, at: int, design: npt.NDArray[np.int64]) -> ChoiceDependence:
        """The best design beside a given one."""
        own = self.evaluators[at].values(design[None])[0]
        bounds = np.delete(own, self.energy)
        others = np.delete(self.values, self.energy, axis=1) <= bounds + EQUAL * np.maximum(1, abs(bounds))
        energies = np.where(others.all(axis=1), self.values[:, self.energy], np.inf)
        best, kept_pj = int(np.argmin(energies)), float(own[self.energy])
        if energies[best] >= kept_pj * (1 - EQUAL):
            return ChoiceDependence(number, factor, kept_pj, self.choice(at, design), kept_pj)
        choice = self.choice(int(self.at[best]), self.designs[best])
        return ChoiceDependence(number, factor, kept_pj, choice, float(energies[best]))
