"""What a legal mapping of a layer must keep, as rules that each have a place in the source, and what each rule demands.

A demand is a predicate over a few quantities (factors, tile extents, instances in use) that can tell whether it is
broken everywhere in a box of their values. This is all that the encoding for Z3 needs to know of a rule.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from math import prod

from qdsl.diagnostics import Span
from qdsl.mapspace.formula import Atom, atoms, conjuncts, substitute, value_of
from qdsl.mapspace.interval import Interval, bounds
from qdsl.mapspace.space import applies
from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.constraint import Constraint, Factor, Formula, Only, Order, TileExtent, Utilization
from qdsl.model.operator import Problem
from qdsl.symbolic.functions import ceil_div
from qdsl.symbolic.nest import tile_values
from qdsl.symbolic.traffic import values_per_word


@dataclass(frozen=True, slots=True)
class Width:
    """A value of a tensor fits one word of a level that keeps it."""

    level: StorageLevel
    tensor: str

    @property
    def span(self) -> Span | None:
        return self.level.span


@dataclass(frozen=True, slots=True)
class Capacity:
    """The tiles kept at a level fit its words."""

    level: StorageLevel
    words: int

    @property
    def span(self) -> Span | None:
        return self.level.size_span or self.level.span


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


Rule = Width | Capacity | Mesh | Constraint


@dataclass(frozen=True, slots=True)
class Used:
    """Instances in use: the product of all spatial factors at some places."""

    places: tuple[str, ...]


Quantity = Factor | TileExtent | Used
Box = MappingABC[Quantity, tuple[int, int]]


@dataclass(frozen=True)
class Demand:
    """A part of a rule that can be broken by itself.

    part: the dimension kept out (Only) or the conjunct (Require). refuted(box): no values in the box satisfy it; exact
    when the box is one point. An order is no matter of values: it stands in `order`.
    """

    quantities: tuple[Quantity, ...]
    refuted: Callable[[Box], bool]
    part: str | Formula | None = None
    order: Order | None = None


def rules_of(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint]
) -> tuple[Rule, ...]:
    """Every rule for one layer at given widths: the hardware's, outermost first, then the constraints that apply."""
    rules: list[Rule] = []
    pool: list[FanOut] = []
    for part in accelerator.hierarchy:
        if isinstance(part, FanOut):
            pool = [*pool, part] if part.pooled else [part]
            rules.extend(_mesh(pool, axis) for axis in "xy")
            continue
        kept = [t.name for t in problem.operator.tensors if part.keeps(t.name)]
        rules.extend(Width(part, t) for t in kept if bits[t] > part.word_bits)
        if part.size_words is not None:
            rules.append(Capacity(part, part.size_words))
    return (*rules, *(c for c in constraints if applies(c.scope, problem, bits)))


def demands_of(rule: Rule, accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> Iterator[Demand]:
    """What a rule demands; nothing if no mapping of this layer can break it."""
    if isinstance(rule, Width):
        yield Demand((), lambda box: True)
    elif isinstance(rule, Capacity):
        yield capacity_demand(rule.level, rule.words, problem, bits)
    elif isinstance(rule, Mesh):
        yield mesh_demand(rule, rule.instances)
    elif isinstance(rule, Only):
        for d in problem.operator.dims:
            if d not in rule.dims and problem.size(d) > 1:
                yield _absence(Factor(rule.place, d))
    elif isinstance(rule, Order):
        yield Demand((), lambda box: False, order=rule)
    else:
        for formula in conjuncts(substitute(rule.formula, problem, bits)):
            yield _formula(formula, accelerator)


def capacity_demand(level: StorageLevel, words: int, problem: Problem, bits: MappingABC[str, int]) -> Demand:
    """The tiles kept at a level need at most so many words."""
    kept = [t for t in problem.operator.tensors if level.keeps(t.name)]
    relevant = {d for t in kept for d in t.dims}
    tiles = {d: TileExtent(level.name, d) for d in problem.operator.dims if d in relevant}

    def refuted(box: Box) -> bool:
        found = words_at(level, problem, bits, {d: box[q][0] for d, q in tiles.items()})
        return sum(needed for _, needed in found.values()) > words

    return Demand(tuple(tiles.values()), refuted)


def mesh_demand(rule: Mesh, instances: int) -> Demand:
    """The factors along an axis use at most so many instances."""
    used = Used(rule.places)
    return Demand((used,), lambda box: box[used][0] > instances)


def words_at(
    level: StorageLevel, problem: Problem, bits: MappingABC[str, int], extents: MappingABC[str, int]
) -> dict[str, tuple[int, int]]:
    """Per kept tensor (values, words) of a tile; tensors too wide for the level's words are left out."""
    found = {}
    for tensor in problem.operator.tensors:
        if level.keeps(tensor.name) and (per_word := values_per_word(level, bits[tensor.name])):
            values = int(tile_values(tensor, extents))
            found[tensor.name] = values, int(ceil_div(values, per_word))
    return found


def _mesh(pool: Sequence[FanOut], axis: str) -> Mesh:
    """The rule of the innermost of the fan-outs that share a mesh."""
    places = tuple(f.places["xy".index(axis)] for f in pool)
    outside = prod(f.mesh(axis) for f in pool[:-1])
    return Mesh(pool[-1], axis, places, outside * pool[-1].mesh(axis), outside)


def _absence(factor: Factor) -> Demand:
    return Demand((factor,), lambda box: box[factor][0] > 1, part=factor.dim)


def _formula(formula: Formula, accelerator: Accelerator) -> Demand:
    def quantity(atom: Atom) -> Quantity:
        return Used(accelerator.fanout(atom.fanout).places) if isinstance(atom, Utilization) else atom

    def scale(atom: Atom) -> int:
        if not isinstance(atom, Utilization):
            return 1
        fanout = accelerator.fanout(atom.fanout)
        return fanout.x * fanout.y

    found = {a: (quantity(a), scale(a)) for a in sorted(atoms(formula), key=repr)}

    def refuted(box: Box) -> bool:
        def interval(atom: Atom) -> Interval:
            q, instances = found[atom]
            low, high = box[q]
            return low / instances, high / instances

        if all(low == high for low, high in (box[q] for q, _ in found.values())):
            return not value_of(formula, lambda atom: interval(atom)[0])
        return bounds(formula, interval)[1] == 0

    return Demand(tuple(dict.fromkeys(q for q, _ in found.values())), refuted, part=formula)
