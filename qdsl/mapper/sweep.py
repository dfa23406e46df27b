"""The exact search for one spatial plan: a shortest path through the levels, innermost first.

A state is (which tensors wait with which children, tile extents). At a level every waiting tensor either goes on waiting,
which forbids loops over its relevant dimensions there, or its children are charged for the visits that follow from the
extents and the class of the loop order. All quantities of an edge are known exactly: rounding to words and blocks included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from qdsl.mapper.batch import Batch
from qdsl.mapper.edges import Chain, Edges
from qdsl.mapper.growth import Charge, Grow, Growth, Slide, Step, growth
from qdsl.mapper.lattice import Domains, Pins, plan_domains
from qdsl.mapper.orders import OrderClass, Waiting, order_classes
from qdsl.mapper.plans import Plan
from qdsl.mapspace.masks import tiles_allowed
from qdsl.model.accelerator import FanOut

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array, Fits

# Per tensor its waiting chain; () while nothing waits.
Key = tuple[Chain, ...]
States = dict[Key, "Array"]


@dataclass(frozen=True, slots=True)
class Move:
    """What happens at one level: `order` None for no loops at all; resolved: indices of the tensors charged there."""

    after: Key
    resolved: tuple[int, ...]
    order: OrderClass | None


@dataclass(frozen=True)
class Sweep:
    """One plan with pinned extents. Arrays: (row, extents per dimension)."""

    batch: Batch
    plan: Plan
    pins: Pins
    domains: Domains
    edges: Edges
    _growths: dict[tuple[int, bool], dict[str, Growth]] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: Batch, plan: Plan, pins: Pins) -> Sweep:
        domains = plan_domains(batch.space, plan, pins, batch.dims, batch.shared)
        return cls(batch, plan, pins, domains, Edges(batch, plan, pins, domains))

    def least(self, hopeless: Callable[[States, int], bool] | None = None) -> Array:
        """float64[rows]: the least costs of any legal mapping of this plan, inf if there is none. hopeless: whether the
        states inside the loops of an item are not worth going on; then inf, too."""
        if self.domains.empty:
            return np.full(len(self.batch.bits), np.inf)
        states = self.start()
        for item in reversed(range(len(self.batch.space.accelerator.hierarchy))):
            if hopeless is not None and hopeless(states, item):
                return np.full(len(self.batch.bits), np.inf)
            states = self.advance(states, item)
        return self.finish(states)

    def start(self) -> States:
        shape = (len(self.batch.bits), *(1 for _ in self.batch.dims))
        return {tuple(() for _ in self.batch.tensors): np.zeros(shape)}

    def advance(self, states: States, item: int) -> States:
        """States at an item from the states inside it."""
        if isinstance(self.batch.space.accelerator.hierarchy[item], FanOut):
            return states
        out: States = {}
        for key, costs in states.items():
            for move in self.moves(key, item):
                reached = costs
                for step in self.steps(key, move, item):
                    reached = step.outwards(reached)
                out[move.after] = np.minimum(out[move.after], reached) if move.after in out else reached
        legal = self.fits(item)
        return {key: costs if legal is None else np.where(legal, costs, np.inf) for key, costs in out.items()}

    def finish(self, states: States) -> Array:
        """float64[rows]: charges what still waits above the outermost level, and the compute units."""
        totals = [self.closed(key, costs).reshape(len(self.batch.bits)) for key, costs in states.items()]
        least: Array = np.min(totals, axis=0)
        return least + self.edges.compute_costs()

    def closed(self, key: Key, costs: Array) -> Array:
        for t, chain in enumerate(key):
            if chain:
                costs = costs + self._charge(t, chain, -1, frozenset(), None)
        return costs

    def moves(self, key: Key, item: int) -> tuple[Move, ...]:
        """Every way to go through a level."""
        loops = frozenset(d for d, table in self._tables(item, True).items() if table.grows)
        question = ("moves", key, item, loops)
        if question not in self.batch.shared:
            self.batch.shared[question] = tuple(self._moves(key, item, loops))
        found: tuple[Move, ...] = self.batch.shared[question]
        return found

    def _moves(self, key: Key, item: int, loops: frozenset[str]) -> Iterator[Move]:
        """loops: dimensions that can have a loop at the level."""
        batch = self.batch
        level = batch.level(item)
        waiting = [t for t, chain in enumerate(key) if chain]
        yield Move(self._after(key, item, (), idle=True), (), None)
        orders = batch.space.orders.get(level.name, ())
        for size in range(len(waiting) + 1):
            for stay in combinations(waiting, size):
                allowed = loops.difference(*(batch.relevant[t] for t in stay))
                if not allowed:
                    continue
                resolved = tuple(t for t in waiting if t not in stay)
                tensors = tuple(
                    Waiting(
                        batch.tensors[t].name,
                        batch.relevant[t],
                        batch.sliding[t] & allowed if any(clean for _, clean in key[t]) else frozenset(),
                        any(batch.tensors[t].name in f.forward for f in batch.space.accelerator.fanouts),
                    )
                    for t in resolved
                )
                after = self._after(key, item, resolved, idle=False)
                for order in order_classes(allowed, tensors, orders):
                    yield Move(after, resolved, order)

    def _slides(self, t: int, key: Key, order: OrderClass) -> str | None:
        """The dimension that slides tensor t's window in this class."""
        chain_slides = order.slide in self.batch.sliding[t] and any(clean for _, clean in key[t])
        return order.slide if chain_slides else None

    def _tables(self, item: int, active: bool) -> dict[str, Growth]:
        key = (item, active)
        if key not in self._growths:
            level = self.batch.level(item).name
            tables = {}
            for d in self.batch.dims:
                factors = self.batch.space.factors[level, d]
                allowed = factors if active else tuple(f for f in factors if f == 1)
                tables[d] = growth(self.domains.extents[item + 1][d], self.domains.extents[item][d], allowed)
            self._growths[key] = tables
        return self._growths[key]

    def steps(self, key: Key, move: Move, item: int) -> tuple[Step, ...]:
        """A move, as steps outwards.

        A tensor whose stationary loops are the first n of the prefix depends on the outer extents of these and the inner
        extents of all other dimensions; so the dimensions are grown in the order of the prefix, and each tensor is
        charged when exactly its stationary ones have grown.
        """
        order = move.order
        active = order.active if order else frozenset()
        prefix = order.prefix if order else ()
        grown, fixed = self._tables(item, True), self._tables(item, False)
        slid: list[Array] = []
        charges: list[list[Array]] = [[] for _ in range(len(prefix) + 1)]
        for t, n in zip(move.resolved, order.stationary if order else (), strict=True):
            if order and (slide := self._slides(t, key, order)):
                slid.append(self._charge(t, key[t], item, frozenset(), slide))
            else:
                charges[n].append(self._charge(t, key[t], item, frozenset(prefix[:n]), None))
        out: list[Step] = []
        for n, due in enumerate(charges):
            if n == 1 and slid:
                out.append(Slide(self._axis(prefix[0]), grown[prefix[0]], sum(slid[1:], slid[0])))
            elif n:
                out.append(Grow(self._axis(prefix[n - 1]), grown[prefix[n - 1]]))
            if due:
                out.append(Charge(sum(due[1:], due[0])))
        for axis, d in enumerate(self.batch.dims, 1):
            table = grown[d] if d in active else fixed[d]
            if d not in prefix and not table.identity:
                out.append(Grow(axis, table))
        return tuple(out)

    def _charge(self, t: int, chain: Chain, item: int, stationary: frozenset[str], slide: str | None) -> Array:
        """Edge costs spread from the tensor's costings to the rows."""
        _, index = self.batch.costings[t]
        costs = self.edges.resolved(t, chain, item, stationary, slide)
        return costs if len(costs) == 1 else costs[index]

    def _after(self, key: Key, item: int, resolved: tuple[int, ...], idle: bool) -> Key:
        """Chains above a level: resolved ones end, waiting ones get dirty under loops, the kept tile starts to wait."""
        out = []
        level = self.batch.level(item)
        for t, chain in enumerate(key):
            kept = () if t in resolved else chain if idle else tuple((i, False) for i, _ in chain)
            if level.keeps(self.batch.tensors[t].name):
                kept = (*kept, (item, bool(self.batch.sliding[t])))
            out.append(kept)
        return tuple(out)

    def fits(self, item: int) -> Fits | None:
        """bool[row, extents...]: whether the kept tiles fit and the formulas over them hold; None if all do."""
        extents = self.domains.extents[item]
        question = ("fits", item, tuple(extents[d] for d in self.batch.dims))
        if question not in self.batch.shared:
            self.batch.shared[question] = self._fits(item)
        found: Fits | None = self.batch.shared[question]
        return found

    def _fits(self, item: int) -> Fits | None:
        level = self.batch.level(item)
        formulas = self.batch.space.levels.get(level.name, ())
        if not level.all_partitions and not formulas:
            return None
        words = {}
        for t, tensor in enumerate(self.batch.tensors):
            if level.keeps(tensor.name) and level.all_partitions:
                _, index = self.batch.costings[t]
                needed = level.copies(tensor.name) * self.edges.tile_words(t, item)
                words[tensor.name] = needed if len(needed) == 1 else needed[index]
        fits: Fits = np.asarray(tiles_allowed(formulas, level, lambda d: self.edges.extents(d, item), words))
        for partition in level.all_partitions:
            total: Any = sum(n for t, n in words.items() if level.serves(partition, t))
            fits = fits & (total <= partition.size_words)
        return fits

    def _axis(self, dim: str) -> int:
        return 1 + self.batch.dims.index(dim)
