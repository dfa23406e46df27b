"""What is still to be paid outside the arrays, at the least, from every tile inside: an admissible cost to go.

Seen from outside, an array whose instances hold different tiles is like one instance that holds all of them, but for what
is stored several times, overlaps, or is rounded up more often. So the loops outside the outermost fan-out cost a plan at least
what they cost without any unrolling. That is computed once for all plans, by the sweep run backwards, and tells of most
of them before the costliest parts of their own sweep that they cannot be the best.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qdsl.mapper.batch import Batch
from qdsl.mapper.edges import Edges
from qdsl.mapper.lattice import Domains, Growth
from qdsl.mapper.objective import RELATIVE_TOLERANCE
from qdsl.mapper.plans import Plan
from qdsl.mapper.sweep import Key, Move, States, Sweep
from qdsl.mapspace.space import Space, divisors_of
from qdsl.model.accelerator import FanOut

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array


@dataclass(frozen=True)
class Remaining:
    """sweep: of a plan that unrolls nothing, over all extents from which the loops outside the outermost fan-out lead to
    the whole; outside: the item of that fan-out."""

    sweep: Sweep
    outside: int
    _costs: dict[tuple[Key, int], Array] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: Batch) -> Remaining:
        hierarchy = batch.space.accelerator.hierarchy
        outside = next((i for i, h in enumerate(hierarchy) if isinstance(h, FanOut)), len(hierarchy))
        plan = Plan((), ({},) * len(hierarchy))
        columns = {d: _column(batch.space, d, outside) for d in batch.dims}
        domains = Domains(tuple({d: c[min(i, outside)] for d, c in columns.items()} for i in range(len(hierarchy) + 1)))
        return cls(Sweep(batch, plan, {}, domains, Edges(batch, plan, {}, domains)), outside)

    def exclude(self, sweep: Sweep, limits_pj: Array, states: States, item: int) -> bool:
        """Whether no state of a plan, inside the loops of an item, leads to less than the limits: float64[assignments]. Only
        of items outside the outermost fan-out; of others it says no."""
        if item >= self.outside:
            return False
        limits = limits_pj * (1 - RELATIVE_TOLERANCE) - sweep.edges.compute_energy_pj()
        extents, everywhere = sweep.domains.extents[item + 1], self.sweep.domains.extents[item + 1]
        at: Any = np.ix_(*([everywhere[d].index(e) for e in extents[d]] for d in sweep.batch.dims))
        axes = tuple(range(1, 1 + len(sweep.batch.dims)))
        for key, costs in states.items():
            total = costs + self._from(self._reduced(key), item)[(slice(None), *at)]
            if (total.min(axis=axes) < limits).any():
                return False
        return True

    def _reduced(self, key: Key) -> Key:
        """Without the tiles inside arrays to which the comparison with one instance does not apply."""
        return tuple(
            tuple(c for c in chain if c[0] < self.outside or t in self._comparable) for t, chain in enumerate(key)
        )

    @cached_property
    def _comparable(self) -> frozenset[int]:
        """Tensors of which the tiles of several instances have together at least the values of the box around them: where
        strides leave gaps they may have fewer, and neighbours may pass tiles on."""
        forwarded = frozenset[str]().union(*(f.forward for f in self.sweep.batch.space.accelerator.fanouts))
        return frozenset(
            t
            for t, x in enumerate(self.sweep.batch.tensors)
            if x.name not in forwarded
            and all(len(a.terms) == 1 or (not x.is_output and all(m.coefficient == 1 for m in a.terms)) for a in x.axes)
        )

    def _from(self, key: Key, item: int) -> Array:
        """float64[assignments or 1, extents inside the loops of the item...]: the least cost of the loops there and outside."""
        if (key, item) not in self._costs:
            shape = [len(self.sweep.domains.extents[item + 1][d]) for d in self.sweep.batch.dims]
            least: Array = np.full((1, *shape), np.inf)
            for move in self.sweep.moves(key, item):
                least = np.minimum(least, self._back(key, move, item))
            self._costs[key, item] = least
        return self._costs[key, item]

    def _beyond(self, key: Key, item: int) -> Array:
        """The least cost outside an item, from the extents at it that its memory can hold."""
        if item == 0:
            return self.sweep.closed(key, np.zeros((1,) * (1 + len(self.sweep.batch.dims))))
        legal = self.sweep.fits(item)
        costs = self._from(key, item - 1)
        return costs if legal is None else np.where(legal, costs, np.inf)

    def _back(self, key: Key, move: Move, item: int) -> Array:
        """`Sweep._apply` backwards: from the extents at an item to those inside its loops."""
        order = move.order
        prefix = order.prefix if order else ()
        active = order.active if order else frozenset()
        stationary = dict(zip(move.resolved, order.stationary, strict=True)) if order else {}
        sliders = [(t, slide) for t in move.resolved if order and (slide := self.sweep.slides(t, key, order))]
        costs = self._beyond(move.after, item)
        for k, d in enumerate(self.sweep.batch.dims, 1):
            if d not in prefix:
                costs = _shrink(costs, k, self.sweep.table(item, d, d in active))
        for n in range(len(prefix), -1, -1):
            for t in move.resolved:
                if stationary[t] == n and not any(t == s for s, _ in sliders):
                    costs = costs + self.sweep.charge(t, key[t], item, frozenset(prefix[:n]), None)
            if n == 1 and sliders:
                costs = self._shrink_sliding(costs, key, sliders, item)
            elif n:
                axis = 1 + self.sweep.batch.dims.index(prefix[n - 1])
                costs = _shrink(costs, axis, self.sweep.table(item, prefix[n - 1], True))
        return costs

    def _shrink_sliding(self, costs: Array, key: Key, sliders: Sequence[tuple[int, str]], item: int) -> Array:
        dim = sliders[0][1]
        axis = 1 + self.sweep.batch.dims.index(dim)
        charge: Any = sum(self.sweep.charge(t, key[t], item, frozenset(), slide) for t, slide in sliders)
        table = self.sweep.table(item, dim, True)
        source = np.moveaxis(costs, axis, 0)
        extra = np.moveaxis(charge, axis, 0)
        inner = len(self.sweep.domains.extents[item + 1][dim])
        shape = np.broadcast_shapes(source.shape[1:], extra.shape[1:-1])
        out = np.full((inner, *shape), np.inf)
        for j, reached in enumerate(table.inner):
            for i in reached:
                np.minimum(out[i], source[j] + extra[i, ..., j], out=out[i])
        return np.moveaxis(out, 0, axis)


def _shrink(costs: Array, axis: int, table: Growth) -> Array:
    """Least cost over the outer extents of one axis for every inner extent: `grow` backwards."""
    if table.identity:
        return costs
    source = np.moveaxis(costs, axis, 0)
    out = np.full((table.inner_count, *source.shape[1:]), np.inf)
    for j, reached in enumerate(table.inner):
        for i in reached:
            np.minimum(out[i], source[j], out=out[i])
    return np.moveaxis(out, 0, axis)


def _column(space: Space, dim: str, outside: int) -> list[tuple[int, ...]]:
    """Per item up to the outermost fan-out the extents from which the loops further out lead to the whole dimension."""
    size = space.problem.size(dim)
    out: list[tuple[int, ...]] = [(size,)]
    for level in space.accelerator.hierarchy[:outside]:
        inner = {e // f for e in out[-1] for f in space.factors[level.name, dim] if e % f == 0}
        item = len(out)
        below = space.accelerator.hierarchy[item] if item < len(space.accelerator.hierarchy) else None
        allowed = space.tiles.get((below.name, dim)) if below and not isinstance(below, FanOut) else None
        out.append(tuple(e for e in divisors_of(size) if e in inner and (allowed is None or e in allowed)))
    return out
