"""Lower bounds on the costs of every mapping of spatial plans: what has to move at least once. All plans at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from qdsl.mapper.batch import Batch, Costing
from qdsl.mapper.plans import Plan
from qdsl.symbolic.functions import distinct_sums
from qdsl.symbolic.traffic import access_energy_pj

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array, Ints


def plan_bounds(batch: Batch, plans: Sequence[Plan]) -> Array:
    """float64[rows, plans].

    Each instance of a level is filled at least once with every input value it ever uses, its parent reads each at least
    once, and every output value is written back at least once; the levels next to the compute units serve every
    operation, shared at most by all instances that do not differ in a relevant dimension.
    """
    table = _Table(batch, plans)
    total = batch.fixed(table.steps)
    for t, tensor in enumerate(batch.tensors):
        least = tuple(_least(table, t))
        costings, index = batch.costings[t]
        costs = [sum(_cost(table, x, c, tensor.is_output) for x in least) for c in costings]
        total += np.array([np.broadcast_to(c, len(plans)) for c in costs], dtype=float)[index]
    return total


def plan_steps(batch: Batch, plans: Sequence[Plan]) -> Ints:
    """Temporal iterations of every mapping of each plan: int64[plans]."""
    return _Table(batch, plans).steps


@dataclass(frozen=True)
class _Table:
    """Spatial factors of plans. Arrays: int64[plans]."""

    batch: Batch
    plans: Sequence[Plan]

    @cached_property
    def factors(self) -> tuple[dict[str, Ints], ...]:
        """Per item those of the dimensions that some plan unrolls there."""
        items = range(len(self.batch.space.accelerator.hierarchy))
        found = [{d for plan in self.plans for d in plan.fanouts[i]} for i in items]
        return tuple(
            {d: np.array([plan.fanouts[i].get(d, 1) for plan in self.plans]) for d in sorted(found[i])} for i in items
        )

    @cached_property
    def _above(self) -> tuple[dict[str, Ints], ...]:
        """Per item, and for the compute units, the products of the factors outside."""
        out: list[dict[str, Ints]] = [{}]
        for here in self.factors:
            out.append({**out[-1], **{d: out[-1].get(d, 1) * f for d, f in here.items()}})
        return tuple(out)

    def above(self, item: int, dim: str) -> Ints | int:
        return self._above[item].get(dim, 1)

    def instances(self, item: int) -> Ints | int:
        """Used instances of an item."""
        return prod(self._above[item].values())

    @cached_property
    def steps(self) -> Ints:
        compute = len(self.batch.space.accelerator.hierarchy)
        sizes = ((self.batch.space.problem.size(d), self.above(compute, d)) for d in self.batch.dims)
        return np.broadcast_to(np.asarray(prod(n // f for n, f in sizes), dtype=np.int64), len(self.plans))


@dataclass(frozen=True, slots=True)
class _Least:
    """Values per instance of an item, at the least: read or updated for its children, of these partial sums read again, and
    filled."""

    item: int
    moved: Ints
    returning: Ints | int
    filled: Ints | int


def _least(table: _Table, t: int) -> Iterator[_Least]:
    batch = table.batch
    is_output = batch.tensors[t].is_output
    innermost, outermost = batch.keepers[t][0], batch.keepers[t][-1]
    for item in batch.keepers[t]:
        least, most = _touched(table, t, item)
        moved = np.asarray(least)
        if item == innermost:
            moved = np.maximum(least, table.steps * _distinct_at_least(table, t, item))
        returning = np.maximum(0, moved - most) if is_output else 0
        yield _Least(item, moved, returning, 0 if is_output or item == outermost else least)


def _cost(table: _Table, x: _Least, costing: Costing, is_output: bool) -> Array | float:
    """What a row counts at one item: float64[plans]."""
    words, measure = costing.packing[x.item].words, costing.measure
    moved, returning, filled = words(x.moved), words(x.returning), words(x.filled)
    reads, updates = (returning, moved) if is_output else (moved, 0)
    cost: Array | float = 0.0
    if measure.energy:
        energy_pj = access_energy_pj(table.batch.level(x.item), reads, filled, updates)
        cost = measure.energy * table.instances(x.item) * energy_pj
    for flow, weight in measure.flows:
        if flow.item == x.item:
            cost = cost + weight * (flow.reads * reads + flow.writes * (filled + updates))
    return cost


def _touched(table: _Table, t: int, item: int) -> tuple[Ints | int, Ints | int]:
    """How many different values one instance of an item uses, at least and at most. They differ along an axis that
    several dimensions share, one of them unrolled outside: the pieces may meet more or less than they would in a row."""
    least: Ints | int = 1
    most: Ints | int = 1
    problem = table.batch.space.problem
    for axis in table.batch.tensors[t].axes:
        terms = [(x.coefficient, problem.size(x.dim) // table.above(item, x.dim)) for x in axis.terms]
        values = distinct_sums(terms)
        if len(terms) == 1:
            least, most = least * values, most * values
            continue
        apart = reduce(np.logical_or, (np.asarray(table.above(item, d)) > 1 for d in axis.dims))
        least = least * np.where(apart, 1 + sum(n - 1 for _, n in terms), values)
        most = most * np.where(apart, prod(n for _, n in terms), values)
    return least, most


def _distinct_at_least(table: _Table, t: int, parent: int) -> Ints:
    """A lower bound on the different single values that the compute units below one parent use in one step: per axis the
    largest single factor, since more dimensions on one axis only add offsets."""
    n: Ints = np.ones(len(table.plans), dtype=np.int64)
    for axis in table.batch.tensors[t].axes:
        for factors in table.factors[parent + 1 :]:
            unrolled = [factors[d] for d in axis.dims if d in factors]
            n = n * np.max(unrolled, axis=0) if unrolled else n
    return n
