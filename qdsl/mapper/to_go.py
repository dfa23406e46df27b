"""The sweep run backwards: what is still to be paid, at the least, from every tile outwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from qdsl.mapper.growth import Step
from qdsl.mapper.sweep import Key, Sweep
from qdsl.model.accelerator import FanOut

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array


@dataclass(frozen=True)
class CostToGo:
    """Of one plan. Arrays: (rows or 1, extents per dimension); inf where no legal mapping goes on."""

    sweep: Sweep
    _costs: dict[tuple[Key, int], Array] = field(default_factory=dict)

    def inside(self, key: Key, item: int) -> Array:
        """From the extents inside the loops of an item: the least cost of the loops there and outside."""
        if isinstance(self.sweep.batch.space.accelerator.hierarchy[item], FanOut):
            return self.at(key, item)
        if (key, item) not in self._costs:
            shape = [len(self.sweep.domains.extents[item + 1][d]) for d in self.sweep.batch.dims]
            least: Array = np.full((1, *shape), np.inf)
            for move in self.sweep.moves(key, item):
                *_, costs = inwards(self.sweep.steps(key, move, item), self.at(move.after, item))
                least = np.minimum(least, costs)
            self._costs[key, item] = least
        return self._costs[key, item]

    def at(self, key: Key, item: int) -> Array:
        """From the extents at an item that its memory can hold: the least cost outside it."""
        if item == 0:
            costs = self.sweep.closed(key, np.zeros((1,) * (1 + len(self.sweep.batch.dims))))
        else:
            costs = self.inside(key, item - 1)
        if isinstance(self.sweep.batch.space.accelerator.hierarchy[item], FanOut):
            return costs
        legal = self.sweep.fits(item)
        return costs if legal is None else np.where(legal, costs, np.inf)


def inwards(steps: Sequence[Step], costs: Array) -> list[Array]:
    """The least cost to go before each step, from the last step to the first, after `costs` themselves."""
    out = [costs]
    for step in reversed(steps):
        out.append(step.inwards(out[-1]))
    return out
