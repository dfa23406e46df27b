"""Why a layer has no legal mapping: the rules that conflict, the numbers that clash, and the changes that would do.

Every number and every help is the answer of the solver to a changed question, never a guess.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from functools import cached_property

from qdsl.diagnostics import Diagnostic, Label
from qdsl.mapspace.changes import least_limit, tiles_of, values_left, widest, works, works_with_mesh
from qdsl.mapspace.demands import mentions
from qdsl.mapspace.feasibility import System
from qdsl.mapspace.rules import (
    Capacity,
    Demand,
    Kept,
    Mesh,
    Rule,
    Used,
    Width,
)
from qdsl.mapspace.wording import counted, domain_of, instances_of, listed, rule_label, values_text, where
from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.constraint import Constraint, Keep, Limit, Only, Order, Require
from qdsl.model.operator import Operator, Problem


def explain_infeasible(
    accelerator: Accelerator,
    problem: Problem,
    layer_name: str,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint],
    timeout_s: float = 10.0,
) -> Diagnostic:
    """The finding that a layer has no legal mapping: a minimal conflict (Q0701), or that the time was up first (Q0708).

    The main place is a constraint of the conflict, or else a size of the hardware. What the layer costs at least is not
    decided here: where only limits of the cost are left, the caller knows that they exclude every mapping. Raises
    ValueError for a layer that has a legal mapping and no such limit.
    """
    system = System(accelerator, problem, bits, tuple(constraints), time.perf_counter() + timeout_s)
    answer = system.solve(range(len(system.rules)))
    limits = [rule for rule in system.rules if isinstance(rule, Limit)]
    if answer.status == "feasible" and limits:
        return _beyond(layer_name, limits)
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
        labels=(*(Label(rule.span, conflict.label(rule)) for rule in others if rule.span), *conflict.width_rules),
        notes=tuple(conflict.notes(layer_name)),
        helps=tuple(conflict.helps),
    )


def _beyond(layer_name: str, limits: Sequence[Limit]) -> Diagnostic:
    main, *others = limits
    return Diagnostic(
        "Q0701",
        f"no mapping of `{layer_name}` stays within {'these limits' if others else 'this limit'}",
        main.span,
        label="every mapping costs more" if not others else "",
        labels=tuple(Label(rule.span, "and this one") for rule in others if rule.span),
        notes=("mappings that keep all other rules exist",),
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
            return (
                rule.span is None,
                not isinstance(rule, Only | Order | Keep | Require | Limit),
                not isinstance(rule, Require | Limit),
            )

        return sorted((self.system.rules[i] for i in self.needed), key=rank)

    def label(self, rule: Rule) -> str:
        number = next(i for i in self.needed if self.system.rules[i] is rule)
        demands = [self.system.demands[i] for i in self.needed[number]]
        return rule_label(rule, demands, self.system.accelerator, self.system.problem, self.system.bits)

    @property
    def width_rules(self) -> tuple[Label, ...]:
        """The rules that give a tensor the width at which it takes part in the conflict."""
        problem, bits = self.system.problem, self.system.bits
        found = [
            Label(rule.span, f"makes `{t}` {counted(level.stored_bits(t, problem, bits), 'bit')}")
            for i in self.needed
            for level, t in _stored(self.system.rules[i], problem.operator)
            if (rule := level.width_rule(t, problem.operator)) and rule.span
        ]
        return tuple(dict.fromkeys(found))

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
        found = least_limit(self.system, rule, others)
        if found is None:
            return
        needed, mapping = found
        who = "the other rules need" if others else "every mapping needs"
        if isinstance(rule, Mesh):
            yield f"{who} at least {counted(needed, 'instance')} along {rule.axis} of `{rule.fanout.name}`"
            return
        tiles = tiles_of(self.system, rule, mapping)
        parts = [f"{t} {counted(v, 'value')} in {counted(w, 'word')}" for t, (v, w) in tiles.items()]
        yield f"{who} at least {counted(needed, 'word')} at `{rule.level.name}`: {listed(parts)}"

    def _left(self, demand: Demand, others: Sequence[int]) -> Iterator[str]:
        """Which values of the only quantity of a demand the other rules leave."""
        if len(demand.quantities) != 1:
            return
        (quantity,) = demand.quantities
        values = values_left(self.system, quantity, others)
        if not values:
            return
        accelerator, problem = self.system.accelerator, self.system.problem
        if isinstance(quantity, Kept):
            yield f"the other rules make `{quantity.level}` {'keep' if values == [2] else 'bypass'} `{quantity.tensor}`"
        elif isinstance(quantity, Used):
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
            if (
                isinstance(rule, Capacity)
                and (least := least_limit(system, rule, others))
                and not system.beyond(least[1])
            ):
                whose = f" for {', '.join(sorted(rule.partition.tensors))}" if rule.partition.tensors else ""
                found.append(f"a mapping exists with `size {least[0]} word{whose}` for `{rule.level.name}`")
            if isinstance(rule, Mesh) and (least := least_limit(system, rule, others)):
                instances = -(-least[0] // rule.outside)
                if works_with_mesh(system, rule, instances):
                    found.append(f"a mapping exists with `{rule.axis} {instances}` for `{rule.fanout.name}`")
        for tensor in self._tensors_concerned:
            if width := widest(system, tensor, self._mentions(tensor)):
                found.append(f"a mapping exists with {tensor} at {width}")
        lines = [_written(system.rules[i]) for i in self.needed if self._is_enough_to_drop(i)]
        if lines:
            found.append(f"a mapping exists without {'any one of ' if len(lines) > 1 else ''}{listed(lines, 'or')}")
        return found

    @property
    def _tensors_concerned(self) -> list[str]:
        """Tensors whose width has a part in the conflict."""
        rules = [self.system.rules[i] for i in self.needed]
        operator = self.system.problem.operator
        read = {x for rule in rules for level, t in _stored(rule, operator) for x in level.widths_read(t, operator)}
        names = [t.name for t in operator.tensors]
        return [t for t in names if t in read or any(mentions(rule, t) for rule in rules)]

    def _mentions(self, tensor: str) -> bool:
        """Whether a rule or a formula reads the width, so that fewer bits may be worse."""
        accelerator, operator = self.system.accelerator, self.system.problem.operator
        formulas = [
            *(f for level in accelerator.levels for _, f in level.stored),
            *accelerator.compute.formulas(operator),
        ]
        read = {t for f in formulas for t in f.reads(operator)}
        return tensor in read or any(mentions(c, tensor) for c in self.system.constraints)

    def _is_enough_to_drop(self, number: int) -> bool:
        if not isinstance(self.system.rules[number], Only | Order | Keep | Require | Limit):
            return False
        others = [i for i in range(len(self.system.rules)) if i != number]
        return works(self.system, self.system.solve(others), self.system.rules[number])


def _stored(rule: Rule, operator: Operator) -> list[tuple[StorageLevel, str]]:
    """The tensors whose width at a level a rule of the hardware is about."""
    match rule:
        case Capacity():
            return [(rule.level, t.name) for t in operator.tensors if rule.level.serves(rule.partition, t.name)]
        case Width():
            return [(rule.level, rule.tensor)]
    return []


def _written(rule: Rule) -> str:
    match rule:
        case Width():
            return f"the word of `{rule.level.name}`"
        case Capacity():
            return f"the size of `{rule.level.name}`"
        case Mesh():
            return f"the {rule.axis} of `{rule.fanout.name}`"
    return f"`{rule.text}`"
