"""Why a layer has no legal mapping: the rules that conflict, the numbers that clash, and the changes that would do.

Every number and every help is the answer of the solver to a changed question, never a guess.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod

from qdsl.diagnostics import Diagnostic, Label
from qdsl.mapspace.feasibility import System
from qdsl.mapspace.rules import (
    Capacity,
    Demand,
    Mesh,
    Quantity,
    Rule,
    Used,
    Width,
    capacity_demand,
    mesh_demand,
    words_at,
)
from qdsl.mapspace.wording import counted, domain_of, instances_of, listed, names_in, rule_label, values_text, where
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Factor, Only, Order, Require, TileExtent
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem

# Values of one quantity that are tried out to say which the other rules leave.
_MOST_VALUES = 40


def explain_infeasible(
    accelerator: Accelerator,
    problem: Problem,
    layer_name: str,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint],
    timeout_s: float = 10.0,
) -> Diagnostic:
    """The finding that a layer has no legal mapping: a minimal conflict (Q0701), or that the time was up first (Q0708).

    The main place is a constraint of the conflict, or else a size of the hardware. Raises ValueError for a layer that
    has a legal mapping.
    """
    system = System(accelerator, problem, bits, tuple(constraints), time.perf_counter() + timeout_s)
    answer = system.solve(range(len(system.rules)))
    if answer.status == "feasible":
        raise ValueError(f"`{layer_name}` has a legal mapping: {answer.mapping}")
    if answer.status == "unknown":
        notes = (f"neither a mapping nor a conflict was found in {timeout_s:g} s",)
        return Diagnostic(
            "Q0708", f"whether `{layer_name}` has a legal mapping could not be decided", None, notes=notes
        )
    conflict = _Conflict(system, system.core_demands(system.core()))
    main, *others = conflict.ranked
    return Diagnostic(
        "Q0701",
        f"no mapping of `{layer_name}` satisfies {'these rules together' if others else 'this rule'}",
        main.span,
        label=conflict.label(main),
        labels=tuple(Label(rule.span, conflict.label(rule)) for rule in others if rule.span),
        notes=tuple(conflict.notes(layer_name)),
        helps=tuple(conflict.helps),
    )


@dataclass(frozen=True)
class _Conflict:
    """needed: rule -> its demands that take part, both by their numbers in the system."""

    system: System
    needed: MappingABC[int, Sequence[int]]

    @property
    def ranked(self) -> list[Rule]:
        """The rules, the one to show first: a formula the user wrote, then other constraints, then hardware."""

        def rank(rule: Rule) -> tuple[bool, bool, bool]:
            return rule.span is None, not isinstance(rule, Only | Order | Require), not isinstance(rule, Require)

        return sorted((self.system.rules[i] for i in self.needed), key=rank)

    def label(self, rule: Rule) -> str:
        number = next(i for i in self.needed if self.system.rules[i] is rule)
        demands = [self.system.demands[i] for i in self.needed[number]]
        return rule_label(rule, demands, self.system.accelerator, self.system.problem, self.system.bits)

    # --- the numbers that clash -------------------------------------------------------------------

    def notes(self, layer_name: str) -> Iterator[str]:
        problem = self.system.problem
        sizes = ", ".join(f"{d} = {n}" for d, n in zip(problem.operator.dims, problem.sizes, strict=True) if n > 1)
        widths = ", ".join(f"{t.name} = {self.system.bits[t.name]}" for t in problem.operator.tensors)
        yield f"`{layer_name}` is `{problem.operator.name}`{f' with {sizes}' if sizes else ''}; bits {widths}"
        for number, demands in self.needed.items():
            rule = self.system.rules[number]
            others = [i for n, needed in self.needed.items() if n != number for i in needed]
            if not rule.span:
                yield f"{_written(rule)}: {self.label(rule)}"
            if isinstance(rule, Capacity | Mesh):
                yield from self._shortage(rule, others)
            elif rule is self.ranked[0] and others:
                for demand in demands:
                    yield from self._left(self.system.demands[demand], [*others, *(d for d in demands if d != demand)])
        if self.late:
            yield "the time was up before the conflict was reduced as far as possible"
        elif not self.helps:
            yield "no single change of a size, a width or a line is enough: other rules conflict as well"

    def _shortage(self, rule: Capacity | Mesh, others: Sequence[int]) -> Iterator[str]:
        found = _least(self.system, rule, others)
        if found is None:
            return
        needed, mapping = found
        who = "the other rules need" if others else "every mapping needs"
        if isinstance(rule, Mesh):
            yield f"{who} at least {counted(needed, 'instance')} along {rule.axis} of `{rule.fanout.name}`"
            return
        tiles = words_at(rule.level, self.system.problem, self.system.bits, self._extents(rule, mapping))
        parts = [f"{t} {counted(v, 'value')} in {counted(w, 'word')}" for t, (v, w) in tiles.items()]
        yield f"{who} at least {counted(needed, 'word')} at `{rule.level.name}`: {listed(parts)}"

    def _extents(self, rule: Capacity, mapping: Mapping) -> dict[str, int]:
        level = rule.level.name
        return {
            d: _value(self.system.accelerator, mapping, TileExtent(level, d)) for d in self.system.problem.operator.dims
        }

    def _left(self, demand: Demand, others: Sequence[int]) -> Iterator[str]:
        """Which values of the only quantity of a demand the other rules leave."""
        if len(demand.quantities) != 1:
            return
        (quantity,) = demand.quantities
        values = _values_left(self.system, quantity, others)
        if not values:
            return
        accelerator, problem = self.system.accelerator, self.system.problem
        if isinstance(quantity, Used):
            total = instances_of(quantity, accelerator)
            yield f"the other rules leave from {values[0]} to {values[-1]} of the {counted(total, 'instance')}"
        else:
            text = values_text(quantity.dim, values, domain_of(quantity, accelerator, problem))
            yield f"the other rules leave {text} {where(quantity)}"

    # --- the changes that would do ----------------------------------------------------------------

    @property
    def late(self) -> bool:
        return time.perf_counter() > self.system.deadline

    @cached_property
    def helps(self) -> list[str]:
        system = self.system
        found = []
        for number in self.needed:
            rule = system.rules[number]
            others = [i for n, demands in enumerate(system.of_rule) if n != number for i in demands]
            if isinstance(rule, Capacity) and (least := _least(system, rule, others)):
                found.append(f"a mapping exists with `size {least[0]} word` for `{rule.level.name}`")
            if isinstance(rule, Mesh) and (least := _least(system, rule, others)):
                instances = -(-least[0] // rule.outside)
                if _works_with_mesh(system, rule, instances):
                    found.append(f"a mapping exists with `{rule.axis} {instances}` for `{rule.fanout.name}`")
        for tensor in self._tensors_concerned:
            if width := _widest(system, tensor, self._mentions(tensor)):
                found.append(f"a mapping exists with {tensor} at {width}")
        lines = [_written(system.rules[i]) for i in self.needed if self._is_enough_to_drop(i)]
        if lines:
            found.append(f"a mapping exists without {'any one of ' if len(lines) > 1 else ''}{listed(lines, 'or')}")
        return found

    @property
    def _tensors_concerned(self) -> list[str]:
        """Tensors whose width has a part in the conflict."""
        rules = [self.system.rules[i] for i in self.needed]
        names = [t.name for t in self.system.problem.operator.tensors]
        return [t for t in names if any(_concerns(rule, t) for rule in rules)]

    def _mentions(self, tensor: str) -> bool:
        return any(_mentions(c, tensor) for c in self.system.constraints)

    def _is_enough_to_drop(self, number: int) -> bool:
        if not isinstance(self.system.rules[number], Only | Order | Require):
            return False
        others = [i for i in range(len(self.system.rules)) if i != number]
        return self.system.solve(others).status == "feasible"


def _least(system: System, rule: Capacity | Mesh, others: Sequence[int]) -> tuple[int, Mapping] | None:
    """The smallest limit in place of a rule's that the other demands allow, with a mapping; None if there is none."""

    def needs(mapping: Mapping) -> int:
        if isinstance(rule, Mesh):
            return _value(system.accelerator, mapping, Used(rule.places))
        tile = {
            d: _value(system.accelerator, mapping, TileExtent(rule.level.name, d)) for d in system.problem.operator.dims
        }
        return sum(words for _, words in words_at(rule.level, system.problem, system.bits, tile).values())

    def limit(n: int) -> Demand:
        if isinstance(rule, Mesh):
            return mesh_demand(rule, n)
        return capacity_demand(rule.level, n, system.problem, system.bits)

    best = system.solve_demands(others).mapping
    low = (rule.instances if isinstance(rule, Mesh) else rule.words) + 1
    while best is not None and low < (high := needs(best)):
        middle = (low + high) // 2
        answer = system.solve_demands([*others, system.add(limit(middle))])
        if answer.status == "unknown":
            return None
        if answer.mapping is None:
            low = middle + 1
        else:
            best = answer.mapping
    return (needs(best), best) if best is not None else None


def _works_with_mesh(system: System, rule: Mesh, instances: int) -> bool:
    """Whether a mapping exists with another mesh, which also changes what utilization means."""
    changed = replace(rule.fanout, x=instances) if rule.axis == "x" else replace(rule.fanout, y=instances)
    hierarchy = tuple(changed if h is rule.fanout else h for h in system.accelerator.hierarchy)
    accelerator = replace(system.accelerator, hierarchy=hierarchy)
    other = System(accelerator, system.problem, system.bits, system.constraints, system.deadline)
    return other.solve(range(len(other.rules))).status == "feasible"


def _widest(system: System, tensor: str, mentioned: bool) -> str | None:
    """The greatest other width of a tensor at which a mapping exists, in words; None if there is none.

    Where no constraint mentions the width, fewer bits never hurt, so the search is by halves.
    """

    def works(width: int) -> bool:
        changed = {**system.bits, tensor: width}
        other = System(system.accelerator, system.problem, changed, system.constraints, system.deadline)
        return other.solve(range(len(other.rules))).status == "feasible"

    now = system.bits[tensor]
    if mentioned:
        top = max(level.word_bits for level in system.accelerator.levels if level.keeps(tensor))
        width = next((b for b in range(top, 0, -1) if b != now and works(b)), None)
        return f"{counted(width, 'bit')}" if width else None
    if now == 1 or not works(1):
        return None
    low, high = 1, now  # works(low), not works(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if works(middle) else (low, middle)
    return "1 bit" if low == 1 else f"{low} bits or fewer"


def _values_left(system: System, quantity: Quantity, others: Sequence[int]) -> list[int]:
    """All values a quantity takes in mappings that satisfy the demands, ascending; [] if they are too many to try."""
    found: list[int] = []
    assumed = list(others)
    while len(found) <= _MOST_VALUES:
        answer = system.solve_demands(assumed)
        if answer.status == "infeasible":
            return sorted(found)
        if answer.mapping is None:
            break
        value = _value(system.accelerator, answer.mapping, quantity)
        found.append(value)
        assumed.append(system.add(_other_than(quantity, value)))
    return []


def _other_than(quantity: Quantity, value: int) -> Demand:
    return Demand((quantity,), lambda box: box[quantity] == (value, value))


def _value(accelerator: Accelerator, mapping: Mapping, quantity: Quantity) -> int:
    if isinstance(quantity, Used):
        return prod(loop.factor for place in quantity.places for loop in mapping.loops(place))
    if isinstance(quantity, Factor):
        return mapping.factor(quantity.place, quantity.dim)
    inside = accelerator.places[accelerator.places.index(quantity.level) :]
    return prod(mapping.factor(p, quantity.dim) for p in inside)


def _concerns(rule: Rule, tensor: str) -> bool:
    match rule:
        case Capacity():
            return rule.level.keeps(tensor)
        case Width():
            return rule.tensor == tensor
    return _mentions(rule, tensor)


def _mentions(rule: Rule, tensor: str) -> bool:
    if not isinstance(rule, Only | Order | Require):
        return False
    formulas = [rule.scope.condition, rule.formula if isinstance(rule, Require) else None]
    return any(f"bits({tensor})" in names_in(f) for f in formulas if f is not None)


def _written(rule: Rule) -> str:
    match rule:
        case Width():
            return f"the word of `{rule.level.name}`"
        case Capacity():
            return f"the size of `{rule.level.name}`"
        case Mesh():
            return f"the {rule.axis} of `{rule.fanout.name}`"
    return f"`{rule.text}`"
