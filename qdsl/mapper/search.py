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
from qdsl.mapper.bounds import plan_bound_pj, plan_steps
from qdsl.mapper.lattice import Pins, plan_domains
from qdsl.mapper.objective import RELATIVE_TOLERANCE, Objective, less, promising, scores, value_of
from qdsl.mapper.plans import Plan, spatial_plans
from qdsl.mapper.recover import best_of_plan
from qdsl.mapper.result import MapResult, Optimum
from qdsl.mapper.sweep import Sweep
from qdsl.mapspace.space import Space, layer_space
from qdsl.mapspace.violations import constraint_violations
from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.constraint import Constraint
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import evaluate, legality

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array


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
        for k, optimum in zip(fitting, _solve(batch, None, Objective.ENERGY).optima if fitting else (), strict=True):
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
    objective: Objective = Objective.ENERGY,
) -> MapResult:
    """The best mapping. With a time limit the answer may be 'feasible' with a smaller bound, or 'unknown'; with latency or
    energy-delay product as the objective it is 'feasible' also if a bandwidth stretches the mapping found.

    Raises SpecError for a constraint that the search cannot keep.
    """
    started = time.perf_counter()

    def without(status: str, bound: float | None = None) -> MapResult:
        return MapResult(status, None, None, time.perf_counter() - started, objective, None, bound)

    constraints = tuple(constraints)
    space = layer_space(accelerator, problem, bits, constraints)
    if not all(packing_key(accelerator, problem, bits)):
        return without("infeasible")
    batch = Batch(space, (bits,))
    solved = _solve(batch, None if time_limit_s is None else started + time_limit_s, objective)
    (optimum,) = solved.optima
    if optimum.status == "infeasible":
        return without("infeasible") if solved.complete else without("unknown", solved.bound)
    mapping = _recover(space, bits, constraints, optimum)
    found = evaluate(accelerator, problem, bits, mapping)
    value = value_of(objective, found)
    # per plan the search takes the steps for the cycles; a bandwidth can only add to them
    bound = min(solved.bound, float(solved.scores[0, 0]), value)
    tight = solved.complete and value <= bound * (1 + RELATIVE_TOLERANCE)
    seconds = time.perf_counter() - started
    return MapResult(
        "optimal" if tight else "feasible", mapping, found, seconds, objective, value, value if tight else bound
    )


def recover_mapping(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint],
    optimum: Optimum,
) -> Mapping:
    """A mapping that has the energy of an optimum found by `solve_batch` for these bits."""
    constraints = tuple(constraints)
    return _recover(layer_space(accelerator, problem, bits, constraints), bits, constraints, optimum)


@dataclass(frozen=True, slots=True)
class _Solved:
    """complete: every plan was searched or excluded by its bound; bound: least first score among those left; scores:
    float64[2, assignments] of the optima."""

    optima: tuple[Optimum, ...]
    complete: bool
    bound: float
    scores: Array


def _solve(batch: Batch, deadline: float | None, objective: Objective) -> _Solved:
    import numpy as np

    plans = list(spatial_plans(batch.space))
    count = len(batch.bits)
    best = np.full((2, count), np.inf)
    best_plan: list[Plan | None] = [None] * count
    steps = [plan_steps(batch, plan) for plan in plans]
    bounds = [scores(objective, plan_bound_pj(batch, plan), s) for plan, s in zip(plans, steps, strict=True)]
    left = np.inf
    complete = True
    for rank in sorted(range(len(plans)), key=lambda i: (*bounds[i].sum(axis=1).tolist(), i)):
        if not promising(objective, bounds[rank], best).any():
            continue
        if deadline is not None and time.perf_counter() > deadline:
            complete = False
            left = min(left, float(bounds[rank][0].min()))
            continue
        found = scores(objective, _plan_energies(batch, plans[rank]), steps[rank])
        better = less(found, best)
        best = np.where(better, found, best)
        for i in np.flatnonzero(better):
            best_plan[i] = plans[rank]
    optima = tuple(
        Optimum("optimal", float(best[1, i]), p.places)
        if (p := best_plan[i]) is not None
        else Optimum("infeasible", float("inf"))
        for i in range(count)
    )
    return _Solved(optima, complete, left, best)


def _plan_energies(batch: Batch, plan: Plan) -> Array:
    import numpy as np

    energies = np.full(len(batch.bits), np.inf)
    for pins in _pin_choices(batch, plan):
        energies = np.minimum(energies, Sweep.of(batch, plan, pins).energies_pj())
    return energies


def _recover(space: Space, bits: MappingABC[str, int], constraints: Sequence[Constraint], optimum: Optimum) -> Mapping:
    """The mapping of an optimum, checked by the model and the constraints independently of the search."""
    batch = Batch(space, (bits,))
    plan = next(p for p in spatial_plans(space) if p.places == optimum.spatial)
    sweeps = [s for pins in _pin_choices(batch, plan) if not (s := Sweep.of(batch, plan, pins)).domains.empty]
    energy_pj, mapping = min((best_of_plan(s) for s in sweeps if s.energies_pj()[0] < float("inf")), key=lambda x: x[0])
    found = evaluate(space.accelerator, space.problem, bits, mapping).energy_pj
    if (
        abs(found - energy_pj) > RELATIVE_TOLERANCE * energy_pj
        or abs(found - optimum.energy_pj) > RELATIVE_TOLERANCE * found
    ):
        raise RuntimeError(f"the mapper's {optimum.energy_pj} pJ and the model's {found} pJ differ for {mapping}")
    broken = legality(space.accelerator, space.problem, bits, mapping, None)
    broken += constraint_violations(constraints, space.accelerator, space.problem, bits, mapping)
    if broken:
        raise RuntimeError(f"the mapper's mapping is not legal: {broken[0].message}: {mapping}")
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
