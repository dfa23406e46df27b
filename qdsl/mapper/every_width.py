"""The least energies of a layer at many bit-widths."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from typing import TYPE_CHECKING

import numpy as np

from qdsl.mapper.batch import Batch
from qdsl.mapper.bounds import plan_bounds
from qdsl.mapper.checked import check
from qdsl.mapper.explore import Exploration
from qdsl.mapper.goal import Best
from qdsl.mapper.objective import RELATIVE_TOLERANCE, Objective, Quantity
from qdsl.mapper.pins import pin_choices
from qdsl.mapper.plans import Plan, every_plan, spatial_plans
from qdsl.mapper.recover import best_of_plan
from qdsl.mapper.remaining import Remaining
from qdsl.mapper.result import Optimum
from qdsl.mapper.supported import provable_spaces, timed
from qdsl.mapper.sweep import States, Sweep
from qdsl.mapspace.batches import members_of_spaces
from qdsl.mapspace.narrowing import layer_spaces
from qdsl.mapspace.space import Space
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import evaluate
from qdsl.symbolic.widths import cost_key

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array


def solve_batch(
    accelerator: Accelerator,
    problem: Problem,
    bits_list: Sequence[MappingABC[str, int]],
    constraints: Iterable[Constraint],
) -> tuple[Optimum, ...]:
    """The least energy for every bit-width assignment, proven; the geometry is searched once for all of them, or, where
    energies or limits depend on the cycles, once for each.

    Raises SpecError for a constraint that the search cannot keep.
    """
    constraints = tuple(constraints)
    best = [Optimum("infeasible", float("inf"))] * len(bits_list)
    for space, found in members_of_spaces(provable_spaces, accelerator, problem, bits_list, constraints):
        classes: dict[tuple[float, ...], list[int]] = {}
        for i in found:
            classes.setdefault(cost_key(space.accelerator, problem, bits_list[i]), []).append(i)
        assignments = [bits_list[m[0]] for m in classes.values()]
        known = np.array([max(best[i].energy_pj for i in m) for m in classes.values()])
        solved = _alone(space, assignments) if timed(space) else _together(space, assignments, known)
        for optimum, alike in zip(solved, classes.values(), strict=True):
            for i in alike:
                if optimum.energy_pj < best[i].energy_pj:
                    best[i] = optimum
    return tuple(best)


def _alone(space: Space, bits_list: Sequence[MappingABC[str, int]]) -> list[Optimum]:
    """Optima of a space, searched one by one."""
    optima = []
    for bits in bits_list:
        goal = Best(Objective.ENERGY)
        part = Exploration(space, bits, (), goal, None)
        part.run()
        if goal.found is None:
            optima.append(Optimum("infeasible", float("inf")))
            continue
        mapping, energy_pj = goal.found.find(), goal.found.value(Quantity.ENERGY)
        proven = not any(goal.promising(c).any() for c in part.left)
        optima.append(Optimum("optimal" if proven else "feasible", energy_pj, _spatial(space, mapping), space.bypass))
    return optima


def _spatial(space: Space, mapping: Mapping) -> tuple[tuple[str, str, int], ...]:
    """See `Plan.places`."""
    places = [place for fanout in space.accelerator.fanouts for place in fanout.places]
    return tuple((place, loop.dim, loop.factor) for place in places for loop in mapping.loops(place))


def _together(space: Space, bits_list: Sequence[MappingABC[str, int]], known: Array) -> list[Optimum]:
    """Optima of a space that are below the known energies, searched all at once."""
    batch = Batch.of_energies(space, bits_list)
    plans = list(spatial_plans(space))
    best = known
    best_plan: list[Plan | None] = [None] * len(bits_list)
    bounds = plan_bounds(batch, plans)
    remaining: Remaining | None = None
    searched = 0
    for rank in np.argsort(bounds.sum(axis=0), kind="stable"):
        if not (bounds[:, rank] < best * (1 - RELATIVE_TOLERANCE)).any():
            continue
        remaining = Remaining.once_worth(batch, searched, remaining)
        searched += 1
        found = _plan_energies(batch, plans[rank], remaining, best)
        better = found < best
        best = np.where(better, found, best)
        for i in np.flatnonzero(better):
            best_plan[i] = plans[rank]
    return [
        Optimum("optimal", float(best[i]), p.places, space.bypass) if p else Optimum("infeasible", float("inf"))
        for i, p in enumerate(best_plan)
    ]


def least_energies_pj(batch: Batch, plan: Plan) -> Array:
    """float64[assignments]: the least energies of a plan, inf where it has no legal mapping."""
    return _plan_energies(batch, plan, None, np.full(len(batch.bits), np.inf))


def _plan_energies(batch: Batch, plan: Plan, remaining: Remaining | None, limits: Array) -> Array:
    """float64[assignments]: the least energies of a plan, inf where none is below its limit, or below one of the space."""
    energies = np.full(len(batch.bits), np.inf)
    below = limits[:, None] * (1 - RELATIVE_TOLERANCE)

    for pins in pin_choices(batch, plan):
        sweep = Sweep.of(batch, plan, pins)

        def hopeless(states: States, item: int, sweep: Sweep = sweep) -> bool:
            return remaining is not None and remaining.exclude(
                sweep, lambda rows: not (rows < below).any(), states, item
            )

        energies = np.minimum(energies, sweep.least(hopeless))
    # the model's sum of the same energies, against which limits are checked, may differ in its last digits
    most_pj = min((x.most for x in batch.space.limits if x.quantity == "energy"), default=np.inf)
    return np.where(energies <= most_pj * (1 + RELATIVE_TOLERANCE / 2), energies, np.inf)


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
    found = [f for s in spaces for f in _of_plan(s, bits, optimum.spatial)]
    energy_pj, mapping = min(found, key=lambda f: abs(f[0] - optimum.energy_pj))
    if abs(energy_pj - optimum.energy_pj) > RELATIVE_TOLERANCE * energy_pj:
        raise RuntimeError(f"the mapper's {optimum.energy_pj} pJ and the model's {energy_pj} pJ differ for {mapping}")
    check(accelerator, problem, bits, constraints, mapping)
    return mapping


def _of_plan(
    space: Space, bits: MappingABC[str, int], spatial: Sequence[tuple[str, str, int]]
) -> Iterator[tuple[float, Mapping]]:
    """The least energies in a space with given spatial factors (see `Plan.places`), with mappings that have them."""
    plan = next((p for p in every_plan(space) if p.places == tuple(spatial)), None)
    if plan is None:
        return
    if timed(space):
        goal = Best(Objective.ENERGY)
        Exploration(space, bits, (), goal, None, only=plan).run()
        if goal.found is not None:
            yield goal.found.value(Quantity.ENERGY), goal.found.find()
        return
    batch = Batch.of_energies(space, (bits,))
    for pins in pin_choices(batch, plan):
        sweep = Sweep.of(batch, plan, pins)
        if not sweep.domains.empty and sweep.least()[0] < float("inf"):
            _, mapping = best_of_plan(sweep)
            yield evaluate(space.accelerator, space.problem, bits, mapping).energy_pj, mapping
