"""What would have to change for a layer to have a mapping, and which values the rules leave: questions to the solver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qdsl.diagnostics import SpecError
from qdsl.mapspace.demands import value_in
from qdsl.mapspace.encoding import Answer
from qdsl.mapspace.feasibility import System
from qdsl.mapspace.rules import Capacity, Demand, Mesh, Quantity, Rule, Used, capacity_demand, mesh_demand, words_at
from qdsl.mapspace.wording import counted
from qdsl.model.constraint import TileExtent
from qdsl.model.mapping import Mapping
from qdsl.symbolic.widths import widths_of

# Values of one quantity that are tried out to say which the other rules leave.
_MOST_VALUES = 40


def works(system: System, answer: Answer, dropped: Rule | None = None) -> bool:
    """Whether an answer is a mapping, and one within the limits of its cost but for a dropped one."""
    return answer.mapping is not None and not system.beyond(answer.mapping, dropped)


def least_limit(system: System, rule: Capacity | Mesh, others: Sequence[int]) -> tuple[int, Mapping] | None:
    """The smallest limit in place of a rule's that the other demands allow, with a mapping; None if there is none."""

    def needs(mapping: Mapping) -> int:
        if isinstance(rule, Mesh):
            return value_in(system.accelerator, mapping, Used(rule.places))
        return sum(words for _, words in tiles_of(system, rule, mapping).values())

    def limit(n: int) -> Demand:
        if isinstance(rule, Mesh):
            return mesh_demand(rule, n)
        return capacity_demand(rule, n, system.problem, system.bits)

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


def tiles_of(system: System, rule: Capacity, mapping: Mapping) -> dict[str, tuple[int, int]]:
    """Per tensor (values, words) of its tile in a partition."""
    accelerator, problem = system.accelerator, system.problem
    extents = {d: value_in(accelerator, mapping, TileExtent(rule.level.name, d)) for d in problem.operator.dims}
    return words_at(rule, problem, system.bits, extents, mapping.bypass)


def works_with_mesh(system: System, rule: Mesh, instances: int) -> bool:
    """Whether a mapping exists with another mesh, which also changes what utilization means."""
    changed = replace(rule.fanout, x=instances) if rule.axis == "x" else replace(rule.fanout, y=instances)
    hierarchy = tuple(changed if h is rule.fanout else h for h in system.accelerator.hierarchy)
    accelerator = replace(system.accelerator, hierarchy=hierarchy)
    other = System(accelerator, system.problem, system.bits, system.constraints, system.deadline)
    return works(other, other.solve(range(len(other.rules))))


def widest(system: System, tensor: str, mentioned: bool) -> str | None:
    """The greatest other width of a tensor at which a mapping exists, in words; None if there is none.

    Where no constraint mentions the width, fewer bits never hurt, so the search is by halves.
    """

    def possible(width: int) -> bool:
        changed = {**system.bits, tensor: width}
        try:
            widths_of(system.accelerator.resolved(frozenset()), system.problem, changed)
            other = System(system.accelerator, system.problem, changed, system.constraints, system.deadline)
            return works(other, other.solve(range(len(other.rules))))
        except SpecError:
            return False  # a formula of the accelerator has no valid value then

    now = system.bits[tensor]
    if mentioned:
        top = max(level.word_bits for level in system.accelerator.levels if level.keeps(tensor))
        width = next((b for b in range(top, 0, -1) if b != now and possible(b)), None)
        return f"{counted(width, 'bit')}" if width else None
    if now == 1 or not possible(1):
        return None
    low, high = 1, now  # possible(low), not possible(high)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if possible(middle) else (low, middle)
    return "1 bit" if low == 1 else f"{low} bits or fewer"


def values_left(system: System, quantity: Quantity, others: Sequence[int]) -> list[int]:
    """All values a quantity takes in mappings that satisfy the demands, ascending; [] if they are too many to try."""
    found: list[int] = []
    assumed = list(others)
    while len(found) <= _MOST_VALUES:
        answer = system.solve_demands(assumed)
        if answer.status == "infeasible":
            return sorted(found)
        if answer.mapping is None:
            break
        value = value_in(system.accelerator, answer.mapping, quantity)
        found.append(value)
        assumed.append(system.add(_other_than(quantity, value)))
    return []


def _other_than(quantity: Quantity, value: int) -> Demand:
    return Demand((quantity,), lambda box: box[quantity] == (value, value))
