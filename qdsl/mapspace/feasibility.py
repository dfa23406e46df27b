"""Whether a layer has a legal mapping at given bit-widths, with a witness or a minimal set of rules that conflict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field

from qdsl.mapspace.encoding import Answer, Encoding
from qdsl.mapspace.rules import Demand, Rule, demands_of, rules_of
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem


@dataclass(frozen=True, slots=True)
class Feasibility:
    """status: 'feasible' (mapping is a legal one), 'infeasible' (core conflicts) or 'unknown' (the time was up).

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
    return Feasibility(
        answer.status, answer.mapping, tuple(system.rules[i] for i in core), time.perf_counter() - started
    )


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

    def core(self) -> list[int]:
        """A minimal conflict among the rules, which must be one. Earlier rules stay where there is a choice."""
        return minimal(range(len(self.rules)), lambda rules: self.solve(rules).status == "infeasible")

    def core_demands(self, core: Sequence[int]) -> dict[int, list[int]]:
        """Rule -> those of its demands that are needed for the conflict."""
        everything = [i for rule in core for i in self.of_rule[rule]]
        needed = set(minimal(everything, lambda demands: self.solve_demands(demands).status == "infeasible"))
        return {rule: [i for i in self.of_rule[rule] if i in needed] for rule in core}


def minimal(numbers: Iterable[int], conflicting: Callable[[Sequence[int]], bool]) -> list[int]:
    """Those of a conflict that are needed: none can be left out. Tries to do without each, the last one first."""
    needed = list(numbers)
    for number in reversed(needed.copy()):
        others = [i for i in needed if i != number]
        if conflicting(others):
            needed = others
    return needed
