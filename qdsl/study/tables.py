"""Best energies of every layer at every bit-width it may get: each distinct problem and cost class is solved once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import inf

import numpy as np
import numpy.typing as npt

from qdsl.diagnostics import Diagnostic, Sink, SpecError
from qdsl.mapper.objective import Objective
from qdsl.mapper.other import drawable_spaces
from qdsl.mapper.result import Optimum
from qdsl.mapper.supported import provable_spaces
from qdsl.model.mapper import ExactMapper
from qdsl.model.network import Layer
from qdsl.model.operator import Problem
from qdsl.model.study import Study
from qdsl.study.executor import Task
from qdsl.study.keys import KeyMaker, applying, cost_class
from qdsl.study.progress import Progress
from qdsl.study.result import DeadOption
from qdsl.study.solving import solve_open
from qdsl.study.store import Store
from qdsl.study.undefined import Axes, Undefined, undefined_findings

Bits = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class LayerTable:
    """One layer's best energies, times how often its network runs.

    variables: indices of the study's variables that the layer depends on, ascending.
    energy_pj: float64, one axis per variable over its options; inf where the layer has no legal mapping, or none was wanted.
    cycles: likewise, of a study in which they count.
    """

    layer: str
    variables: tuple[int, ...]
    energy_pj: npt.NDArray[np.float64]
    cycles: npt.NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Tables:
    """layers: in network order. keys: store key of every (problem, bits) that may occur; optima: by store key."""

    layers: tuple[LayerTable, ...]
    keys: Mapping[tuple[Problem, Bits], str]
    optima: Mapping[str, Optimum]
    dead: tuple[DeadOption, ...]
    solved: int
    from_store: int

    @property
    def usable(self) -> bool:
        """Whether every layer has a legal mapping at some widths."""
        return all(np.isfinite(t.energy_pj).any() for t in self.layers)

    def optimum(self, problem: Problem, bits: Bits) -> Optimum:
        return self.optima[self.keys[problem, bits]]


@dataclass(frozen=True)
class WidthRow:
    """One assignment of a layer: the options of its variables and the widths of its tensors, in operator order."""

    options: tuple[int, ...]
    bits: Bits


def build_tables(
    study: Study, store: Store, progress: Progress, workers: int | None = None, cluster: str | None = None
) -> Tables:
    """The tables of one accelerator (see `build_all`)."""
    (tables,) = build_all([Wanted(study)], store, progress, workers, cluster)
    return tables


@dataclass(frozen=True)
class Wanted:
    """Tables to build. widths: the choices of all widths that matter, None for all there are."""

    study: Study
    widths: Sequence[Sequence[int]] | None = None

    @cached_property
    def rows(self) -> dict[str, tuple[WidthRow, ...]]:
        """By layer the rows that one of the choices needs."""
        rows = {layer.name: width_rows(self.study, layer) for layer in self.study.network.layers}
        if self.widths is None:
            return rows
        needed: dict[str, set[Bits]] = {name: set() for name in rows}
        for choice in self.widths:
            for name, bits in layer_bits(self.study, tuple(choice)).items():
                needed[name].add(bits)
        return {name: tuple(row for row in rows[name] if row.bits in needed[name]) for name in rows}


def build_all(
    wanted: Sequence[Wanted],
    store: Store,
    progress: Progress,
    workers: int | None = None,
    cluster: str | None = None,
) -> tuple[Tables, ...]:
    """Solves what the store does not know yet, the largest problems first. What several accelerators ask alike is solved
    once.

    Raises SpecError when on every accelerator some layer has no legal mapping at any bit-width, with the constraints that clash
    on the first; for constraints that the mapper cannot keep; for widths at which a formula of an accelerator has no value.
    """
    keys = [store_keys(w.study, w.rows) for w in wanted]
    optima = store.optima(key for of_one in keys for key in of_one.values())
    tasks: list[Task] = []
    seen = set(optima)
    known = len(seen)
    for w, of_one in zip(wanted, keys, strict=True):
        tasks += _tasks(w.study, of_one, seen)
    tasks.sort(key=lambda task: (-task.problem.operations * len(task.bits), task.layer))
    _refuse_unsupported(tasks)
    progress.tables_planned(len(tasks), len(seen), known)
    keys_on = {w.study.accelerator: of_one for w, of_one in zip(wanted, keys, strict=True)}

    def keys_of(task: Task) -> list[str]:
        return [keys_on[task.accelerator][task.problem, tuple(bits.items())] for bits in task.bits]

    found = solve_open(tasks, keys_of, store, progress, workers, cluster)
    optima.update(found.optima)
    counted: set[str] = set()
    tables = []
    for w, of_one in zip(wanted, keys, strict=True):
        own = set(of_one.values()) - counted
        counted |= own
        mine = {key: optima[key] for key in of_one.values()}
        tables.append(_tables(w, of_one, mine, len(own & found.solved), len(own - found.solved)))
    if not any(t.usable for t in tables):
        _refuse_impossible(wanted[0].study, tables[0].layers, wanted[0].rows)
    return tuple(tables)


def _tables(
    wanted: Wanted,
    keys: Mapping[tuple[Problem, Bits], str],
    optima: Mapping[str, Optimum],
    solved: int,
    from_store: int,
) -> Tables:
    study, rows = wanted.study, wanted.rows
    layers = tuple(_layer_table(study, layer, rows[layer.name], keys, optima) for layer in study.network.layers)
    dead = tuple(
        DeadOption(layer.name, row.bits)
        for layer in study.network.layers
        for row in rows[layer.name]
        if optima[keys[layer.problem, row.bits]].energy_pj == inf
    )
    return Tables(layers, keys, optima, dead, solved, from_store)


def layer_objective(study: Study) -> Objective:
    """What the mapping of each layer is the best in: where latency counts it is the energy-delay product, since the mapping of
    least energy may take many times the cycles for a few ppm."""
    return Objective.EDP if study.timed else Objective.ENERGY


def layer_bits(study: Study, choice: tuple[int, ...]) -> dict[str, Bits]:
    """Width of every tensor of every layer, tensors in operator order. choice: width of each variable."""
    given = study.precision.layer_bits(choice)
    return {
        x.name: tuple((t.name, given[x.name][t.name]) for t in x.problem.operator.tensors) for x in study.network.layers
    }


def variables_of(study: Study, layer: Layer) -> dict[str, int | None]:
    """Variable of every tensor of a layer, None for the width of the network's outputs."""
    return dict(dict(study.precision.assignment)[layer.name])


def width_rows(study: Study, layer: Layer) -> tuple[WidthRow, ...]:
    """Every combination of the widths that a layer depends on: the product of the options of its variables."""
    space = study.precision
    of_tensor = variables_of(study, layer)
    variables = sorted({v for v in of_tensor.values() if v is not None})
    rows = []
    for options in itertools.product(*(range(len(space.variables[v].options)) for v in variables)):
        width: dict[int | None, int] = {None: space.output_bits}
        width.update((v, space.variables[v].options[o]) for v, o in zip(variables, options, strict=True))
        rows.append(
            WidthRow(options, tuple((t.name, width[of_tensor[t.name]]) for t in layer.problem.operator.tensors))
        )
    return tuple(rows)


def width_axes(study: Study, layer: Layer) -> Axes:
    """The widths that a layer may choose, in the order of its rows' options."""
    of_tensor = variables_of(study, layer)
    return tuple(
        (tuple(t for t, w in of_tensor.items() if w == v), study.precision.variables[v].options)
        for v in sorted({v for v in of_tensor.values() if v is not None})
    )


def cost_classes(
    study: Study, problem: Problem, rows: Iterable[WidthRow]
) -> tuple[dict[WidthRow, tuple[object, ...]], dict[WidthRow, Diagnostic]]:
    """The cost class of every row (see `keys`); and the finding at those where a formula of the accelerator has no value."""
    classes, undefined = {}, {}
    for row in rows:
        try:
            classes[row] = cost_class(study.accelerator, problem, dict(row.bits), study.constraints)
        except SpecError as error:
            undefined[row] = error.diagnostics[0]
    return classes, undefined


def store_keys(study: Study, rows: Mapping[str, Sequence[WidthRow]]) -> dict[tuple[Problem, Bits], str]:
    """The store key of every (problem, bits) that may occur. rows: by layer.

    Raises SpecError with all widths at which a formula of the accelerator has no value.
    """
    keys: dict[tuple[Problem, Bits], str] = {}
    makers: dict[Problem, KeyMaker] = {}
    refused: list[Undefined] = []
    for layer in study.network.layers:
        problem = layer.problem
        if problem not in makers:
            makers[problem] = KeyMaker(
                study.accelerator, problem, study.constraints, study.mapper, layer_objective(study)
            )
        new = [row for row in rows[layer.name] if (problem, row.bits) not in keys]
        classes, undefined = cost_classes(study, problem, new)
        keys.update({(problem, row.bits): makers[problem].key(kind) for row, kind in classes.items()})
        if undefined:
            at = tuple((row.options, diagnostic) for row, diagnostic in undefined.items())
            refused.append(Undefined((layer.name,), width_axes(study, layer), at))
    if refused:
        raise SpecError(undefined_findings(refused))
    return keys


def _tasks(study: Study, keys: Mapping[tuple[Problem, Bits], str], seen: set[str]) -> list[Task]:
    """One task per problem with classes not seen, each class once by its first bit-widths; they are seen then."""
    open_bits: dict[Problem, list[dict[str, int]]] = {}
    for (problem, bits), key in keys.items():
        if key not in seen:
            seen.add(key)
            open_bits.setdefault(problem, []).append(dict(bits))
    names = {layer.problem: layer.name for layer in reversed(study.network.layers)}
    objective = layer_objective(study)
    return [
        Task(names[p], study.accelerator, p, tuple(bits), applying(study.constraints, p), study.mapper, objective)
        for p, bits in open_bits.items()
    ]


def _refuse_unsupported(tasks: Sequence[Task]) -> None:
    """All constraints that the mapper cannot keep at once, before time is spent on the layers it can."""
    refused = Sink()
    for task in tasks:
        spaces_of = provable_spaces if isinstance(task.mapper, ExactMapper) else drawable_spaces
        for bits in (task.bits[0], task.bits[-1]):
            try:
                spaces_of(task.accelerator, task.problem, bits, task.constraints)
            except SpecError as error:
                for diagnostic in error.diagnostics:
                    refused.add(diagnostic)
    refused.raise_if_errors()


def _layer_table(
    study: Study,
    layer: Layer,
    rows: Sequence[WidthRow],
    keys: Mapping[tuple[Problem, Bits], str],
    optima: Mapping[str, Optimum],
) -> LayerTable:
    variables = tuple(sorted({v for v in variables_of(study, layer).values() if v is not None}))
    shape = tuple(len(study.precision.variables[v].options) for v in variables)
    energy, cycles = np.full(shape, inf), np.full(shape, inf)
    for row in rows:
        optimum = optima[keys[layer.problem, row.bits]]
        energy[row.options] = layer.weight * optimum.energy_pj
        cycles[row.options] = inf if optimum.cycles is None else layer.weight * optimum.cycles
    return LayerTable(layer.name, variables, energy, cycles if study.timed else None)


def _refuse_impossible(study: Study, tables: Sequence[LayerTable], rows: Mapping[str, Sequence[WidthRow]]) -> None:
    """A diagnostic for each distinct problem that has no legal mapping at any width, explained at the narrowest."""
    impossible: dict[Problem, str] = {}
    for layer, table in zip(study.network.layers, tables, strict=True):
        if not np.isfinite(table.energy_pj).any():
            impossible.setdefault(layer.problem, layer.name)
    if impossible:
        from qdsl.mapspace import explain_infeasible

        raise SpecError(
            explain_infeasible(study.accelerator, p, name, dict(rows[name][0].bits), applying(study.constraints, p))
            for p, name in impossible.items()
        )
