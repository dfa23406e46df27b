"""Whether a given mapping obeys the constraints: an independent check of what the mapper found or the user wrote."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingABC

from qdsl.diagnostics import Diagnostic
from qdsl.mapspace.formula import mapping_values, substitute, value_of
from qdsl.mapspace.space import applies
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Only, Order
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem


def constraint_violations(
    constraints: Iterable[Constraint],
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    mapping: Mapping,
) -> list[Diagnostic]:
    """One finding per constraint that applies and does not hold."""
    found = []
    for constraint in constraints:
        if applies(constraint.scope, problem, bits):
            reason = _broken(constraint, accelerator, problem, bits, mapping)
            if reason:
                found.append(
                    Diagnostic(
                        "Q0711",
                        f"the mapping breaks the constraint `{constraint.text}`",
                        constraint.span,
                        label=reason,
                    )
                )
    return found


def _broken(
    constraint: Constraint, accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mapping: Mapping
) -> str:
    if isinstance(constraint, Only):
        others = [x for x in mapping.loops(constraint.place) if x.factor > 1 and x.dim not in constraint.dims]
        return ", ".join(f"`{x.dim} {x.factor}` at `{constraint.place}`" for x in others)
    if isinstance(constraint, Order):
        present = [x.dim for x in mapping.loops(constraint.level) if x.factor > 1]
        return "" if order_holds(constraint, present) else f"the loops there are {', '.join(present)}, outermost first"
    holds = value_of(substitute(constraint.formula, problem, bits), mapping_values(accelerator, mapping))
    return "" if holds else "is false for this mapping"


def order_holds(order: Order, present: list[str]) -> bool:
    """present: dimensions with a loop at the level, outermost first."""
    listed = [d for d in order.dims if d in present]
    if [d for d in present if d in listed] != listed:
        return False
    if order.anchor == "innermost":
        return present[len(present) - len(listed) :] == listed
    if order.anchor == "outermost":
        return present[: len(listed)] == listed
    return True
