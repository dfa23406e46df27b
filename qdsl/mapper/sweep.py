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

from qdsl.mapper.batch import Batch
from qdsl.mapper.edges import Chain, Edges
from qdsl.mapper.lattice import Domains, Growth, Pins, grow, growth, plan_domains
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
    """One plan with pinned extents. Arrays: (assignment, extents per dimension)."""

    batch: Batch
    plan: Plan
    pins: Pins
    domains: Domains
    edges: Edges
    _growths: dict[tuple[int, bool], dict[str, Growth]] = field(default_factory=dict)

    @classmethod
    def of(cls, batch: Batch, plan: Plan, pins: Pins) -> Sweep:
        domains = plan_domains(batch.space, plan, pins, batch.dims)
        return cls(batch, plan, pins, domains, Edges(batch, plan, pins, domains))

    def energies_pj(self, hopeless: Callable[[States, int], bool] | None = None) -> Array:
        """float64[assignments]: the least energy of any legal mapping of this plan, inf if there is none. hopeless: whether
        the states inside the loops of an item are not worth going on; then inf, too."""
        import numpy as np

        if self.domains.empty:
            return np.full(len(self.batch.bits), np.inf)
        states = self.start()
        for item in reversed(range(len(self.batch.space.accelerator.hierarchy))):
            if hopeless is not None and hopeless(states, item):
                return np.full(len(self.batch.bits), np.inf)
            states = self.advance(states, item)
        return self.finish(states)

    def start(self) -> States:
        import numpy as np

        shape = (len(self.batch.bits), *(1 for _ in self.batch.dims))
        return {tuple(() for _ in self.batch.tensors): np.zeros(shape)}

    def advance(self, states: States, item: int) -> States:
        """States at an item from the states inside it."""
        import numpy as np

        if isinstance(self.batch.space.accelerator.hierarchy[item], FanOut):
            return states
        out: States = {}
        for key, costs in states.items():
            for move in self.moves(key, item):
                reached = self._apply(costs, key, move, item)
                out[move.after] = np.minimum(out[move.after], reached) if move.after in out else reached
        legal = self.fits(item)
        return {key: costs if legal is None else np.where(legal, costs, np.inf) for key, costs in out.items()}

    def finish(self, states: States) -> Array:
        """float64[assignments]: charges what still waits above the outermost level, and the compute units."""
        import numpy as np

        totals = [self.closed(key, costs).reshape(len(self.batch.bits)) for key, costs in states.items()]
        least: Array = np.min(totals, axis=0)
        return least + self.edges.compute_energy_pj()

    def closed(self, key: Key, costs: Array) -> Array:
        for t, chain in enumerate(key):
            if chain:
                costs = costs + self.charge(t, chain, -1, frozenset(), None)
        return costs

    def moves(self, key: Key, item: int) -> Iterator[Move]:
        """Every way to go through a level."""
        batch = self.batch
        level = batch.level(item)
        loops = {d for d, table in self._tables(item, True).items() if table.grows}
        waiting = [t for t, chain in enumerate(key) if chain]
        yield Move(self._after(key, item, (), idle=True), (), None)
        orders = batch.space.orders.get(level.name, ())
        for size in range(len(waiting) + 1):
            for stay in combinations(waiting, size):
                allowed = frozenset(loops).difference(*(batch.relevant[t] for t in stay))
                if not allowed:
                    continue
                resolved = tuple(t for t in waiting if t not in stay)
                tensors = tuple(
                    Waiting(
                        batch.tensors[t].name,
                        batch.relevant[t],
                        batch.sliding[t] & allowed if any(clean for _, clean in key[t]) else frozenset(),
                    )
                    for t in resolved
                )
                after = self._after(key, item, resolved, idle=False)
                for order in order_classes(allowed, tensors, orders):
                    yield Move(after, resolved, order)

    def slides(self, t: int, key: Key, order: OrderClass) -> str | None:
        """The dimension that slides tensor t's window in this class."""
        chain_slides = order.slide in self.batch.sliding[t] and any(clean for _, clean in key[t])
        return order.slide if chain_slides else None

    def table(self, item: int, dim: str, active: bool) -> Growth:
        """Growth of one dimension by the loops of a level; only by 1 if it has no loop there."""
        return self._tables(item, active)[dim]

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

    def _apply(self, costs: Array, key: Key, move: Move, item: int) -> Array:
        """Costs after the loops of a level, minimised over the factors.

        A tensor whose stationary loops are the first n of the prefix depends on the outer extents of these and the inner
        extents of all other dimensions; so the dimensions are grown in the order of the prefix, and each tensor is
        charged when exactly its stationary ones have grown.
        """
        order = move.order
        active = order.active if order else frozenset()
        prefix = order.prefix if order else ()
        stationary = dict(zip(move.resolved, order.stationary, strict=True)) if order else {}
        for n in range(len(prefix) + 1):
            sliders = []
            for t in move.resolved:
                slide = self.slides(t, key, order) if order else None
                if slide:
                    sliders.append((t, slide))
                elif stationary[t] == n:
                    costs = costs + self.charge(t, key[t], item, frozenset(prefix[:n]), None)
            if n == len(prefix):
                break
            if n == 0 and sliders:
                costs = self._grow_sliding(costs, key, sliders, item)
            else:
                costs = grow(costs, self._axis(prefix[n]), self.table(item, prefix[n], True))
        grown, fixed = self._tables(item, True), self._tables(item, False)
        for i, d in enumerate(self.batch.dims, 1):
            if d not in prefix:
                table = grown[d] if d in active else fixed[d]
                if not table.identity:
                    costs = grow(costs, i, table)
        return costs

    def _grow_sliding(self, costs: Array, key: Key, sliders: list[tuple[int, str]], item: int) -> Array:
        import numpy as np

        dim = sliders[0][1]
        axis = self._axis(dim)
        charge: Any = sum(self.charge(t, key[t], item, frozenset(), slide) for t, slide in sliders)
        source = np.moveaxis(costs, axis, 0)
        extra = np.moveaxis(np.broadcast_to(charge, (*costs.shape, charge.shape[-1])), axis, 0)
        table = self.table(item, dim, True)
        out = np.full((len(table.inner), *source.shape[1:]), np.inf)
        for j, inner in enumerate(table.inner):
            for i in inner:
                np.minimum(out[j], source[i] + extra[i, ..., j], out=out[j])
        return np.moveaxis(out, 0, axis)

    def charge(self, t: int, chain: Chain, item: int, stationary: frozenset[str], slide: str | None) -> Array:
        """Edge costs spread from the tensor's packings to the assignments."""
        _, index = self.batch.packings[t]
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
        """bool[assignment, extents...]: whether the kept tiles fit and the formulas over them hold; None if all do."""
        import numpy as np

        level = self.batch.level(item)
        formulas = self.batch.space.levels.get(level.name, ())
        if not level.all_partitions and not formulas:
            return None
        words = {}
        for t, tensor in enumerate(self.batch.tensors):
            if level.keeps(tensor.name) and level.all_partitions:
                _, index = self.batch.packings[t]
                needed = level.copies(tensor.name) * self.edges.tile_words(t, item)
                words[tensor.name] = needed if len(needed) == 1 else needed[index]
        fits: Fits = np.asarray(tiles_allowed(formulas, level, lambda d: self.edges.extents(d, item), words))
        for partition in level.all_partitions:
            total: Any = sum(n for t, n in words.items() if level.serves(partition, t))
            fits = fits & (total <= partition.size_words)
        return fits

    def _axis(self, dim: str) -> int:
        return 1 + self.batch.dims.index(dim)
