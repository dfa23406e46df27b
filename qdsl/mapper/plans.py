"""Spatial plans: what every fan-out unrolls. With the plan fixed, all instance counts are known and the cost of a
mapping is a sum over its levels, so the exact search runs once per plan."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from functools import cached_property
from math import prod

from qdsl.mapper.symmetry import Renaming, renamings
from qdsl.mapspace.formula import Atom, Value, holds
from qdsl.mapspace.space import Space
from qdsl.model.accelerator import FanOut
from qdsl.model.constraint import ComputeInUse, Factor, Utilization


@dataclass(frozen=True)
class Plan:
    """places: (place, dim, factor) with factors > 1. fanouts: per item of the hierarchy, dim -> factor (X and Y
    together) for fan-outs, empty for levels."""

    places: tuple[tuple[str, str, int], ...]
    fanouts: tuple[MappingABC[str, int], ...]

    @cached_property
    def _outside(self) -> tuple[dict[str, int], ...]:
        """Per item the product of the spatial factors outside it."""
        out: list[dict[str, int]] = [{}]
        for factors in self.fanouts:
            out.append({d: out[-1].get(d, 1) * factors.get(d, 1) for d in out[-1].keys() | factors.keys()})
        return tuple(out)

    def above(self, item: int, dim: str) -> int:
        """Product of the spatial factors of `dim` outside an item (item -1: outside everything)."""
        return self._outside[max(item, 0)].get(dim, 1)

    def between(self, outer: int, inner: int, dim: str) -> int:
        """Product of the spatial factors of `dim` at items strictly between two items."""
        return self._outside[inner].get(dim, 1) // self._outside[outer + 1].get(dim, 1)

    def on_x(self, fanout: FanOut) -> dict[str, int]:
        """Factors on the X axis of a fan-out."""
        return {d: f for p, d, f in self.places if p == fanout.places[0]}

    def used(self, fanout: FanOut) -> tuple[int, int]:
        """Instances in use along X and along Y."""
        x, y = (prod(f for p, _, f in self.places if p == place) for place in fanout.places)
        return x, y

    def instances(self, item: int) -> int:
        """Used instances of an item."""
        return prod(self._outside[item].values())


def spatial_plans(space: Space) -> Iterator[Plan]:
    """Every legal choice of spatial factors, but for those that another one replaces at no higher cost."""
    found: dict[tuple[Links, Factors], Plan] = {}
    links: dict[Factors, set[Links]] = {}
    symmetries = renamings(space)
    for plan in every_plan(space):
        linked, rest = cost_key(space, plan)
        if not any(_renamed(linked, rest, s) in found for s in symmetries):
            found.setdefault((linked, rest), plan)
            links.setdefault(rest, set()).add(linked)
    free = _passing_on_is_free(space)
    for (linked, rest), plan in found.items():
        if not (free and any(linked != more and _within(linked, more) for more in links[rest])):
            yield plan


Links = tuple[frozenset[str], ...]
Factors = tuple[tuple[tuple[int, int], ...], tuple[tuple[tuple[str, int], ...], ...]]


def cost_key(space: Space, plan: Plan) -> tuple[Links, Factors]:
    """Plans with equal keys have the same mappings at the same cost: those with equal products of X and Y factors, that
    forward along the same dimensions (the first part), and, where moves cost energy, are of equal shape."""
    hierarchy = space.accelerator.hierarchy
    shapes = tuple(plan.used(f) for f in space.accelerator.fanouts if f.hop_pj_per_bit)
    links = tuple(_links(space, plan, f, i) for i, f in enumerate(hierarchy) if isinstance(f, FanOut))
    return links, (shapes, tuple(tuple(sorted(f.items())) for f in plan.fanouts))


def _renamed(links: Links, factors: Factors, names: Renaming) -> tuple[Links, Factors]:
    """The key of a plan with its dimensions renamed."""
    shapes, items = factors
    renamed = tuple(tuple(sorted((names.get(d, d), f) for d, f in item)) for item in items)
    return tuple(frozenset(names.get(d, d) for d in link) for link in links), (shapes, renamed)


def _links(space: Space, plan: Plan, fanout: FanOut, item: int) -> frozenset[str]:
    """Dimensions on X alone that share an axis of a forwarded tensor with others: neighbours pass tiles on along them."""
    if not fanout.forward:
        return frozenset()
    tensors = [t for t in space.problem.operator.tensors if t.name in fanout.forward]
    shared = {d for t in tensors for a in t.axes if len(a.terms) > 1 for d in a.dims}
    return frozenset(d for d, f in plan.on_x(fanout).items() if d in shared and plan.fanouts[item][d] == f)


def _passing_on_is_free(space: Space) -> bool:
    """Whether forwarding along more dimensions never costs more: moves cost nothing, and a loop finds its tiles at the
    neighbours along one dimension at most."""
    fanouts = space.accelerator.fanouts
    forwarded = frozenset[str]().union(*(f.forward for f in fanouts))
    tensors = [t for t in space.problem.operator.tensors if t.name in forwarded]
    return not any(f.hop_pj_per_bit for f in fanouts) and all(len(a.terms) <= 2 for t in tensors for a in t.axes)


def _within(few: Links, many: Links) -> bool:
    return all(a <= b for a, b in zip(few, many, strict=True))


def every_plan(space: Space) -> Iterator[Plan]:
    """Every legal choice of spatial factors."""
    accelerator, problem = space.accelerator, space.problem
    dims = [d for d in problem.operator.dims if problem.size(d) > 1]
    for choice in _choices(space, dims):
        per_place = dict(choice)
        fanouts = []
        for part in accelerator.hierarchy:
            both: dict[str, int] = {}
            if isinstance(part, FanOut):
                for p in part.places:
                    for d, f in per_place[p]:
                        both[d] = both.get(d, 1) * f
            fanouts.append(both)
        if all(holds(formula, _spatial_values(space, per_place)) for formula in space.spatial):
            yield Plan(tuple((p, d, f) for p, loops in choice for d, f in loops), tuple(fanouts))


Loops = tuple[tuple[str, int], ...]


def _choices(space: Space, dims: list[str]) -> Iterator[list[tuple[str, Loops]]]:
    """Loops for every spatial place, outermost place first, within the meshes. A pooled array may use what the arrays
    outside it leave idle on the same axis."""
    places = [(f, axis, p) for f in space.accelerator.fanouts for axis, p in zip("xy", f.places, strict=True)]
    left = {d: space.problem.size(d) for d in dims}

    def place_loops(index: int, used: dict[str, int], mesh: dict[str, int]) -> Iterator[list[tuple[str, Loops]]]:
        if index == len(places):
            yield []
            return
        fanout, axis, place = places[index]
        taken, whole = (used[axis], mesh[axis]) if fanout.pooled else (1, 1)
        whole *= fanout.mesh(axis)
        for loops in dim_loops(place, 0, whole // taken):
            now = taken * prod(f for _, f in loops)
            for rest in place_loops(index + 1, {**used, axis: now}, {**mesh, axis: whole}):
                yield [(place, loops), *rest]

    def dim_loops(place: str, index: int, room: int) -> Iterator[Loops]:
        if index == len(dims):
            yield ()
            return
        d = dims[index]
        for f in space.factors[place, d]:
            if f <= room and left[d] % f == 0:
                left[d] //= f
                for rest in dim_loops(place, index + 1, room // f):
                    yield ((d, f), *rest) if f > 1 else rest
                left[d] *= f

    yield from place_loops(0, {"x": 1, "y": 1}, {"x": 1, "y": 1})


def _spatial_values(space: Space, per_place: MappingABC[str, Loops]) -> Value:
    """What the atoms of a spatial formula are in a choice of loops."""

    def value(atom: Atom) -> float:
        if isinstance(atom, ComputeInUse):
            return prod(n for loops in per_place.values() for _, n in loops)
        if isinstance(atom, Utilization):
            fanout = space.accelerator.fanout(atom.fanout)
            return prod(f for p in fanout.places for _, f in per_place[p]) / (fanout.x * fanout.y)
        if isinstance(atom, Factor):
            return dict(per_place[atom.place]).get(atom.dim, 1)
        raise TypeError(f"not spatial: {atom}")

    return value
