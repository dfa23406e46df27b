"""Which bit-widths leave a layer a legal mapping: many assignments of widths with few questions to the solver.

At given widths every rule asks something that depends on a few of the widths only. A mapping that keeps all that is
asked at some widths is legal there, so one mapping may settle many assignments; a conflict settles all in which the
same is asked. Nothing is taken for granted about fewer bits; the widest assignments only come first because their
mappings mostly are legal at narrower ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from functools import cached_property

from qdsl.mapspace.demands import mentions, reads_words, satisfies
from qdsl.mapspace.encoding import Answer, Encoding
from qdsl.mapspace.feasibility import minimal
from qdsl.mapspace.rules import Capacity, Demand, Rule, demands_of, rules_of
from qdsl.mapspace.violations import constraint_violations
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Limit, Require
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic.widths import Packing, packing_at


@dataclass(frozen=True, slots=True)
class Decision:
    """status: 'feasible' (mapping is a legal one), 'infeasible' (core conflicts) or 'unknown' (the time was up, or the mapping
    found is beyond a limit of its cost).

    beyond: these limits. seconds: what the solver took; None if the answer follows from those to other widths.
    """

    status: str
    mapping: Mapping | None = None
    core: tuple[Rule, ...] = ()
    seconds: float | None = None
    beyond: tuple[Limit, ...] = ()


def decide_widths(
    accelerator: Accelerator,
    problem: Problem,
    bits_list: Sequence[MappingABC[str, int]],
    constraints: Iterable[Constraint],
    timeout_s: float = 10.0,
) -> tuple[Decision, ...]:
    """Decides the space of perfect factorisations at every assignment of widths.

    timeout_s: for each one that has to be solved. If the time is up while a conflict is being reduced, it is one but
    perhaps not minimal.
    """
    layer = _Layer(accelerator, problem, tuple(constraints))
    asked = [layer.asked(bits) for bits in bits_list]
    found: dict[int, Decision] = {}
    for i in sorted(range(len(asked)), key=lambda i: (-sum(bits_list[i].values()), i)):
        found[i] = layer.known(asked[i], bits_list[i]) or layer.solved(asked[i], bits_list[i], timeout_s)
    return tuple(found[i] for i in range(len(asked)))


@dataclass(frozen=True, eq=False)
class _Asked:
    """What a rule asks at some widths. demands: by their numbers in the encoding."""

    rule: Rule
    demands: MappingABC[int, Demand]
    reads_widths: bool

    @cached_property
    def never(self) -> bool:
        """Whether no mapping can keep it, as its widths alone show."""
        return any(not d.quantities and d.refuted({}) for d in self.demands.values())


@dataclass
class _Layer:
    """What is asked of one layer at all widths, in one encoding, and what is known of it."""

    accelerator: Accelerator
    problem: Problem
    constraints: tuple[Constraint, ...]
    encoding: Encoding = field(init=False)
    different: dict[tuple[Rule, tuple[object, ...]], _Asked] = field(init=False, default_factory=dict)
    mappings: list[tuple[Mapping, dict[_Asked, bool]]] = field(init=False, default_factory=list)
    """Legal mappings at some widths, and what they are known to keep."""
    conflicts: list[tuple[_Asked, ...]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.encoding = Encoding(self.accelerator, self.problem)

    def asked(self, bits: MappingABC[str, int]) -> list[_Asked]:
        """What the rules ask at given widths; rules that read equal widths ask the same."""
        found = []
        for rule in rules_of(self.accelerator, self.problem, bits, self.constraints):
            key = rule, tuple(_read(rule, self.accelerator, self.problem, bits))
            asked = self.different.get(key)
            if asked is None:
                demands = demands_of(rule, self.accelerator, self.problem, bits)
                asked = _Asked(rule, {self.encoding.add(d): d for d in demands}, bool(key[1]))
                self.different[key] = asked
            found.append(asked)
        return found

    def known(self, asked: Sequence[_Asked], bits: MappingABC[str, int]) -> Decision | None:
        """The answer if it follows from earlier ones, or from one rule that no mapping keeps."""
        if never := next((x for x in asked if x.never), None):
            return Decision("infeasible", core=(never.rule,))
        for mapping, kept in self.mappings:
            if all(self._keeps(mapping, kept, x) for x in asked) and not self._beyond(mapping, bits):
                return Decision("feasible", mapping)
        for conflict in self.conflicts:
            if set(conflict).issubset(asked):
                return Decision("infeasible", core=tuple(x.rule for x in conflict))
        return None

    def solved(self, asked: Sequence[_Asked], bits: MappingABC[str, int], timeout_s: float) -> Decision:
        started = time.perf_counter()
        deadline = started + timeout_s

        def solve(part: Iterable[_Asked]) -> Answer:
            return self.encoding.solve((i for x in part for i in x.demands), deadline)

        answer = solve(asked)
        core: list[_Asked] = []
        if answer.mapping:
            self.mappings.append((answer.mapping, dict.fromkeys(asked, True)))
        elif answer.status == "infeasible":
            involved = [x for x in asked if not answer.conflict.isdisjoint(x.demands)]
            # What reads no width comes first and so stays where there is a choice: it settles more assignments.
            involved.sort(key=lambda x: x.reads_widths)
            core = minimal(involved, lambda part: solve(part).status == "infeasible")
            self.conflicts.append(tuple(core))
        beyond = self._beyond(answer.mapping, bits) if answer.mapping else ()
        if beyond:
            answer = Answer("unknown")
        seconds = time.perf_counter() - started
        return Decision(answer.status, answer.mapping, tuple(x.rule for x in core), seconds, beyond)

    def _beyond(self, mapping: Mapping, bits: MappingABC[str, int]) -> tuple[Limit, ...]:
        """The limits of its cost that a mapping does not stay within."""
        limits = (c for c in self.constraints if isinstance(c, Limit))
        return tuple(x for x in limits if constraint_violations([x], self.accelerator, self.problem, bits, mapping))

    def _keeps(self, mapping: Mapping, kept: dict[_Asked, bool], asked: _Asked) -> bool:
        if asked not in kept:
            kept[asked] = all(satisfies(self.accelerator, mapping, d) for d in asked.demands.values())
        return kept[asked]


def _read(
    rule: Rule, accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]
) -> Iterator[Packing | int]:
    """What a rule reads of the widths: how values share words, and widths themselves."""
    if isinstance(rule, Capacity):
        for t in problem.operator.tensors:
            if rule.level.serves(rule.partition, t.name):
                yield packing_at(rule.level, t.name, problem, bits)
    elif isinstance(rule, Limit) or (isinstance(rule, Require) and reads_words(rule.formula)):
        # also the widths from which a level's own rule makes another one
        yield from bits.values()
    else:
        yield from (n for t, n in bits.items() if mentions(rule, t))
