"""Which bit-widths of a study can be chosen at all: every layer at every combination of its widths, then the network.

A width is dead if no choice of the other widths leaves every layer a legal mapping. As layers share widths, that is a
question about the whole network (`choices`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from qdsl.mapspace import Decision, decide_widths
from qdsl.model.network import Layer
from qdsl.model.operator import Problem
from qdsl.model.study import Study
from qdsl.study.choices import Choices, Option, Table
from qdsl.study.keys import applying
from qdsl.study.tables import Bits, WidthRow, cost_classes, variables_of, width_axes, width_rows
from qdsl.study.undefined import Axes, Undefined


@dataclass(frozen=True)
class LayerOptions:
    """Layers with one problem that choose among the same widths.

    layers: in network order. rows: the product of the options of all axes; decisions: one per row, its status is
    'undefined' where a formula of the accelerator has none. undefined: these rows with the finding, None without one.
    solved: how many answers took the solver; the others follow from them. seconds: for all rows.
    """

    layers: tuple[str, ...]
    problem: Problem
    axes: Axes
    rows: tuple[WidthRow, ...]
    decisions: tuple[Decision, ...]
    undefined: Undefined | None
    solved: int
    seconds: float

    def at(self, *statuses: str) -> tuple[WidthRow, ...]:
        """The rows with one of these answers."""
        return tuple(row for row, d in zip(self.rows, self.decisions, strict=True) if d.status in statuses)

    def conflicting(self, rows: Iterable[int]) -> list[int]:
        """Those of some rows, by number, at which rules conflict."""
        return [i for i in rows if self.decisions[i].status == "infeasible"]

    @property
    def excluded(self) -> tuple[WidthRow, ...]:
        """The rows that no design can have."""
        return self.at("infeasible", "undefined")


@dataclass(frozen=True, slots=True)
class DeadWidth:
    """A width that can never be chosen. variable: its index; layers: which cannot all have a mapping with it, none can be
    left out."""

    variable: int
    width: int
    layers: tuple[str, ...]


@dataclass(frozen=True)
class StudyOptions:
    """layers: the distinct ones. feasible: whether some choice of widths leaves every layer a legal mapping, None if that is
    not known. clash: layers that no choice serves together, none of which can be left out; () if there may be one, and only
    then widths are called dead. undecided: (variable, width) for which the time was up."""

    study: Study
    layers: tuple[LayerOptions, ...]
    feasible: bool | None
    clash: tuple[str, ...]
    dead: tuple[DeadWidth, ...]
    undecided: tuple[tuple[int, int], ...]
    seconds: float

    def of(self, layer: str) -> LayerOptions:
        return next(x for x in self.layers if layer in x.layers)

    def variables(self, layer: str) -> list[int]:
        """The variables that a layer depends on, in the order of its axes."""
        return _choosing(self.study, self.study.network.layer(layer))

    def rows_with(self, dead: DeadWidth, layer: str) -> list[int]:
        """The rows of a layer with a dead width, by number; the other widths are narrowest in the first."""
        axis = self.variables(layer).index(dead.variable)
        option = self.study.precision.variables[dead.variable].options.index(dead.width)
        return [i for i, row in enumerate(self.of(layer).rows) if row.options[axis] == option]


def study_options(study: Study, timeout_s: float, done: Callable[[str, int, int], None]) -> StudyOptions:
    """Decides every width that a study may choose.

    timeout_s: for each question to the solver. done(layer, n, of): called after each distinct layer.
    """
    started = time.perf_counter()
    alike: dict[tuple[Problem, tuple[WidthRow, ...]], list[Layer]] = {}
    for layer in study.network.layers:
        alike.setdefault((layer.problem, width_rows(study, layer)), []).append(layer)
    found = []
    for (_, rows), layers in alike.items():
        found.append(_layer_options(study, layers, rows, timeout_s))
        done(layers[0].name, len(found), len(alike))
    feasible, clash, dead, undecided = _in_the_network(study, found, timeout_s)
    return StudyOptions(study, tuple(found), feasible, clash, dead, undecided, time.perf_counter() - started)


def _layer_options(study: Study, layers: Sequence[Layer], rows: tuple[WidthRow, ...], timeout_s: float) -> LayerOptions:
    started = time.perf_counter()
    problem, names = layers[0].problem, tuple(layer.name for layer in layers)
    constraints = applying(study.constraints, problem)
    classes, undefined = cost_classes(study, problem, rows)
    first: dict[tuple[object, ...], Bits] = {}
    for row, cls in classes.items():
        first.setdefault(cls, row.bits)
    answers = decide_widths(study.accelerator, problem, [dict(bits) for bits in first.values()], constraints, timeout_s)
    decided = dict(zip(first, answers, strict=True))
    axes = width_axes(study, layers[0])
    return LayerOptions(
        layers=names,
        problem=problem,
        axes=axes,
        rows=rows,
        decisions=tuple(decided[classes[row]] if row in classes else Decision("undefined") for row in rows),
        undefined=Undefined(names, axes, tuple((row.options, d) for row, d in undefined.items()))
        if undefined
        else None,
        solved=sum(d.seconds is not None for d in answers),
        seconds=time.perf_counter() - started,
    )


def _choosing(study: Study, layer: Layer) -> list[int]:
    """The variables that a layer depends on, in the order of its rows' options."""
    return sorted({v for v in variables_of(study, layer).values() if v is not None})


def _in_the_network(
    study: Study, layers: Sequence[LayerOptions], timeout_s: float
) -> tuple[bool | None, tuple[str, ...], tuple[DeadWidth, ...], tuple[tuple[int, int], ...]]:
    """(feasible, clash, dead, undecided) as in StudyOptions."""
    tables = [_table(study, name, x) for x in layers for name in x.layers if len(x.at("feasible")) < len(x.rows)]
    if not tables:
        return True, (), (), ()
    variables = study.precision.variables
    choices = Choices([len(v.options) for v in variables], tables, timeout_s)
    if clash := choices.conflict():
        return False, clash, (), ()
    alive: set[Option] = set()
    dead, undecided = [], []
    for v, variable in enumerate(variables):
        for o, width in enumerate(variable.options):
            if (v, o) not in alive:
                alive.update(choices.serving_all((v, o)))
            if (v, o) not in alive:
                if conflict := choices.conflict((v, o)):
                    dead.append(DeadWidth(v, width, conflict))
                else:
                    undecided.append((v, width))
    return True if alive else None, (), tuple(dead), tuple(undecided)


def _table(study: Study, name: str, options: LayerOptions) -> Table:
    variables = _choosing(study, study.network.layer(name))

    def combinations(rows: Sequence[WidthRow]) -> tuple[tuple[Option, ...], ...]:
        return tuple(tuple(zip(variables, row.options, strict=True)) for row in rows)

    return Table(name, *map(combinations, (options.at("feasible"), options.excluded, options.at("unknown"))))
