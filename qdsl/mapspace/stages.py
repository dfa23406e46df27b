"""A mapping space as a sequence of small decisions: one factor of one dimension at one place, outermost place first.

What earlier decisions mean for later ones, besides the tile extents that they leave, is a short key: which loops the
level at hand has (as far as the number of their orders depends on it), what was assumed about loops further inside, the
instances in use along an axis, and the spatial factors that a formula still waits for. Two ways to the same extents and
key have the same continuations, so counting is a sum over a small automaton.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from math import prod

from qdsl.mapspace.formula import Atom, atoms, holds
from qdsl.mapspace.level_loops import Weighing, level_loops
from qdsl.mapspace.rules import Used
from qdsl.mapspace.space import Space
from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.constraint import ComputeInUse, Factor, Formula, Occupancy, TileExtent, Utilization

# (loops that the level at hand has so far, assumptions about those inside, values of the quantities that are still needed)
Key = tuple[int, ...]
START: Key = (0, 0)


@dataclass(frozen=True, slots=True)
class Move:
    """weight: where the decision completes a level the number of its legal loop orders, or of their classes, else 1."""

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


def sections_of(space: Space, weighing: Weighing) -> tuple[Section, ...] | None:
    """One section per item of the hierarchy, outermost first; None if a constraint without a choice in it is false.

    Dimensions of size 1 have no decision.
    """
    dims = [d for d in space.problem.operator.dims if space.problem.size(d) > 1]
    positions = [(p, d) for p in space.accelerator.places for d in dims if space.factors[p, d] != (1,)]
    rules = list(_rules(space))
    ones = {q: 1 for rule in rules for q in rule.quantities}
    touching = {q: [i for i, (place, dim) in enumerate(positions) if _covers(q, place, dim)] for q in ones}
    lasts = [max((i for q in r.quantities for i in touching[q]), default=-1) for r in rules]
    if any(last < 0 and rule.broken(ones) for rule, last in zip(rules, lasts, strict=True)):
        return None
    live = [_live(touching, rules, lasts, i) for i in range(len(positions) + 1)]
    levels = level_loops(space, positions, weighing)
    keys = {START}
    stages = []
    for i, (place, dim) in enumerate(positions):
        moves: list[Move] = []
        level = levels.get(place)
        decided = sum(p == place for p, _ in positions[:i])
        touched = {q for q, found in touching.items() if i in found}
        checks = [
            r for r, last in zip(rules, lasts, strict=True) if last == i or (r.early and touched & {*r.quantities})
        ]
        for key in sorted(keys):
            loops, assumed, *rest = key
            known = ones | dict(zip(live[i], rest, strict=True))
            for factor in space.factors[place, dim]:
                values = known | {q: known[q] * factor for q in touched}
                if any(rule.broken(values) for rule in checks):
                    continue
                needed = tuple(values[q] for q in live[i + 1])
                steps = level.steps(decided, loops, assumed, factor > 1) if level else ((loops, assumed, 1),)
                moves.extend(Move(key, factor, (*after, *needed), weight) for *after, weight in steps)
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
        if isinstance(atom, ComputeInUse):
            return Used(tuple(p for f in accelerator.fanouts for p in f.places))
        assert not isinstance(atom, TileExtent | Occupancy), "a spatial formula has spatial factors only"
        return Used(accelerator.fanout(atom.fanout).places) if isinstance(atom, Utilization) else atom

    def broken(values: MappingABC[Factor | Used, int]) -> bool:
        def value(atom: Atom) -> float:
            n = values[quantity(atom)]
            if not isinstance(atom, Utilization):
                return n
            fanout = accelerator.fanout(atom.fanout)
            return n / (fanout.x * fanout.y)

        return not holds(formula, value)

    return _Rule(tuple(dict.fromkeys(quantity(a) for a in sorted(atoms(formula), key=repr))), broken)


def _covers(quantity: Factor | Used, place: str, dim: str) -> bool:
    if isinstance(quantity, Used):
        return place in quantity.places
    return (quantity.place, quantity.dim) == (place, dim)


def _live(
    touching: MappingABC[Factor | Used, Sequence[int]], rules: Iterable[_Rule], lasts: Iterable[int], stage: int
) -> tuple[Factor | Used, ...]:
    """Quantities that decisions before a stage have changed and a rule checked at it or later needs."""
    needed = dict.fromkeys(q for rule, last in zip(rules, lasts, strict=True) if last >= stage for q in rule.quantities)
    return tuple(q for q in needed if any(i < stage for i in touching[q]))
