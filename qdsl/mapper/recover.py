"""From the optimum back to its mapping: the path through the lattice, walked from the outermost level inwards."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from qdsl.mapper.orders import completed
from qdsl.mapper.sweep import Key, Move, States, Sweep
from qdsl.model.accelerator import FanOut, StorageLevel
from qdsl.model.mapping import Loop, Mapping

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array


def best_of_plan(sweep: Sweep) -> tuple[float, Mapping]:
    """The least energy of a plan with one bit-width assignment, and a mapping that has it. The plan must admit one."""
    hierarchy = sweep.batch.space.accelerator.hierarchy
    states = sweep.start()
    history: list[States] = [states]
    for item in reversed(range(len(hierarchy))):
        states = sweep.advance(states, item)
        history.append(states)
    totals = {key: float(sweep.closed(key, costs).reshape(())) for key, costs in states.items()}
    key = min(totals, key=lambda k: totals[k])
    energy_pj = totals[key] + float(sweep.edges.compute_energy_pj()[0])
    at = (0,) * len(sweep.batch.dims)
    loops: dict[str, tuple[Loop, ...]] = {}
    for item, part in enumerate(hierarchy):
        inside = history[len(hierarchy) - 1 - item]
        if isinstance(part, StorageLevel):
            loops[part.name], key, at = _step_back(sweep, inside, item, key, at)
        else:
            at = _same_position(sweep, item, at)
            for place in part.places:
                loops[place] = tuple(Loop(d, f) for p, d, f in sweep.plan.places if p == place)
    places = sweep.batch.space.accelerator.places
    return energy_pj, Mapping(tuple((p, loops[p]) for p in places))


def _step_back(
    sweep: Sweep, inside: States, item: int, key: Key, at: tuple[int, ...]
) -> tuple[tuple[Loop, ...], Key, tuple[int, ...]]:
    """The loops of a level on a best path to state (key, at), and the state inside them."""
    import numpy as np

    best: tuple[float, Key, Move, tuple[int, ...]] | None = None
    for before, costs in inside.items():
        for move in sweep.moves(before, item):
            if move.after == key:
                total = _costs_to(sweep, costs[0], before, move, item, at)
                i = int(np.argmin(total))
                if best is None or total.flat[i] < best[0]:
                    position = tuple(int(x) for x in np.unravel_index(i, total.shape))
                    best = (float(total.flat[i]), before, move, position)
    assert best is not None and np.isfinite(best[0])
    _, before, move, position = best
    factors = {
        d: sweep.domains.extents[item][d][at[k]] // sweep.domains.extents[item + 1][d][position[k]]
        for k, d in enumerate(sweep.batch.dims)
    }
    level = sweep.batch.level(item).name
    sequence = completed(move.order, sweep.batch.space.orders.get(level, ())) if move.order else ()
    nest = tuple(Loop(d, factors[d]) for d in reversed(sequence) if factors[d] > 1)
    assert prod(factors.values()) == prod(loop.factor for loop in nest)
    return nest, before, position


def _costs_to(sweep: Sweep, costs: Array, before: Key, move: Move, item: int, at: tuple[int, ...]) -> Array:
    """float64[inner extents...]: cost of reaching the extents `at` from every inner extent by one move."""
    import numpy as np

    total = costs.copy()
    dims = sweep.batch.dims
    order = move.order
    for k, d in enumerate(dims):
        table = sweep.table(item, d, order is not None and d in order.active)
        closed = np.ones(costs.shape[k], dtype=bool)
        closed[list(table.inner[at[k]])] = False
        total[(slice(None),) * k + (closed,)] = np.inf
    for n, t in enumerate(move.resolved):
        assert order is not None
        stationary = frozenset(order.prefix[: order.stationary[n]])
        slide = sweep.slides(t, before, order)
        charge = sweep.edges.resolved(t, before[t], item, stationary, slide)[0]
        if slide:
            charge = charge[..., at[dims.index(slide)]]
        for k, d in enumerate(dims):
            if d in stationary:
                charge = np.take(charge, [at[k]], axis=k)
        total = total + charge
    return total


def _same_position(sweep: Sweep, item: int, at: tuple[int, ...]) -> tuple[int, ...]:
    """Where the extents at a fan-out come from inside it."""
    assert isinstance(sweep.batch.space.accelerator.hierarchy[item], FanOut)
    inner, outer = sweep.domains.extents[item + 1], sweep.domains.extents[item]
    return tuple(
        inner[d].index(outer[d][at[k]] // sweep.plan.fanouts[item].get(d, 1)) for k, d in enumerate(sweep.batch.dims)
    )
