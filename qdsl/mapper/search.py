"""The exact mapper: every spatial plan, best bound first, each searched exactly (`sweep`)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from qdsl.mapper.batch import Batch
from qdsl.mapper.batch import packing_key as _packing_key
from qdsl.mapper.bounds import plan_bound_pj
from qdsl.mapper.lattice import Pins, plan_domains
from qdsl.mapper.plans import Plan, spatial_plans
from qdsl.mapper.recover import best_of_plan
from qdsl.mapper.result import MapResult, Optimum
from qdsl.mapper.sweep import Sweep
from qdsl.mapspace.space import Space, layer_space
from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.constraint import Constraint
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic.evaluate import evaluate

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array

# Costs are sums of a few hundred float64 terms; two that differ by less are the same number.
_RELATIVE_TOLERANCE = 1e-9


def packing_key(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> tuple[int, ...]:
    """Values per word of every kept (level, tensor). Assignments with equal keys have equal costs and legality, under
    constraints that do not mention bit-widths."""
    return _packing_key(accelerator.levels, problem.operator.tensors, bits)


def solve_batch(
    accelerator: Accelerator,
    problem: Problem,
    bits_list: Sequence[MappingABC[str, int]],
    constraints: Iterable[Constraint],
) -> tuple[Optimum, ...]:
    """The least energy for every bit-width assignment, proven; the geometry is searched once for all of them.

    Raises SpecError for a constraint that the search cannot keep.
    """
    constraints = tuple(constraints)
    groups: dict[str, list[int]] = {}
    spaces: dict[str, Space] = {}
    for i, bits in enumerate(bits_list):
        space = layer_space(accelerator, problem, bits, constraints)
        key = repr((sorted(space.factors.items()), sorted(space.tiles.items()), space.orders, space.spatial))
        groups.setdefault(key, []).append(i)
        spaces[key] = space
    answers: dict[int, Optimum] = {}
    for key, members in groups.items():
        classes: dict[tuple[int, ...], list[int]] = {}
        for i in members:
            classes.setdefault(packing_key(accelerator, problem, bits_list[i]), []).append(i)
        fitting = [k for k in classes if all(k)]
        batch = Batch(spaces[key], tuple(bits_list[classes[k][0]] for k in fitting))
        for k, optimum in zip(fitting, _solve(batch, None).optima if fitting else (), strict=True):
            answers.update(dict.fromkeys(classes[k], optimum))
        for k in classes.keys() - set(fitting):
            answers.update(dict.fromkeys(classes[k], Optimum("infeasible", float("inf"))))
    return tuple(answers[i] for i in range(len(bits_list)))


def best_mapping(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint] = (),
    time_limit_s: float | None = None,
) -> MapResult:
    """The mapping of least energy. With a time limit the answer may be 'feasible' with a smaller bound, or 'unknown'.

    Raises SpecError for a constraint that the search cannot keep.
    """
    started = time.perf_counter()
    space = layer_space(accelerator, problem, bits, constraints)
    if not all(packing_key(accelerator, problem, bits)):
        return MapResult("infeasible", None, None, None, None, time.perf_counter() - started)
    solved = _solve(Batch(space, (bits,)), None if time_limit_s is None else started + time_limit_s)
    (optimum,) = solved.optima
    if not solved.complete and optimum.status == "infeasible":
        return MapResult("unknown", None, None, None, solved.bound_pj, time.perf_counter() - started)
    if optimum.status == "infeasible":
        return MapResult("infeasible", None, None, None, None, time.perf_counter() - started)
    mapping = _recover(space, bits, optimum)
    found = evaluate(accelerator, problem, bits, mapping)
    status = "optimal" if solved.complete else "feasible"
    bound_pj = found.energy_pj if solved.complete else min(solved.bound_pj, found.energy_pj)
    return MapResult(status, mapping, found, found.energy_pj, bound_pj, time.perf_counter() - started)


def recover_mapping(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint],
    optimum: Optimum,
) -> Mapping:
    """A mapping that has the energy of an optimum found by `solve_batch` for these bits."""
    return _recover(layer_space(accelerator, problem, bits, constraints), bits, optimum)


@dataclass(frozen=True, slots=True)
class _Solved:
    """complete: every plan was searched or excluded by its bound; bound_pj: least bound among those left."""

    optima: tuple[Optimum, ...]
    complete: bool
    bound_pj: float


def _solve(batch: Batch, deadline: float | None) -> _Solved:
    import numpy as np

    plans = list(spatial_plans(batch.space))
    count = len(batch.bits)
    best = np.full(count, np.inf)
    best_plan: list[Plan | None] = [None] * count
    bounds = [plan_bound_pj(batch, plan) for plan in plans]
    left_bound = np.inf
    complete = True
    for rank in sorted(range(len(plans)), key=lambda i: (float(bounds[i].sum()), i)):
        open_ = bounds[rank] < best * (1 - _RELATIVE_TOLERANCE)
        if not open_.any():
            continue
        if deadline is not None and time.perf_counter() > deadline:
            complete = False
            left_bound = min(left_bound, float(bounds[rank].min()))
            continue
        energies = _plan_energies(batch, plans[rank])
        better = energies < best
        best = np.where(better, energies, best)
        for i in np.flatnonzero(better):
            best_plan[i] = plans[rank]
    optima = tuple(
        Optimum("optimal", float(best[i]), p.places)
        if (p := best_plan[i]) is not None
        else Optimum("infeasible", float("inf"))
        for i in range(count)
    )
    return _Solved(optima, complete, left_bound)


def _plan_energies(batch: Batch, plan: Plan) -> Array:
    import numpy as np

    energies = np.full(len(batch.bits), np.inf)
    for pins in _pin_choices(batch, plan):
        energies = np.minimum(energies, Sweep.of(batch, plan, pins).energies_pj())
    return energies


def _recover(space: Space, bits: MappingABC[str, int], optimum: Optimum) -> Mapping:
    batch = Batch(space, (bits,))
    plan = next(p for p in spatial_plans(space) if p.places == optimum.spatial)
    sweeps = [s for pins in _pin_choices(batch, plan) if not (s := Sweep.of(batch, plan, pins)).domains.empty]
    energy_pj, mapping = min((best_of_plan(s) for s in sweeps if s.energies_pj()[0] < float("inf")), key=lambda x: x[0])
    found = evaluate(space.accelerator, space.problem, bits, mapping).energy_pj
    if (
        abs(found - energy_pj) > _RELATIVE_TOLERANCE * energy_pj
        or abs(found - optimum.energy_pj) > _RELATIVE_TOLERANCE * found
    ):
        raise RuntimeError(f"the mapper's {optimum.energy_pj} pJ and the model's {found} pJ differ for {mapping}")
    return mapping


def _pin_choices(batch: Batch, plan: Plan) -> Iterator[Pins]:
    """Extents to fix before a sweep: inside a fan-out where a tensor's overlap depends on them although its own tile was
    formed at a level further in, whose loops come between."""
    hierarchy = batch.space.accelerator.hierarchy
    pinned: set[tuple[int, str]] = set()
    for t, tensor in enumerate(batch.tensors):
        child = len(hierarchy)
        for parent in batch.keepers[t]:
            for f in range(parent + 1, child):
                part = hierarchy[f]
                level_between = any(isinstance(x, StorageLevel) for x in hierarchy[f + 1 : child])
                if isinstance(part, FanOut) and level_between:
                    for axis in tensor.axes:
                        unrolled = [d for d in axis.dims if plan.fanouts[f].get(d, 1) > 1]
                        if len(unrolled) > 1:
                            pinned.update((f, d) for d in unrolled)
            child = parent
    where = sorted(pinned)
    free = plan_domains(batch.space, plan, {}, batch.dims)
    for extents in product(*(free.extents[f + 1][d] for f, d in where)):
        yield dict(zip(where, extents, strict=True))
