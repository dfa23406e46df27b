"""From a path through the lattice back to its mapping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qdsl.mapper.orders import completed
from qdsl.mapper.sweep import Key, Move, States, Sweep
from qdsl.mapper.to_go import inwards
from qdsl.model.accelerator import StorageLevel
from qdsl.model.mapping import Loop, Mapping

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array

# Indices of the extents of all dimensions at an item.
Position = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """The way through one level: from the extents inside its loops to those at it."""

    item: int
    move: Move
    inside: Position
    at: Position


def best_of_plan(sweep: Sweep, row: int = 0) -> tuple[float, Mapping]:
    """The least cost of a plan in one row, and a mapping that has it. The plan must admit one."""
    hierarchy = sweep.batch.space.accelerator.hierarchy
    states = sweep.start()
    history: list[States] = [states]
    for item in reversed(range(len(hierarchy))):
        states = sweep.advance(states, item)
        history.append(states)
    totals = {key: float(sweep.closed(key, costs)[row].reshape(())) for key, costs in states.items()}
    key = min(totals, key=lambda k: totals[k])
    least = totals[key] + float(sweep.edges.compute_costs()[row])
    at = (0,) * len(sweep.batch.dims)
    path = []
    for item, part in enumerate(hierarchy):
        if isinstance(part, StorageLevel):
            key, passage = _step_back(sweep, history[len(hierarchy) - 1 - item], row, item, key, at)
            path.append(passage)
            at = passage.inside
    return least, mapping_along(sweep, path)


def _step_back(sweep: Sweep, inside: States, row: int, item: int, key: Key, at: Position) -> tuple[Key, Passage]:
    """The last part of a best path to state (key, at), and the state inside it."""
    target = np.full([1, *(len(sweep.domains.extents[item][d]) for d in sweep.batch.dims)], np.inf)
    target[(0, *at)] = 0.0
    best: tuple[float, Key, Passage] | None = None
    for before, costs in inside.items():
        for move in sweep.moves(before, item):
            if move.after == key:
                way = inwards(sweep.steps(before, move, item), target)[-1]
                total: Array = costs[row] + way[row if len(way) > 1 else 0]
                i = int(np.argmin(total))
                if best is None or total.flat[i] < best[0]:
                    position = tuple(int(x) for x in np.unravel_index(i, total.shape))
                    best = (float(total.flat[i]), before, Passage(item, move, position, at))
    assert best is not None and np.isfinite(best[0])
    return best[1], best[2]


def mapping_along(sweep: Sweep, path: Sequence[Passage]) -> Mapping:
    """The mapping with the loops of a path, which goes through every level."""
    accelerator = sweep.batch.space.accelerator
    loops: dict[str, tuple[Loop, ...]] = {}
    for fanout in accelerator.fanouts:
        for place in fanout.places:
            loops[place] = tuple(Loop(d, f) for p, d, f in sweep.plan.places if p == place)
    for passage in path:
        inside, here = sweep.domains.extents[passage.item + 1], sweep.domains.extents[passage.item]
        factors = {d: here[d][passage.at[k]] // inside[d][passage.inside[k]] for k, d in enumerate(sweep.batch.dims)}
        level, order = sweep.batch.level(passage.item).name, passage.move.order
        sequence = completed(order, sweep.batch.space.orders.get(level, ())) if order else ()
        loops[level] = tuple(Loop(d, factors[d]) for d in reversed(sequence) if factors[d] > 1)
    return Mapping(tuple((p, loops[p]) for p in accelerator.places), bypass=sweep.batch.space.bypass)
