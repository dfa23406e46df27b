"""Whether a layer has a legal mapping at given bit-widths, with a witness or a minimal set of rules that conflict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import TypeVar

from qdsl.mapspace.encoding import Answer, Encoding
from qdsl.mapspace.rules import Demand, Rule, demands_of, rules_of
from qdsl.mapspace.violations import constraint_violations
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Factor, Limit, Order, Scope
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Feasibility:
    """status: 'feasible' (mapping is a legal one), 'infeasible' (core conflicts) or 'unknown' (the time was up, or the mapping
    found is beyond a limit of its cost, which says nothing of others).

    core: rules that no mapping satisfies together; without any one of them some mapping satisfies the others.
    """

    status: str
    mapping: Mapping | None
    core: tuple[Rule, ...]
    seconds: float


def feasible(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint],
    timeout_s: float = 10.0,
) -> Feasibility:
    """Decides the space of perfect factorisations; all constraints are kept, also those that the exact search refuses.

    If the time is up while the core is being reduced, it is a conflict but perhaps not minimal.
    """
    started = time.perf_counter()
    system = System(accelerator, problem, bits, constraints, started + timeout_s)
    answer = system.solve(range(len(system.rules)))
    core = system.core() if answer.status == "infeasible" else ()
    if answer.mapping and system.beyond(answer.mapping):
        answer = Answer("unknown")
    return Feasibility(
        answer.status, answer.mapping, tuple(system.rules[i] for i in core), time.perf_counter() - started
    )


def admits(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint],
    mapping: Mapping,
    timeout_s: float = 10.0,
) -> Feasibility:
    """Whether the rules admit one mapping in perfect factors: the question of `feasible` with all its factors and orders
    given. core: the rules that exclude it."""
    started = time.perf_counter()
    machine = accelerator.resolved(mapping.bypass)
    system = System(machine, problem, bits, constraints, started + timeout_s)
    given = [
        system.add(_equal(Factor(p, d), mapping.factor(p, d))) for p in machine.places for d in problem.operator.dims
    ]
    for level in machine.levels:
        dims = tuple(x.dim for x in mapping.loops(level.name))
        given.append(system.add(Demand((), lambda box: False, order=Order(level.name, dims, "", Scope(), ""))))
    of_rule = system.of_rule
    answer = system.solve_demands([*given, *(i for numbers in of_rule for i in numbers)])
    core: list[int] = []
    if answer.status == "infeasible":

        def excluding(rules: Sequence[int]) -> bool:
            found = system.solve_demands([*given, *(i for rule in rules for i in of_rule[rule])])
            return found.status == "infeasible"

        core = minimal(range(len(of_rule)), excluding)
    rules = tuple(system.rules[i] for i in core)
    if answer.mapping and (limits := system.beyond(answer.mapping)):
        answer, rules = Answer("infeasible"), limits
    return Feasibility(answer.status, answer.mapping, rules, time.perf_counter() - started)


def _equal(factor: Factor, value: int) -> Demand:
    return Demand((factor,), lambda box: not box[factor][0] <= value <= box[factor][1])


@dataclass
class System:
    """All rules of a layer and their demands in one encoding. Rules and demands are meant by their numbers."""

    accelerator: Accelerator
    problem: Problem
    bits: MappingABC[str, int]
    constraints: Iterable[Constraint]
    deadline: float
    rules: tuple[Rule, ...] = field(init=False)
    demands: dict[int, Demand] = field(init=False, default_factory=dict)
    of_rule: list[list[int]] = field(init=False, default_factory=list)
    encoding: Encoding = field(init=False)

    def __post_init__(self) -> None:
        self.encoding = Encoding(self.accelerator, self.problem)
        self.rules = rules_of(self.accelerator, self.problem, self.bits, self.constraints)
        for rule in self.rules:
            self.of_rule.append([self.add(d) for d in demands_of(rule, self.accelerator, self.problem, self.bits)])

    def add(self, demand: Demand) -> int:
        number = self.encoding.add(demand)
        self.demands[number] = demand
        return number

    def solve(self, rules: Iterable[int]) -> Answer:
        return self.solve_demands(i for rule in rules for i in self.of_rule[rule])

    def solve_demands(self, demands: Iterable[int]) -> Answer:
        return self.encoding.solve(demands, self.deadline)

    def beyond(self, mapping: Mapping, dropped: Rule | None = None) -> tuple[Limit, ...]:
        """The limits of its cost that a mapping does not stay within, but for one that was dropped."""
        limits = (rule for rule in self.rules if isinstance(rule, Limit) and rule is not dropped)
        return tuple(
            x for x in limits if constraint_violations([x], self.accelerator, self.problem, self.bits, mapping)
        )

    def core(self) -> list[int]:
        """A minimal conflict among the rules, which must be one. Earlier rules stay where there is a choice."""
        return minimal(range(len(self.rules)), lambda rules: self.solve(rules).status == "infeasible")

    def core_demands(self, core: Sequence[int]) -> dict[int, list[int]]:
        """Rule -> those of its demands that are needed for the conflict."""
        everything = [i for rule in core for i in self.of_rule[rule]]
        needed = set(minimal(everything, lambda demands: self.solve_demands(demands).status == "infeasible"))
        return {rule: [i for i in self.of_rule[rule] if i in needed] for rule in core}


def minimal(members: Iterable[T], conflicting: Callable[[Sequence[T]], bool]) -> list[T]:
    """Those of a conflict that are needed: none can be left out. Tries to do without each, the last one first."""
    needed = list(members)
    for member in reversed(needed.copy()):
        others = [x for x in needed if x != member]
        if conflicting(others):
            needed = others
    return needed
