"""A mapping space as a sequence of small decisions: one factor of one dimension at one place, outermost place first.

What earlier decisions mean for later ones, besides the tile extents that they leave, is a short key: which loops the
level at hand has (as far as the number of their orders depends on it), the instances in use along an axis, and the
spatial factors that a formula still waits for. Two ways to the same extents and key have the same continuations, so
counting is a sum over a small automaton.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from math import prod

from qdsl.mapspace.formula import Atom, atoms, value_of
from qdsl.mapspace.loop_orders import order_count
from qdsl.mapspace.rules import Used
from qdsl.mapspace.space import Space
from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.constraint import Factor, Formula, TileExtent, Utilization

# (class of the loops that the level at hand has so far, values of the quantities that are still needed)
Key = tuple[int, ...]
START: Key = (0,)


@dataclass(frozen=True, slots=True)
class Move:
    """weight: the number of legal loop orders where the decision completes a level, else 1."""

    before: Key
    factor: int
    after: Key
    weight: int


@dataclass(frozen=True, slots=True)
class Stage:
    """The factor of `dim` at `place`: every legal continuation of every key that can be reached."""

    place: str
    dim: str
    moves: tuple[Move, ...]

    @property
    def heaviest(self) -> int:
        return max((m.weight for m in self.moves), default=1)


@dataclass(frozen=True, slots=True)
class Section:
    """The decisions at one item of the hierarchy; none if it leaves no choice."""

    item: int
    stages: tuple[Stage, ...]


@dataclass(frozen=True)
class _Rule:
    """A mesh or a spatial formula. broken(values): only final once all quantities are, except of a mesh, whose use of
    instances never falls (`early`)."""

    quantities: tuple[Factor | Used, ...]
    broken: Callable[[MappingABC[Factor | Used, int]], bool]
    early: bool = False


def sections_of(space: Space, ordered: bool) -> tuple[Section, ...] | None:
    """One section per item of the hierarchy, outermost first; None if a constraint without a choice in it is false.

    ordered: loop orders count, otherwise only whether there is a legal one. Dimensions of size 1 have no decision.
    """
    dims = [d for d in space.problem.operator.dims if space.problem.size(d) > 1]
    positions = [(p, d) for p in space.accelerator.places for d in dims if space.factors[p, d] != (1,)]
    rules = list(_rules(space))
    ones = {q: 1 for rule in rules for q in rule.quantities}
    lasts = [max((i for q in r.quantities for i in _touching(q, positions)), default=-1) for r in rules]
    if any(last < 0 and rule.broken(ones) for rule, last in zip(rules, lasts, strict=True)):
        return None
    live = [_live(positions, rules, lasts, i) for i in range(len(positions) + 1)]
    growths = _growths(space, positions, ordered)
    keys = {START}
    stages = []
    for i, (place, dim) in enumerate(positions):
        moves = []
        checks = [r for r, last in zip(rules, lasts, strict=True) if last == i or (r.early and last > i)]
        for key in sorted(keys):
            known = ones | dict(zip(live[i], key[1:], strict=True))
            for factor in space.factors[place, dim]:
                values = {q: n * factor if _covers(q, place, dim) else n for q, n in known.items()}
                loops, weight = growths[i].step(key[0], factor > 1) if i in growths else (key[0], 1)
                if weight and not any(rule.broken(values) for rule in checks):
                    moves.append(Move(key, factor, (loops, *(values[q] for q in live[i + 1])), weight))
        keys = {m.after for m in moves}
        stages.append(Stage(place, dim, tuple(moves)))
    return tuple(
        Section(
            item, tuple(s for s in stages if s.place in (part.places if isinstance(part, FanOut) else (part.name,)))
        )
        for item, part in enumerate(space.accelerator.hierarchy)
    )


# --- spatial rules ------------------------------------------------------------------------------


def _rules(space: Space) -> Iterator[_Rule]:
    pool: list[FanOut] = []
    for fanout in space.accelerator.fanouts:
        pool = [*pool, fanout] if fanout.pooled else [fanout]
        for i, axis in enumerate("xy"):
            used = Used(tuple(f.places[i] for f in pool))
            yield _mesh(used, prod(f.mesh(axis) for f in pool))
    for formula in space.spatial:
        yield _formula(formula, space.accelerator)


def _mesh(used: Used, instances: int) -> _Rule:
    return _Rule((used,), lambda values: values[used] > instances, early=True)


def _formula(formula: Formula, accelerator: Accelerator) -> _Rule:
    def quantity(atom: Atom) -> Factor | Used:
        assert not isinstance(atom, TileExtent), "a spatial formula has spatial factors only"
        return Used(accelerator.fanout(atom.fanout).places) if isinstance(atom, Utilization) else atom

    def broken(values: MappingABC[Factor | Used, int]) -> bool:
        def value(atom: Atom) -> float:
            n = values[quantity(atom)]
            if not isinstance(atom, Utilization):
                return n
            fanout = accelerator.fanout(atom.fanout)
            return n / (fanout.x * fanout.y)

        return not value_of(formula, value)

    return _Rule(tuple(dict.fromkeys(quantity(a) for a in sorted(atoms(formula), key=repr))), broken)


def _covers(quantity: Factor | Used, place: str, dim: str) -> bool:
    if isinstance(quantity, Used):
        return place in quantity.places
    return (quantity.place, quantity.dim) == (place, dim)


def _touching(quantity: Factor | Used, positions: Iterable[tuple[str, str]]) -> list[int]:
    return [i for i, (place, dim) in enumerate(positions) if _covers(quantity, place, dim)]


def _live(
    positions: Sequence[tuple[str, str]], rules: Iterable[_Rule], lasts: Iterable[int], stage: int
) -> tuple[Factor | Used, ...]:
    """Quantities that decisions before a stage have changed and a rule checked at it or later needs."""
    needed = dict.fromkeys(q for rule, last in zip(rules, lasts, strict=True) if last >= stage for q in rule.quantities)
    return tuple(q for q in needed if any(i < stage for i in _touching(q, positions)))


# --- loop orders --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Growth:
    """How a decision changes the class of a level's loops. Sets of loops are bits; bit: that of the decision.

    Two sets are one class if, whatever follows, the complete sets have equally many orders: with all orders free only the
    number of loops matters, with all fixed nothing does. merged: set -> first set of its class; weights: orders of the
    complete set, only at the last decision of a level.
    """

    bit: int
    merged: tuple[int, ...]
    weights: tuple[int, ...]

    def step(self, loops: int, more: bool) -> tuple[int, int]:
        """The class afterwards and the weight of the decision. more: with a loop of more than one iteration."""
        loops |= self.bit if more else 0
        return (0, self.weights[loops]) if self.weights else (self.merged[loops], 1)


def _growths(space: Space, positions: Sequence[tuple[str, str]], ordered: bool) -> dict[int, _Growth]:
    """Per stage at a level, by its number."""
    growths = {}
    for level in space.accelerator.levels:
        stages = [i for i, (place, _) in enumerate(positions) if place == level.name]
        dims = [positions[i][1] for i in stages]
        weights = []
        for loops in range(1 << len(dims)):
            present = frozenset(d for k, d in enumerate(dims) if loops >> k & 1)
            count = order_count(present, space.orders.get(level.name, ()))
            weights.append(count if ordered else min(count, 1))
        for k, stage in enumerate(stages):
            last = k + 1 == len(dims)
            growths[stage] = _Growth(1 << k, _merged(weights, k + 1), tuple(weights) if last else ())
    return growths


def _merged(weights: Sequence[int], decided: int) -> tuple[int, ...]:
    """Per set of the first `decided` loops the first set that all completions treat alike."""
    first: dict[tuple[int, ...], int] = {}
    # completions differ in the higher bits, so they are every 2^decided-th weight
    return tuple(first.setdefault(tuple(weights[loops :: 1 << decided]), loops) for loops in range(1 << decided))
