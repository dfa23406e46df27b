"""Best energies of every layer at every bit-width it may get: each distinct problem and cost class is solved once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
    """One layer's best energies.

    variables: indices of the study's variables that the layer depends on, ascending.
    energy_pj: float64, one axis per variable over its options; inf where the layer has no legal mapping. cycles: likewise, of
    a study in which they count.
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
    """Solves what the store does not know yet, the largest problems first.

    Raises SpecError when a layer has no legal mapping at any bit-width, with the constraints that clash, for constraints
    that the mapper cannot keep, and for widths at which a formula of the accelerator has no value.
    """
    rows = {layer.name: width_rows(study, layer) for layer in study.network.layers}
    keys = store_keys(study, rows)
    optima = store.optima(keys.values())
    known, classes = len(optima), len(set(keys.values()))
    tasks = _tasks(study, keys, optima)
    _refuse_unsupported(tasks)
    progress.tables_planned(len(tasks), classes, known)

    def keys_of(task: Task) -> list[str]:
        return [keys[task.problem, tuple(bits.items())] for bits in task.bits]

    found = solve_open(tasks, keys_of, store, progress, workers, cluster)
    optima.update(found.optima)
    layers = tuple(_layer_table(study, layer, rows[layer.name], keys, optima) for layer in study.network.layers)
    _refuse_impossible(study, layers, rows)
    dead = tuple(
        DeadOption(layer.name, row.bits)
        for layer in study.network.layers
        for row in rows[layer.name]
        if optima[keys[layer.problem, row.bits]].energy_pj == inf
    )
    return Tables(layers, keys, optima, dead, found.solved, classes - found.solved)


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


def _tasks(study: Study, keys: Mapping[tuple[Problem, Bits], str], known: Mapping[str, Optimum]) -> list[Task]:
    """One task per problem with open classes, each class once by its first bit-widths."""
    seen = set(known)
    open_bits: dict[Problem, list[dict[str, int]]] = {}
    for (problem, bits), key in keys.items():
        if key not in seen:
            seen.add(key)
            open_bits.setdefault(problem, []).append(dict(bits))
    names = {layer.problem: layer.name for layer in reversed(study.network.layers)}
    objective = layer_objective(study)
    tasks = [
        Task(names[p], study.accelerator, p, tuple(bits), applying(study.constraints, p), study.mapper, objective)
        for p, bits in open_bits.items()
    ]
    return sorted(tasks, key=lambda task: (-task.problem.operations * len(task.bits), task.layer))


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
    energy, cycles = np.empty(shape), np.empty(shape)
    for row in rows:
        optimum = optima[keys[layer.problem, row.bits]]
        energy[row.options] = optimum.energy_pj
        cycles[row.options] = inf if optimum.cycles is None else optimum.cycles
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
