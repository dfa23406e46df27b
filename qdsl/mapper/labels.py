"""All ways through one spatial plan that may be worth it, when more than one cost matters.

Words through a port matter once they need more cycles than the compute units, and then one mapping is cheaper and another
one faster. So paths through the lattice are followed one by one, innermost level first; of those that lead to the same tiles
only the ones that no other beats in every cost are kept, and none whose costs so far and least costs to go, by the sweep run
backwards, already are too much.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qdsl.mapper.growth import Charge, Growth, Slide, Step
from qdsl.mapper.recover import Passage, mapping_along
from qdsl.mapper.sweep import Key, Move, Sweep
from qdsl.mapper.to_go import CostToGo, inwards
from qdsl.model.accelerator import FanOut

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array, Fits, Ints
    from qdsl.model.mapping import Mapping

# Whether complete costs of at least these, float64[rows, n], are worth it: bool[n].
Promising = Callable[["Array"], "Fits"]

# Paths followed at once: more would not fit into memory with their costs.
_MOST = 4_000_000
# Predecessors in the order of the first cost that a path is compared with if there are three costs or more.
_NEAR = 64
# Relative to the largest cost: what sums in another order may differ by.
_NOISE = 1e-13


class OutOfReach(Exception):
    """There are too many paths, or the time is up."""


@dataclass(frozen=True)
class Labels:
    """Paths to tiles at one item, n of them. at: int64[n, dims]; costs: float64[rows, n]; the path came through the move
    `moves[via]` from path `before` of the states inside it."""

    at: Ints
    costs: Array
    via: Ints
    before: Ints

    def __len__(self) -> int:
        return len(self.via)

    def take(self, index: Ints | Fits) -> Labels:
        return Labels(self.at[index], self.costs[:, index], self.via[index], self.before[index])


@dataclass(frozen=True)
class _Stage:
    """The labels at an item by what waits there, and the moves that led to them: (item, key inside, move)."""

    labels: dict[Key, Labels]
    moves: tuple[tuple[int, Key, Move], ...]


@dataclass(frozen=True)
class Paths:
    """Complete mappings of a plan. costs: float64[rows, n]."""

    costs: Array
    _sweep: Sweep
    _stages: tuple[_Stage, ...]
    _ends: tuple[tuple[Key, int], ...]

    def mapping(self, n: int) -> Mapping:
        """The mapping with the n-th costs."""
        key, row = self._ends[n]
        path = []
        for inside, stage in zip(self._stages[-2::-1], self._stages[:0:-1], strict=True):
            labels = stage.labels[key]
            item, before, move = stage.moves[labels.via[row]]
            at = tuple(int(x) for x in labels.at[row])
            key, row = before, int(labels.before[row])
            path.append(Passage(item, move, tuple(int(x) for x in inside.labels[key].at[row]), at))
        return mapping_along(self._sweep, path)


def paths(sweep: Sweep, promising: Promising, deadline: float | None = None) -> Paths:
    """Every mapping of a plan that is promising and that no other of them beats in all costs. Raises OutOfReach."""
    hierarchy = sweep.batch.space.accelerator.hierarchy
    rows, dims = len(sweep.batch.bits), len(sweep.batch.dims)
    if sweep.domains.empty:
        return Paths(np.zeros((rows, 0)), sweep, (), ())
    to_go = CostToGo(sweep)
    compute = sweep.edges.compute_costs()[:, None]
    one = np.zeros(1, dtype=np.int64)
    start = Labels(np.zeros((1, dims), dtype=np.int64), np.broadcast_to(compute, (rows, 1)), one, one)
    stages = [_Stage(dict.fromkeys(sweep.start(), start), ())]
    for item in reversed(range(len(hierarchy))):
        if isinstance(hierarchy[item], FanOut):
            continue
        found: dict[Key, list[Labels]] = {}
        moves: list[tuple[int, Key, Move]] = []
        for key, labels in stages[-1].labels.items():
            for move in sweep.moves(key, item):
                if deadline is not None and time.perf_counter() > deadline:
                    raise OutOfReach
                steps = sweep.steps(key, move, item)
                least = inwards(steps, to_go.at(move.after, item))
                fresh = Labels(labels.at, labels.costs, np.full(len(labels), len(moves)), np.arange(len(labels)))
                reached = _through(fresh, steps, least, promising)
                if len(reached):
                    found.setdefault(move.after, []).append(reached)
                moves.append((item, key, move))
        shape = tuple(len(sweep.domains.extents[item][d]) for d in sweep.batch.dims)
        stages.append(_Stage({key: _undominated(_joined(x), shape) for key, x in found.items()}, tuple(moves)))
    ends = [(key, i) for key, labels in stages[-1].labels.items() for i in range(len(labels))]
    costs = [_closed(sweep, key, labels) for key, labels in stages[-1].labels.items()]
    return Paths(np.concatenate(costs, axis=1) if costs else np.zeros((rows, 0)), sweep, tuple(stages), tuple(ends))


def _closed(sweep: Sweep, key: Key, labels: Labels) -> Array:
    shape = (len(sweep.batch.bits), *(1 for _ in sweep.batch.dims))
    outermost: Array = sweep.closed(key, np.zeros(shape))
    return labels.costs + outermost.reshape(len(sweep.batch.bits), 1)


def _through(labels: Labels, steps: Sequence[Step], least: Sequence[Array], promising: Promising) -> Labels:
    """The labels after the steps of a move. least: costs to go after the last step, before it, ... before the first."""
    labels = _worth(labels, least[-1], promising)
    for step, beyond in zip(steps, least[-2::-1], strict=True):
        if not len(labels):
            break
        if isinstance(step, Charge):
            labels = Labels(labels.at, labels.costs + _at(step.costs, labels.at), labels.via, labels.before)
        else:
            extra = step.costs if isinstance(step, Slide) else None
            labels = _grown(labels, step.axis - 1, step.table, extra)
        labels = _worth(labels, beyond, promising)
    return labels


def _worth(labels: Labels, to_go: Array, promising: Promising) -> Labels:
    keep = promising(labels.costs + _at(to_go, labels.at))
    return labels if keep.all() else labels.take(keep)


def _at(costs: Array, at: Ints) -> Array:
    """float64[rows or 1, n]: of the tiles of labels, from float64[rows or 1, extents or 1...]."""
    index = tuple(at[:, k] if n > 1 else 0 for k, n in enumerate(costs.shape[1:]))
    found: Array = costs[(slice(None), *index)]
    return found if found.ndim == 2 else found[:, None]


def _grown(labels: Labels, k: int, table: Growth, extra: Array | None) -> Labels:
    """Every label with each outer extent of dimension k. extra: what a pair of extents costs, the outer on the last axis."""
    flat, begin, counts = table.fan
    inner = labels.at[:, k]
    times = counts[inner]
    total = int(times.sum())
    if total > _MOST:
        raise OutOfReach
    source = np.repeat(np.arange(len(labels)), times)
    offset = np.arange(total) - np.repeat(np.cumsum(times) - times, times)
    outer = flat[begin[inner[source]] + offset]
    out = labels.take(source)
    if extra is not None:
        out = Labels(out.at, out.costs + _at(extra, np.column_stack([out.at, outer])), out.via, out.before)
    out.at[:, k] = outer
    return out


def _joined(labels: Sequence[Labels]) -> Labels:
    if len(labels) == 1:
        return labels[0]
    return Labels(
        np.concatenate([x.at for x in labels]),
        np.concatenate([x.costs for x in labels], axis=1),
        np.concatenate([x.via for x in labels]),
        np.concatenate([x.before for x in labels]),
    )


def _undominated(labels: Labels, shape: tuple[int, ...]) -> Labels:
    """Without the labels that another one of the same tiles equals or beats in every cost."""
    tiles = np.ravel_multi_index(tuple(labels.at.T), shape) if shape else np.zeros(len(labels), dtype=np.int64)
    noise = _NOISE * np.maximum(np.abs(labels.costs).max(axis=1, keepdims=True), 1.0)
    costs = np.round(labels.costs / noise)
    order = np.lexsort((*costs[::-1], tiles))
    tiles, costs = tiles[order], costs[:, order]
    if len(costs) == 1:
        keep = np.ones(len(tiles), dtype=bool)
        keep[1:] = tiles[1:] != tiles[:-1]
    elif len(costs) == 2:
        keep = _descending(tiles, costs[1])
    else:
        keep = np.ones(len(tiles), dtype=bool)
        for shift in range(1, min(_NEAR, len(tiles))):
            same = tiles[shift:] == tiles[:-shift]
            if not same.any():
                break
            keep[shift:] &= ~(same & (costs[:, shift:] >= costs[:, :-shift]).all(axis=0))
    return labels.take(order[keep])


def _descending(groups: Ints, costs: Array) -> Fits:
    """Which costs are below all before them in their group; groups ascend."""
    _, ranks = np.unique(costs, return_inverse=True)
    ranks = ranks.reshape(-1)
    # every group begins below all of the groups before it
    _, number = np.unique(groups, return_inverse=True)
    lowered = ranks - number.reshape(-1) * (len(costs) + 1)
    before = np.concatenate([[np.iinfo(np.int64).max], np.minimum.accumulate(lowered)[:-1]])
    keep: Fits = lowered < before
    return keep
