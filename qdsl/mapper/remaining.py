"""What is still to be paid outside the arrays, at the least, from every tile inside: an admissible cost to go.

Seen from outside, an array whose instances hold different tiles is like one instance that holds all of them, but for what
is stored several times, overlaps, or is rounded up more often. So the loops outside the outermost fan-out cost a plan at least
what they cost without any unrolling. That is computed once for all plans, by the sweep run backwards, and tells of most
of them before the costliest parts of their own sweep that they cannot be the best.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qdsl.mapper.batch import Batch
from qdsl.mapper.edges import Edges
from qdsl.mapper.lattice import Domains
from qdsl.mapper.plans import Plan
from qdsl.mapper.sweep import Key, States, Sweep
from qdsl.mapper.to_go import CostToGo
from qdsl.mapspace.space import Space, divisors_of
from qdsl.model.accelerator import FanOut

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array

# Plans to search before the cost to go is worth computing.
_FEW = 4


@dataclass(frozen=True)
class Remaining:
    """to_go: of a plan that unrolls nothing, over all extents from which the loops outside the outermost fan-out lead to
    the whole; outside: the item of that fan-out."""

    to_go: CostToGo
    outside: int

    @classmethod
    def once_worth(cls, batch: Batch, searched: int, known: Remaining | None) -> Remaining | None:
        """Known or, when so many plans have been searched that it is worth it, computed."""
        return cls._of(batch) if known is None and searched >= _FEW else known

    @classmethod
    def _of(cls, batch: Batch) -> Remaining:
        hierarchy = batch.space.accelerator.hierarchy
        outside = next((i for i, h in enumerate(hierarchy) if isinstance(h, FanOut)), len(hierarchy))
        plan = Plan((), ({},) * len(hierarchy))
        columns = {d: _column(batch.space, d, outside) for d in batch.dims}
        domains = Domains(tuple({d: c[min(i, outside)] for d, c in columns.items()} for i in range(len(hierarchy) + 1)))
        # an instance inside the array moves fewer words than one that holds all tiles
        batch = replace(batch, measures=tuple(m.outside(outside) for m in batch.measures))
        return cls(CostToGo(Sweep(batch, plan, {}, domains, Edges(batch, plan, {}, domains))), outside)

    def exclude(self, sweep: Sweep, hopeless: Callable[[Array], bool], states: States, item: int) -> bool:
        """Whether no state of a plan, inside the loops of an item, is worth going on. hopeless: whether no mapping with at
        least such costs, float64[rows, n], is. Only of items outside the outermost fan-out; of others it says no."""
        if item >= self.outside:
            return False
        extents, everywhere = sweep.domains.extents[item + 1], self.to_go.sweep.domains.extents[item + 1]
        at: Any = np.ix_(*([everywhere[d].index(e) for e in extents[d]] for d in sweep.batch.dims))
        compute = sweep.edges.compute_costs()[:, None]
        for key, costs in states.items():
            total = costs + self.to_go.inside(self._reduced(key), item)[(slice(None), *at)]
            if not hopeless(total.reshape(len(total), -1) + compute):
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
        strides leave gaps they may have fewer. What neighbours pass on was in the box before, so its window slides too."""
        return frozenset(
            t
            for t, x in enumerate(self.to_go.sweep.batch.tensors)
            if all(len(a.terms) == 1 or (not x.is_output and all(m.coefficient == 1 for m in a.terms)) for a in x.axes)
        )


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
