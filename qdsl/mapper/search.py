"""The exact mapper: every spatial plan, best bound first, each searched exactly (`sweep`)."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from qdsl.mapper.batch import Batch
from qdsl.mapper.bounds import plan_bound_pj, plan_steps
from qdsl.mapper.lattice import Pins, plan_domains
from qdsl.mapper.objective import RELATIVE_TOLERANCE, Objective, less, limits_pj, promising, scores, value_of
from qdsl.mapper.plans import Plan, every_plan, spatial_plans
from qdsl.mapper.recover import best_of_plan
from qdsl.mapper.remaining import Remaining
from qdsl.mapper.result import MapResult, Optimum
from qdsl.mapper.supported import provable_spaces, unproven_limits
from qdsl.mapper.sweep import Sweep
from qdsl.mapspace.batches import members_of_spaces
from qdsl.mapspace.limits import within
from qdsl.mapspace.narrowing import layer_spaces
from qdsl.mapspace.space import Space
from qdsl.mapspace.violations import constraint_violations
from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.constraint import Constraint, Limit
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import evaluate, legality
from qdsl.symbolic.widths import cost_key

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array


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
    best = [Optimum("infeasible", float("inf"))] * len(bits_list)
    for space, found in members_of_spaces(provable_spaces, accelerator, problem, bits_list, constraints):
        classes: dict[tuple[float, ...], list[int]] = {}
        for i in found:
            classes.setdefault(cost_key(space.accelerator, problem, bits_list[i]), []).append(i)
        batch = Batch(space, tuple(bits_list[m[0]] for m in classes.values()))
        known = [max(best[i].energy_pj for i in m) for m in classes.values()]
        solved = _solve(batch, None, Objective.ENERGY, np.array([known, known]))
        for optimum, alike in zip(solved.optima, classes.values(), strict=True):
            for i in alike:
                if optimum.energy_pj < best[i].energy_pj:
                    best[i] = optimum
    if not accelerator.leakage_pj or not any(level.all_ports for level in accelerator.levels):
        return tuple(best)
    return tuple(_stretched(accelerator, problem, b, constraints, o) for b, o in zip(bits_list, best, strict=True))


def _stretched(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: tuple[Constraint, ...],
    optimum: Optimum,
) -> Optimum:
    """The optimum with the leakage of its mapping, which lasts longer where a bandwidth is exceeded."""
    if optimum.status == "infeasible":
        return optimum
    mapping = recover_mapping(accelerator, problem, bits, constraints, optimum)
    energy_pj = evaluate(accelerator, problem, bits, mapping).energy_pj
    tight = energy_pj <= optimum.energy_pj * (1 + RELATIVE_TOLERANCE)
    return optimum if tight else replace(optimum, status="feasible", energy_pj=energy_pj)


def best_mapping(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint] = (),
    time_limit_s: float | None = None,
    objective: Objective = Objective.ENERGY,
) -> MapResult:
    """The best mapping. With a time limit the answer may be 'feasible' with a smaller bound, or 'unknown'; it is also
    'feasible' if a bandwidth stretches the mapping found and the objective depends on the cycles (through leakage, energy
    does too), or if the best mapping of some choice of spatial factors is beyond a limit of its latency or bandwidth.

    Raises SpecError for a constraint that the search cannot keep.
    """
    started = time.perf_counter()
    deadline = None if time_limit_s is None else started + time_limit_s
    constraints = tuple(constraints)
    best = np.full((2, 1), np.inf)
    found: Optimum | None = None
    complete, left = True, np.inf
    plans = searched = 0
    for space in layer_spaces(accelerator, problem, bits, constraints):
        solved = _solve(Batch(space, (bits,)), deadline, objective, best)
        complete, left = complete and solved.complete, min(left, solved.bound)
        plans, searched = plans + solved.plans, searched + solved.searched
        if less(solved.scores, best)[0]:
            best, found = solved.scores, solved.optima[0]

    def seconds() -> float:
        return time.perf_counter() - started

    if found is None:
        status, bound = ("infeasible", None) if complete else ("unknown", left)
        return MapResult(status, None, None, seconds(), objective, None, bound, plans, searched)
    mapping = recover_mapping(accelerator, problem, bits, constraints, found)
    evaluation = evaluate(accelerator, problem, bits, mapping)
    value = value_of(objective, evaluation)
    # per plan the search takes the cycles of the compute units; a bandwidth can only add to them
    bound = min(left, float(best[0, 0]), value)
    tight = complete and value <= bound * (1 + RELATIVE_TOLERANCE)
    status = "optimal" if tight else "feasible"
    bound = value if tight else bound
    return MapResult(status, mapping, evaluation, seconds(), objective, value, bound, plans, searched)


def recover_mapping(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint],
    optimum: Optimum,
) -> Mapping:
    """A mapping that has the energy of an optimum found by `solve_batch` for these bits."""
    constraints = tuple(constraints)
    spaces = [s for s in layer_spaces(accelerator, problem, bits, constraints) if s.bypass == optimum.bypass]
    found = [f for s in spaces for f in _of_plan(s, bits, optimum.spatial) if not _beyond(s, bits, f[1], s.limits)]
    # limits may have excluded the least energy of a space; without them a stretched optimum is the least one there is
    energy_pj, mapping = min(
        found, key=lambda f: f[0] if optimum.status == "feasible" else abs(f[0] - optimum.energy_pj)
    )
    mapping = replace(mapping, bypass=optimum.bypass)
    _check(accelerator, problem, bits, constraints, optimum, energy_pj, mapping)
    return mapping


# Plans searched before the cost to go is worth computing.
_FEW = 4


@dataclass(frozen=True, slots=True)
class _Solved:
    """complete: every plan was searched or excluded by its bound; bound: least first score among those left; scores:
    float64[2, assignments] of the optima, or as known before where none is better; plans: how many there are; searched:
    how many of them were."""

    optima: tuple[Optimum, ...]
    complete: bool
    bound: float
    scores: Array
    plans: int
    searched: int


def _solve(batch: Batch, deadline: float | None, objective: Objective, known: Array) -> _Solved:
    """Optima of a batch that are better than the known scores: float64[2, assignments]."""
    plans = list(spatial_plans(batch.space))
    best = known
    best_plan: list[Plan | None] = [None] * len(batch.bits)
    cycles = [batch.cycles(plan_steps(batch, plan)) for plan in plans]
    bounds = [scores(objective, plan_bound_pj(batch, plan), c) for plan, c in zip(plans, cycles, strict=True)]
    left = np.inf
    complete = True
    remaining: Remaining | None = None
    searched = 0
    unproven = unproven_limits(batch.space)
    for rank in sorted(range(len(plans)), key=lambda i: (*bounds[i].sum(axis=1).tolist(), i)):
        if not promising(objective, bounds[rank], best).any():
            continue
        if deadline is not None and time.perf_counter() > deadline:
            complete = False
            left = min(left, float(bounds[rank][0].min()))
            continue
        limits = limits_pj(objective, best, cycles[rank])
        if searched == _FEW:
            remaining = Remaining.of(batch)
        energies_pj = _plan_energies(batch, plans[rank], remaining, limits)
        found = scores(objective, energies_pj, cycles[rank])
        searched += 1
        better = less(found, best)
        for i in np.flatnonzero(better) if unproven else ():
            _, mapping = min(_of_plan(batch.space, batch.bits[i], plans[rank].places), key=lambda f: f[0])
            if _beyond(batch.space, batch.bits[i], mapping, unproven):
                # another mapping of this plan may stay within the limits, at a higher cost
                complete, better[i] = False, False
                left = min(left, float(found[0, i]))
        best = np.where(better, found, best)
        for i in np.flatnonzero(better):
            best_plan[i] = plans[rank]
    optima = tuple(
        Optimum("optimal", float(best[1, i]), p.places, batch.space.bypass)
        if (p := best_plan[i]) is not None
        else Optimum("infeasible", float("inf"))
        for i in range(len(batch.bits))
    )
    return _Solved(optima, complete, left, best, len(plans), searched)


def _beyond(space: Space, bits: MappingABC[str, int], mapping: Mapping, limits: Sequence[Limit]) -> bool:
    found = evaluate(space.accelerator, space.problem, bits, mapping) if limits else None
    return found is not None and not all(within(limit, found) for limit in limits)


def least_energies_pj(batch: Batch, plan: Plan) -> Array:
    """float64[assignments]: the least energies of a plan, inf where it has no legal mapping."""
    return _plan_energies(batch, plan, None, np.full(len(batch.bits), np.inf))


def _plan_energies(batch: Batch, plan: Plan, remaining: Remaining | None, limits: Array) -> Array:
    """float64[assignments]: the least energies of a plan, inf where none is below its limit, or below one of the space."""
    energies = np.full(len(batch.bits), np.inf)
    for pins in _pin_choices(batch, plan):
        sweep = Sweep.of(batch, plan, pins)
        hopeless = partial(remaining.exclude, sweep, limits) if remaining else None
        found = sweep.energies_pj(hopeless)
        energies = np.minimum(energies, found)
    # the model's sum of the same energies, against which limits are checked, may differ in its last digits
    most_pj = min((x.most for x in batch.space.limits if x.quantity == "energy"), default=np.inf)
    return np.where(energies <= most_pj * (1 + RELATIVE_TOLERANCE / 2), energies, np.inf)


def _of_plan(
    space: Space, bits: MappingABC[str, int], spatial: Sequence[tuple[str, str, int]]
) -> Iterator[tuple[float, Mapping]]:
    """The least energies in a space with given spatial factors (see `Plan.places`), with mappings that have them."""
    batch = Batch(space, (bits,))
    plan = next((p for p in every_plan(space) if p.places == tuple(spatial)), None)
    if plan is None:
        return
    for pins in _pin_choices(batch, plan):
        sweep = Sweep.of(batch, plan, pins)
        if not sweep.domains.empty and sweep.energies_pj()[0] < float("inf"):
            yield best_of_plan(sweep)


def _check(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Sequence[Constraint],
    optimum: Optimum,
    energy_pj: float,
    mapping: Mapping,
) -> None:
    """Holds what was found against the model and the constraints, independently of the search."""
    evaluation = evaluate(accelerator, problem, bits, mapping)
    # the search counts the leakage of the compute units' cycles only
    waiting_pj = accelerator.leakage_pj * (evaluation.cycles - evaluation.compute_cycles)
    found = evaluation.energy_pj - waiting_pj
    known = optimum.energy_pj - (waiting_pj if optimum.status == "feasible" else 0.0)
    if abs(found - energy_pj) > RELATIVE_TOLERANCE * energy_pj or abs(found - known) > RELATIVE_TOLERANCE * found:
        raise RuntimeError(f"the mapper's {optimum.energy_pj} pJ and the model's {found} pJ differ for {mapping}")
    broken = legality(accelerator, problem, bits, mapping, None)
    broken += constraint_violations(constraints, accelerator, problem, bits, mapping)
    if broken:
        raise RuntimeError(f"the mapper's mapping is not legal: {broken[0].message}: {mapping}")


def _pin_choices(batch: Batch, plan: Plan) -> Iterator[Pins]:
    """Extents to fix before a sweep: inside a fan-out where a tensor's overlap depends on them although its own tile was
    formed at a level further in, whose loops come between, or where the output of one instance comes in pieces."""
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
        if tensor.is_output:
            pinned.update(_scattered(batch, plan, t))
    where = sorted(pinned)
    free = plan_domains(batch.space, plan, {}, batch.dims)
    for extents in product(*(free.extents[f + 1][d] for f, d in where)):
        yield dict(zip(where, extents, strict=True))


def _scattered(batch: Batch, plan: Plan, t: int) -> Iterator[tuple[int, str]]:
    """Fan-outs outside a level that keeps the output, with the dimensions unrolled there along an axis that several share:
    which of its values an instance works on depends on how far apart its pieces are."""
    for axis in batch.tensors[t].axes:
        mixed = [d for d in axis.dims if d in batch.dims]
        if len(mixed) > 1:
            for f in range(batch.keepers[t][0]):
                yield from ((f, d) for d in mixed if plan.fanouts[f].get(d, 1) > 1)
