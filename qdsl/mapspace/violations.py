"""Whether a given mapping obeys the constraints: an independent check of what the mapper found or the user wrote."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingABC

from qdsl.diagnostics import Diagnostic
from qdsl.mapspace.formula import UNDEFINED, holds, mapping_values, value_of
from qdsl.mapspace.limits import UNITS, reached, within
from qdsl.mapspace.space import applies, required, wrongly_kept
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Keep, LayerConstraint, Limit, Only, Order, Same
from qdsl.model.findings import quoted
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import evaluate
from qdsl.symbolic.widths import fits_words


def constraint_violations(
    constraints: Iterable[Constraint],
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    mapping: Mapping,
) -> list[Diagnostic]:
    """One finding per constraint that applies and does not hold. Those that tie mappings of several layers are left out.

    Raises SpecError (Q0304) for a constraint that divides by zero at these widths, whatever the mapping.
    """
    found = []
    for constraint in constraints:
        if not isinstance(constraint, Same) and applies(constraint, problem, bits):
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
    constraint: LayerConstraint,
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    mapping: Mapping,
) -> str:
    if isinstance(constraint, Only):
        others = [x for x in mapping.loops(constraint.place) if x.factor > 1 and x.dim not in constraint.dims]
        return ", ".join(f"`{x.dim} {x.factor}` at `{constraint.place}`" for x in others)
    if isinstance(constraint, Order):
        present = [x.dim for x in mapping.loops(constraint.level) if x.factor > 1]
        return "" if order_holds(constraint, present) else f"the loops there are {', '.join(present)}, outermost first"
    if isinstance(constraint, Limit):
        return _beyond(constraint, accelerator, problem, bits, mapping)
    if isinstance(constraint, Keep):
        wrong = wrongly_kept(constraint, accelerator.resolved(mapping.bypass), problem)
        what = "does not keep" if constraint.kept else "keeps"
        return f"`{constraint.level}` {what} {quoted(wrong)}" if wrong else ""
    formula, values = required(constraint, problem, bits), mapping_values(accelerator, problem, bits, mapping)
    if holds(formula, values):
        return ""
    return "divides by zero for this mapping" if value_of(formula, values) == UNDEFINED else "is false for this mapping"


def _beyond(
    limit: Limit, accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mapping: Mapping
) -> str:
    machine = accelerator.resolved(mapping.bypass)
    if not fits_words(machine, problem, bits):
        return ""  # a mapping that cannot be evaluated is not legal in the first place
    found = evaluate(accelerator, problem, bits, mapping)
    return "" if within(limit, found) else f"here {reached(limit, found):,.6g} {UNITS[limit.quantity]}"


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
