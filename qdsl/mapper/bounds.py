"""A lower bound on the costs of every mapping of one plan: what has to move at least once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from qdsl.mapper.batch import Batch, Costing
from qdsl.mapper.plans import Plan
from qdsl.symbolic.functions import distinct_sums
from qdsl.symbolic.traffic import access_energy_pj

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array


@dataclass(frozen=True, slots=True)
class _Least:
    """Values per instance of an item, at the least: read or updated for its children, of these partial sums read again, and
    filled."""

    item: int
    moved: int
    returning: int
    filled: int


def plan_bounds(batch: Batch, plan: Plan) -> Array:
    """float64[rows].

    Each instance of a level is filled at least once with every input value it ever uses, its parent reads each at least
    once, and every output value is written back at least once; the levels next to the compute units serve every
    operation, shared at most by all instances that do not differ in a relevant dimension.
    """
    total = batch.fixed(plan_steps(batch, plan))
    for t, tensor in enumerate(batch.tensors):
        least = tuple(_least(batch, plan, t))
        costings, index = batch.costings[t]
        costs = [sum(_cost(batch, plan, x, c, tensor.is_output) for x in least) for c in costings]
        total += np.array(costs, dtype=float)[index]
    return total


def plan_steps(batch: Batch, plan: Plan) -> int:
    """Temporal iterations of every mapping of a plan."""
    compute = len(batch.space.accelerator.hierarchy)
    return prod(batch.space.problem.size(d) // plan.above(compute, d) for d in batch.dims)


def _least(batch: Batch, plan: Plan, t: int) -> Iterator[_Least]:
    is_output = batch.tensors[t].is_output
    innermost, outermost = batch.keepers[t][0], batch.keepers[t][-1]
    for item in batch.keepers[t]:
        least, most = _touched(batch, plan, t, item)
        moved = least
        if item == innermost:
            moved = max(least, plan_steps(batch, plan) * _distinct_at_least(batch, plan, t, item))
        returning = max(0, moved - most) if is_output else 0
        yield _Least(item, moved, returning, 0 if is_output or item == outermost else least)


def _cost(batch: Batch, plan: Plan, x: _Least, costing: Costing, is_output: bool) -> float:
    """What a row counts at one item."""
    words, measure = costing.packing[x.item].words, costing.measure
    moved, returning, filled = words(x.moved), words(x.returning), words(x.filled)
    reads, updates = (returning, moved) if is_output else (moved, 0)
    energy_pj = access_energy_pj(batch.level(x.item), reads, filled, updates) if measure.energy else 0.0
    cost: float = measure.energy * plan.instances(x.item) * energy_pj
    for flow, weight in measure.flows:
        if flow.item == x.item:
            cost += weight * (flow.reads * reads + flow.writes * (filled + updates))
    return cost


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
