"""What a legal mapping of a layer must keep, as rules that each have a place in the source, and what each rule demands.

A demand is a predicate over a few quantities (factors, tile extents, instances in use) that can tell whether it is
broken everywhere in a box of their values. This is all that the encoding for Z3 needs to know of a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from math import prod

from qdsl.diagnostics import Span
from qdsl.mapspace.formula import Atom, atoms, conjuncts, holds
from qdsl.mapspace.limits import latency_formula
from qdsl.mapspace.occupancy import share_taken, words_of_tiles
from qdsl.mapspace.space import asked_of, required
from qdsl.model.accelerator import Accelerator, Bypass, FanOut, Partition, StorageLevel
from qdsl.model.constraint import (
    ComputeInUse,
    Constraint,
    Factor,
    Formula,
    Keep,
    LayerConstraint,
    Limit,
    Occupancy,
    Only,
    Order,
    TileExtent,
    Utilization,
)
from qdsl.model.interval import Interval, bounds
from qdsl.model.operator import Problem
from qdsl.symbolic.nest import tile_values
from qdsl.symbolic.widths import too_wide


@dataclass(frozen=True, slots=True)
class Width:
    """A value of a tensor fits one word of a level that keeps it. stored: its bits there; optional: the level may also not
    keep it."""

    level: StorageLevel
    tensor: str
    stored: int
    optional: bool

    @property
    def span(self) -> Span | None:
        return self.level.span


@dataclass(frozen=True, slots=True)
class Capacity:
    """The tiles of a partition of a level fit its words. level: keeping all that it may."""

    level: StorageLevel
    partition: Partition
    optional: frozenset[str]

    @property
    def words(self) -> int:
        return self.partition.size_words

    @property
    def span(self) -> Span | None:
        return self.partition.span or self.level.span


@dataclass(frozen=True, slots=True)
class Mesh:
    """The spatial factors along one axis of a fan-out multiply to at most its instances.

    Of a pooled fan-out: its factors together with those of the fan-outs outside it that it shares its mesh with.
    places: where these factors stand; instances: of all of them; outside: those of the other fan-outs, else 1.
    """

    fanout: FanOut
    axis: str
    places: tuple[str, ...]
    instances: int
    outside: int

    @property
    def span(self) -> Span | None:
        return (self.fanout.x_span if self.axis == "x" else self.fanout.y_span) or self.fanout.span


Rule = Width | Capacity | Mesh | LayerConstraint


@dataclass(frozen=True, slots=True)
class Used:
    """Instances in use: the product of all spatial factors at some places."""

    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """2 if a level keeps a tensor that it need not keep, else 1."""

    level: str
    tensor: str


Quantity = Factor | TileExtent | Used | Kept
Box = MappingABC[Quantity, tuple[int, int]]


@dataclass(frozen=True)
class Demand:
    """A part of a rule that can be broken by itself.

    part: the dimension kept out (Only), the tensor (Keep) or the conjunct (Require). refuted(box): no values in the box
    satisfy it; exact when the box is one point. An order is no matter of values: it stands in `order`.
    """

    quantities: tuple[Quantity, ...]
    refuted: Callable[[Box], bool]
    part: str | Formula | None = None
    order: Order | None = None


def rules_of(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint]
) -> tuple[Rule, ...]:
    """Every rule for one layer at given widths: the hardware's, outermost first, then the constraints that apply.

    Raises SpecError: Q0710 for constraints that tie the layer to others, Q0304 for undefined conditions.
    """
    machine = accelerator.resolved(frozenset())
    rules: list[Rule] = []
    pool: list[FanOut] = []
    for part in accelerator.hierarchy:
        if isinstance(part, FanOut):
            pool = [*pool, part] if part.pooled else [part]
            rules.extend(_mesh(pool, axis) for axis in "xy")
            continue
        full = part.resolved()
        wide = [(t, n) for level, t, n in too_wide(machine, problem, bits) if level.name == part.name]
        rules.extend(Width(full, t, n, t in part.optional) for t, n in wide)
        rules.extend(Capacity(full, partition, part.optional) for partition in part.all_partitions)
    return (*rules, *asked_of(constraints, problem, bits))


def demands_of(rule: Rule, accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> Iterator[Demand]:
    """What a rule demands; nothing if no mapping of this layer can break it. Of a limit of the cost only that part which is
    a matter of factors: a mapping that satisfies it may still be beyond the limit. Raises SpecError (Q0304) for undefined
    formulas."""
    if isinstance(rule, Width):
        yield _left_out(Kept(rule.level.name, rule.tensor)) if rule.optional else Demand((), lambda box: True)
    elif isinstance(rule, Capacity):
        yield capacity_demand(rule, rule.words, problem, bits)
    elif isinstance(rule, Mesh):
        yield mesh_demand(rule, rule.instances)
    elif isinstance(rule, Only):
        for d in problem.operator.dims:
            if d not in rule.dims and problem.size(d) > 1:
                yield _absence(Factor(rule.place, d))
    elif isinstance(rule, Order):
        yield Demand((), lambda box: False, order=rule)
    elif isinstance(rule, Limit):
        if rule.quantity == "latency":
            yield _formula(latency_formula(rule, accelerator, problem, bits), accelerator, problem, bits)
    elif isinstance(rule, Keep):
        yield from _keeping(rule, accelerator, problem)
    else:
        for formula in conjuncts(required(rule, problem, bits)):
            yield _formula(formula, accelerator, problem, bits)


def capacity_demand(rule: Capacity, words: int, problem: Problem, bits: MappingABC[str, int]) -> Demand:
    """The tiles kept in a partition need at most so many words."""
    served = {t for t in _names(problem) if rule.level.serves(rule.partition, t)}
    tiles = _Tiles(rule.level, served, rule.optional, problem, bits)

    def refuted(box: Box) -> bool:
        return sum(tiles.words(box, 0).values()) > words

    return Demand(tiles.quantities, refuted)


def mesh_demand(rule: Mesh, instances: int) -> Demand:
    """The factors along an axis use at most so many instances."""
    used = Used(rule.places)
    return Demand((used,), lambda box: box[used][0] > instances)


def words_at(
    rule: Capacity, problem: Problem, bits: MappingABC[str, int], extents: MappingABC[str, int], bypass: Bypass
) -> dict[str, tuple[int, int]]:
    """Per tensor in a partition (values, words) of its tile; tensors too wide for the level's words are left out."""
    words = words_of_tiles(rule.level, problem, bits, extents)
    return {
        t.name: (int(tile_values(t, extents)), int(words[t.name]))
        for t in problem.operator.tensors
        if t.name in words and rule.level.serves(rule.partition, t.name) and (rule.level.name, t.name) not in bypass
    }


@dataclass(frozen=True)
class _Tiles:
    """The tiles of some tensors at a level that keeps all it may."""

    level: StorageLevel
    tensors: AbstractSet[str]
    optional: AbstractSet[str]
    problem: Problem
    bits: MappingABC[str, int]

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What their words depend on."""
        relevant = {d for t in self.problem.operator.tensors if t.name in self.tensors for d in t.dims}
        dims = [d for d in self.problem.operator.dims if d in relevant]
        return (
            *(TileExtent(self.level.name, d) for d in dims),
            *(Kept(self.level.name, t) for t in _names(self.problem) if t in self.tensors & self.optional),
        )

    def words(self, box: Box, end: int) -> dict[str, int]:
        """Per tensor its words at the least (end 0) or greatest (end 1) values in a box; they grow with the values."""
        extents = {d: box.get(TileExtent(self.level.name, d), (1, 1))[end] for d in self.problem.operator.dims}
        every = words_of_tiles(self.level, self.problem, self.bits, extents)
        kept = {t for t in self.tensors if box.get(Kept(self.level.name, t), (2, 2))[end] == 2}
        return {t: int(n) for t, n in every.items() if t in kept}


def _mesh(pool: Sequence[FanOut], axis: str) -> Mesh:
    """The rule of the innermost of the fan-outs that share a mesh."""
    places = tuple(f.places["xy".index(axis)] for f in pool)
    outside = prod(f.mesh(axis) for f in pool[:-1])
    return Mesh(pool[-1], axis, places, outside * pool[-1].mesh(axis), outside)


def _absence(factor: Factor) -> Demand:
    return Demand((factor,), lambda box: box[factor][0] > 1, part=factor.dim)


def _keeping(rule: Keep, accelerator: Accelerator, problem: Problem) -> Iterator[Demand]:
    level = accelerator.level(rule.level)
    for tensor in (t for t in _names(problem) if t in rule.tensors):
        if tensor in level.optional:
            yield _kept(Kept(level.name, tensor)) if rule.kept else _left_out(Kept(level.name, tensor))
        elif level.keeps(tensor) != rule.kept:
            yield Demand((), lambda box: True, part=tensor)


def _kept(kept: Kept) -> Demand:
    return Demand((kept,), lambda box: box[kept][1] == 1, part=kept.tensor)


def _left_out(kept: Kept) -> Demand:
    return Demand((kept,), lambda box: box[kept][0] == 2, part=kept.tensor)


def _formula(formula: Formula, accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> Demand:
    measures = {a: _measure(a, accelerator, problem, bits) for a in sorted(atoms(formula), key=repr)}
    quantities = tuple(dict.fromkeys(q for found, _ in measures.values() for q in found))

    def refuted(box: Box) -> bool:
        def interval(atom: Atom) -> Interval:
            _, value = measures[atom]
            return value(box, 0), value(box, 1)

        if all(low == high for low, high in (box[q] for q in quantities)):
            return not holds(formula, lambda atom: interval(atom)[0])
        return bounds(formula, interval)[1] < 1

    return Demand(quantities, refuted, part=formula)


def _measure(
    atom: Atom, accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]
) -> tuple[tuple[Quantity, ...], Callable[[Box, int], float]]:
    """The quantities an atom depends on, and its value at the least (0) or greatest (1) values of a box. Every atom grows
    with its quantities."""
    if isinstance(atom, Utilization):
        fanout = accelerator.fanout(atom.fanout)
        used = Used(fanout.places)
        return (used,), lambda box, end: box[used][end] / (fanout.x * fanout.y)
    if isinstance(atom, ComputeInUse):
        all_used = Used(tuple(p for f in accelerator.fanouts for p in f.places))
        return (all_used,), lambda box, end: box[all_used][end]
    if isinstance(atom, Occupancy):
        level = accelerator.level(atom.level)
        full = level.resolved()
        tensors = {atom.tensor} if atom.tensor else {t for t in _names(problem) if full.keeps(t)}
        tiles = _Tiles(full, tensors, level.optional, problem, bits)
        return tiles.quantities, lambda box, end: float(share_taken(full, atom.tensor, tiles.words(box, end)))
    return (atom,), lambda box, end: box[atom][end]


def _names(problem: Problem) -> list[str]:
    return [t.name for t in problem.operator.tensors]
