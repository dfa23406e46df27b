"""A lower bound on the energy of every mapping of one plan: what has to move at least once."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from qdsl.mapper.batch import Batch
from qdsl.mapper.plans import Plan
from qdsl.symbolic.functions import distinct_sums
from qdsl.symbolic.traffic import access_energy_pj

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array


def plan_bound_pj(batch: Batch, plan: Plan) -> Array:
    """float64[assignments].

    Each instance of a level is filled at least once with every input value it ever uses, its parent reads each at least
    once, and every output value is written back at least once; the levels next to the compute units serve every
    operation, shared at most by all instances that do not differ in a relevant dimension.
    """
    import numpy as np

    accelerator = batch.space.accelerator
    compute = len(accelerator.hierarchy)
    steps = plan_steps(batch, plan)
    total = batch.fixed_pj(steps)
    for t, tensor in enumerate(batch.tensors):
        packings, index = batch.packings[t]
        rows = []
        for packing in packings:
            energy_pj = 0.0
            child = compute
            for parent in batch.keepers[t]:
                least, most = _touched(batch, plan, t, parent)
                moved = least
                if child == compute:
                    moved = max(least, steps * _distinct_at_least(batch, plan, t, parent))
                else:
                    arriving = 0 if tensor.is_output else _touched(batch, plan, t, child)[0]
                    level = batch.level(child)
                    words = packing[child].words(arriving)
                    energy_pj += plan.instances(child) * access_energy_pj(level, 0, words, 0)
                words = packing[parent].words(moved)
                returning = packing[parent].words(max(0, moved - most))
                reads, updates = (returning, words) if tensor.is_output else (words, 0)
                energy_pj += plan.instances(parent) * access_energy_pj(batch.level(parent), reads, 0, updates)
                child = parent
            rows.append(energy_pj)
        total += np.array(rows)[index]
    return total


def plan_steps(batch: Batch, plan: Plan) -> int:
    """Temporal iterations of every mapping of a plan."""
    compute = len(batch.space.accelerator.hierarchy)
    return prod(batch.space.problem.size(d) // plan.above(compute, d) for d in batch.dims)


def _touched(batch: Batch, plan: Plan, t: int, item: int) -> tuple[int, int]:
    """How many different values one instance of an item uses, at least and at most. They differ along an axis that
    several dimensions share, one of them unrolled outside: the pieces may meet more or less than they would in a row."""
    least = most = 1
    for axis in batch.tensors[t].axes:
        terms = [(x.coefficient, batch.space.problem.size(x.dim) // plan.above(item, x.dim)) for x in axis.terms]
        if len(terms) > 1 and any(plan.above(item, d) > 1 for d in axis.dims):
            least *= 1 + sum(n - 1 for _, n in terms)
            most *= prod(n for _, n in terms)
        else:
            values = distinct_sums(terms)
            least, most = least * values, most * values
    return least, most


def _distinct_at_least(batch: Batch, plan: Plan, t: int, parent: int) -> int:
    """A lower bound on the different single values that the compute units below one parent use in one step: per axis the
    largest single factor, since more dimensions on one axis only add offsets."""
    n = 1
    for axis in batch.tensors[t].axes:
        for fanout in plan.fanouts[parent + 1 :]:
            n *= max((fanout.get(d, 1) for d in axis.dims), default=1)
    return n
