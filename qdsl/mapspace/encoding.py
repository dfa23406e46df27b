"""One layer's mappings as Boolean clauses over prime exponents, solved by Z3.

Every factor and tile extent divides a dimension's size, so per dimension and prime only an exponent is unknown: how
many of the prime's units lie at a place or inside it. Written in unary these exponents are a few hundred Booleans, and
"a quantity has at least k units of a prime" is a literal. What a demand forbids is learnt when a candidate breaks it:
the point is grown to a box of exponents that breaks it everywhere, and the box becomes one clause under the demand's
guard. Clauses stay valid whichever demands are assumed, so that looking for conflicts reuses them.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise, product, takewhile
from math import prod
from typing import TYPE_CHECKING, Any

from qdsl.mapspace.lattice import prime_exponents
from qdsl.mapspace.rules import Demand, Kept, Quantity, Used
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Factor, Order, TileExtent
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem

if TYPE_CHECKING:
    import z3

# A demand on one quantity with at most so many values is encoded as a whole when it is first broken.
_SMALL_DOMAIN = 512
_LONGEST_S = 1e6  # what Z3 takes as a limit

# prime -> exponent
Exponents = dict[int, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """status: 'feasible' (with a mapping), 'infeasible' (conflict: demands that cannot all be kept, perhaps not all needed)
    or 'unknown' (the deadline came first)."""

    status: str
    mapping: Mapping | None = None
    conflict: frozenset[int] = frozenset()


class Encoding:
    """Perfect factorisations of one problem over the places of an accelerator, with demands that can be switched on.

    boundaries[dim, prime][i][k]: at least k + 1 units of the prime lie at place i or inside it.
    """

    def __init__(self, accelerator: Accelerator, problem: Problem) -> None:
        import z3

        self._z3 = z3
        self._context = z3.Context()  # answers do not depend on what was solved before
        self._solver = z3.SolverFor("QF_FD", ctx=self._context)
        self._accelerator = accelerator
        self._problem = problem
        self._places = accelerator.places
        self._guards: list[tuple[Demand, z3.BoolRef]] = []
        self._literals: dict[tuple[Quantity, int, int], z3.BoolRef] = {}
        self._runs_known: dict[tuple[str, int, str, int], list[z3.BoolRef]] = {}
        self._ordered: set[str] = set()
        self._units = {(d, p): n for d in problem.operator.dims for p, n in prime_exponents(problem.size(d))}
        self._boundaries = {key: self._boundary_literals(*key, n) for key, n in self._units.items()}

    def add(self, demand: Demand) -> int:
        """Makes a demand known; `solve` takes the number returned to assume it."""
        number = len(self._guards)
        guard = self._z3.Bool(f"demand {number}", self._context)
        self._guards.append((demand, guard))
        if demand.order:
            self._add_order(demand.order, guard)
        elif not demand.quantities and demand.refuted({}):
            self._solver.add(self._z3.Not(guard))
        return number

    def solve(self, demands: Iterable[int], deadline: float) -> Answer:
        """Whether a mapping satisfies these demands. deadline: on the clock of time.perf_counter."""
        numbers = list(dict.fromkeys(demands))
        assumed = [self._guards[i] for i in numbers]
        while (left := deadline - time.perf_counter()) > 0:
            self._solver.set("timeout", int(1000 * min(max(left, 0.001), _LONGEST_S)))
            answer = self._solver.check(*(guard for _, guard in assumed))
            if answer == self._z3.unsat:
                core = {guard.get_id() for guard in self._solver.unsat_core()}
                conflict = frozenset(i for i in numbers if self._guards[i][1].get_id() in core)
                return Answer("infeasible", None, conflict)
            if answer != self._z3.sat:
                break
            model = self._solver.model()
            exponents = self._exponents_in(model)
            broken = False
            for demand, guard in assumed:
                point = {q: self._value_exponents(q, model, exponents) for q in demand.quantities}
                if demand.refuted({q: (_number(e), _number(e)) for q, e in point.items()}):
                    self._learn(demand, guard, point)
                    broken = True
            if not broken:
                return Answer("feasible", self._mapping(model, exponents))
        return Answer("unknown")

    # --- literals ---------------------------------------------------------------------------------

    def _boundary_literals(self, dim: str, prime: int, units: int) -> list[list[z3.BoolRef]]:
        z3 = self._z3
        inner = [
            [z3.Bool(f"{dim} {prime}^{k + 1} at {place} or inside", self._context) for k in range(units)]
            for place in self._places[1:]
        ]
        for literals in inner:
            for more, fewer in zip(literals[1:], literals, strict=False):
                self._solver.add(z3.Implies(more, fewer))
        for outside, inside in pairwise(inner):
            for o, i in zip(outside, inside, strict=True):
                self._solver.add(z3.Implies(i, o))
        true, false = z3.BoolVal(True, self._context), z3.BoolVal(False, self._context)
        return [[true] * units, *inner, [false] * units]

    def _at_least(self, quantity: Quantity, prime: int, count: int) -> z3.BoolRef:
        """The literal of "`count` or more units of the prime", 1 <= count <= what there can be."""
        key = quantity, prime, count
        if key not in self._literals:
            if isinstance(quantity, TileExtent):
                item = self._places.index(quantity.level)
                self._literals[key] = self._boundaries[quantity.dim, prime][item][count - 1]
            elif isinstance(quantity, Kept):
                self._literals[key] = self._z3.Bool(f"{quantity.tensor} kept at {quantity.level}", self._context)
            else:
                name = self._z3.Bool(f"{quantity} {prime}^{count}", self._context)
                self._solver.add(name == self._count_reached(quantity, prime, count))
                self._literals[key] = name
        return self._literals[key]

    def _count_reached(self, quantity: Factor | Used, prime: int, count: int) -> z3.BoolRef:
        z3 = self._z3
        if isinstance(quantity, Used):
            dims = [d for d, p in self._units if p == prime]
            return z3.AtLeast(
                *(x for place in quantity.places for d in dims for x in self._runs(d, prime, place, 1)), count
            )
        return z3.Or(self._runs(quantity.dim, prime, quantity.place, count))

    def _runs(self, dim: str, prime: int, place: str, count: int) -> list[z3.BoolRef]:
        """For every run of `count` consecutive units the literal of "they lie at this place"."""
        key = dim, prime, place, count
        if key not in self._runs_known:
            item = self._places.index(place)
            here, inside = self._boundaries[dim, prime][item : item + 2]
            ends = zip(here[count - 1 :], inside, strict=False)
            self._runs_known[key] = [self._z3.And(last, self._z3.Not(first)) for last, first in ends]
        return self._runs_known[key]

    def _most(self, quantity: Quantity) -> Exponents:
        if isinstance(quantity, Used):
            most: Counter[int] = Counter()
            for (_, p), n in self._units.items():
                most[p] += n
            return dict(most)
        if isinstance(quantity, Kept):
            return {2: 1}
        return {p: n for (d, p), n in self._units.items() if d == quantity.dim}

    # --- what demands forbid ----------------------------------------------------------------------

    def _learn(self, demand: Demand, guard: z3.BoolRef, point: dict[Quantity, Exponents]) -> None:
        """Excludes what breaks a demand around the point; if its domain is small, everything that breaks it."""
        if len(demand.quantities) > 1:
            self._forbid(demand, guard, point)
            return
        (quantity,) = demand.quantities
        most = self._most(quantity)
        points = [point[quantity]]
        if prod(n + 1 for n in most.values()) <= _SMALL_DOMAIN:
            points = [dict(zip(most, c, strict=True)) for c in product(*(range(n + 1) for n in most.values()))]
        covered: list[tuple[Exponents, Exponents]] = []
        for exponents in points:
            value = _number(exponents)
            inside = any(all(low[p] <= n <= high[p] for p, n in exponents.items()) for low, high in covered)
            if not inside and demand.refuted({quantity: (value, value)}):
                low, high = self._forbid(demand, guard, {quantity: exponents})
                covered.append((low[quantity], high[quantity]))

    def _forbid(
        self, demand: Demand, guard: z3.BoolRef, point: dict[Quantity, Exponents]
    ) -> tuple[dict[Quantity, Exponents], dict[Quantity, Exponents]]:
        """Adds the clause that excludes a box around the point, and returns the box."""
        z3 = self._z3
        low, high = self._grown(demand, point)
        clause = [z3.Not(guard)]
        for q in demand.quantities:
            for prime, most in self._most(q).items():
                if low[q][prime] > 0:
                    clause.append(z3.Not(self._at_least(q, prime, low[q][prime])))
                if high[q][prime] < most:
                    clause.append(self._at_least(q, prime, high[q][prime] + 1))
        self._solver.add(z3.Or(clause))
        return low, high

    def _grown(
        self, demand: Demand, point: dict[Quantity, Exponents]
    ) -> tuple[dict[Quantity, Exponents], dict[Quantity, Exponents]]:
        """A box of exponents around a point, grown greedily while the demand is broken everywhere in it."""
        low = {q: dict(e) for q, e in point.items()}
        high = {q: dict(e) for q, e in point.items()}
        box = {q: (_number(e), _number(e)) for q, e in point.items()}

        def refuted_with(side: dict[Quantity, Exponents], q: Quantity, prime: int, exponent: int) -> bool:
            before, side[q][prime] = side[q][prime], exponent
            wider = {**box, q: (_number(low[q]), _number(high[q]))}
            if demand.refuted(wider):
                box.update(wider)
                return True
            side[q][prime] = before
            return False

        for q in demand.quantities:
            for prime, most in self._most(q).items():
                any(refuted_with(high, q, prime, n) for n in range(most, high[q][prime], -1))
                any(refuted_with(low, q, prime, n) for n in range(low[q][prime]))
        return low, high

    def _add_order(self, order: Order, guard: z3.BoolRef) -> None:
        z3 = self._z3
        dims = [d for d in self._problem.operator.dims if self._problem.size(d) > 1]
        if order.level not in self._ordered:
            self._ordered.add(order.level)
            for a, b, c in combinations(dims, 3):
                for circle in ((a, b), (b, c), (c, a)), ((b, a), (c, b), (a, c)):
                    self._solver.add(z3.Not(z3.And([self._before(order.level, *pair) for pair in circle])))
        listed = [d for d in order.dims if d in dims]
        others = [d for d in dims if d not in listed]
        pairs = list(combinations(listed, 2))
        if order.anchor == "innermost":
            pairs += product(others, listed)
        if order.anchor == "outermost":
            pairs += product(listed, others)
        for a, b in pairs:
            both = z3.And(guard, self._present(order.level, a), self._present(order.level, b))
            self._solver.add(z3.Implies(both, self._before(order.level, a, b)))

    def _before(self, level: str, a: str, b: str) -> z3.BoolRef:
        """Whether a loop over `a` stands outside one over `b`: a total order of all dimensions, present or not."""
        first, second = sorted((a, b))
        name = self._z3.Bool(f"{first} outside {second} at {level}", self._context)
        return name if (a, b) == (first, second) else self._z3.Not(name)

    def _present(self, level: str, dim: str) -> z3.BoolRef:
        factor = Factor(level, dim)
        return self._z3.Or([self._at_least(factor, p, 1) for p in self._most(factor)])

    # --- back from a model ------------------------------------------------------------------------

    def _exponents_in(self, model: z3.ModelRef) -> dict[tuple[str, int], list[int]]:
        """Units of every (dim, prime) at each place."""
        found = {}
        for key, boundaries in self._boundaries.items():
            counts = [self._units[key]]
            for literals in boundaries[1:]:  # unary and shrinking inwards
                counts.append(sum(1 for _ in takewhile(partial(self._holds, model), literals[: counts[-1]])))
            found[key] = [here - inside for here, inside in pairwise(counts)]
        return found

    def _keeps(self, model: z3.ModelRef, kept: Kept) -> bool:
        return self._holds(model, self._at_least(kept, 2, 1))

    def _holds(self, model: z3.ModelRef, literal: Any) -> bool:
        return bool(self._z3.is_true(model.eval(literal, model_completion=True)))

    def _value_exponents(
        self, quantity: Quantity, model: z3.ModelRef, exponents: dict[tuple[str, int], list[int]]
    ) -> Exponents:
        if isinstance(quantity, Kept):
            return {2: int(self._keeps(model, quantity))}
        if isinstance(quantity, Used):
            items = [self._places.index(p) for p in quantity.places]
            total: Counter[int] = Counter()
            for (_, p), at in exponents.items():
                total[p] += sum(at[i] for i in items)
            return dict(total)
        if isinstance(quantity, TileExtent):
            item = self._places.index(quantity.level)
            return {p: sum(at[item:]) for (d, p), at in exponents.items() if d == quantity.dim}
        item = self._places.index(quantity.place)
        return {p: at[item] for (d, p), at in exponents.items() if d == quantity.dim}

    def _mapping(self, model: z3.ModelRef, exponents: dict[tuple[str, int], list[int]]) -> Mapping:
        nest = []
        for i, place in enumerate(self._places):
            factors: dict[str, int] = {}
            for (d, p), at in exponents.items():
                factors[d] = factors.get(d, 1) * p ** at[i]
            loops = [Loop(d, f) for d, f in factors.items() if f > 1]
            if place in self._ordered:
                dims = [x.dim for x in loops]
                outside = {d: sum(self._holds(model, self._before(place, e, d)) for e in dims if e != d) for d in dims}
                loops.sort(key=lambda x: outside[x.dim])
            nest.append((place, tuple(loops)))
        tensors = {t.name for t in self._problem.operator.tensors}
        open_ = [(x.name, t) for x in self._accelerator.levels for t in x.optional & tensors]
        return Mapping(tuple(nest), frozenset(x for x in open_ if not self._keeps(model, Kept(*x))))


def _number(exponents: Exponents) -> int:
    return prod(p**k for p, k in exponents.items())
