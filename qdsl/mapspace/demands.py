"""Rules and demands seen from a given mapping: what their quantities are in it, whether it keeps them."""

from __future__ import annotations

from math import prod

from qdsl.mapspace.rules import Demand, Kept, Quantity, Rule, Used
from qdsl.mapspace.violations import order_holds
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Bits, Factor, Formula, Keep, Limit, Occupancy, Only, Operation, Order, Require, Same
from qdsl.model.mapping import Mapping


def value_in(accelerator: Accelerator, mapping: Mapping, quantity: Quantity) -> int:
    """The value of a quantity in a mapping."""
    if isinstance(quantity, Used):
        return prod(loop.factor for place in quantity.places for loop in mapping.loops(place))
    if isinstance(quantity, Factor):
        return mapping.factor(quantity.place, quantity.dim)
    if isinstance(quantity, Kept):
        return 1 if (quantity.level, quantity.tensor) in mapping.bypass else 2
    inside = accelerator.places[accelerator.places.index(quantity.level) :]
    return prod(mapping.factor(p, quantity.dim) for p in inside)


def satisfies(accelerator: Accelerator, mapping: Mapping, demand: Demand) -> bool:
    """Whether a mapping keeps a demand."""
    if demand.order:
        present = [x.dim for x in mapping.loops(demand.order.level) if x.factor > 1]
        return order_holds(demand.order, present)
    values = {q: value_in(accelerator, mapping, q) for q in demand.quantities}
    return not demand.refuted({q: (n, n) for q, n in values.items()})


def mentions(rule: Rule | Same, tensor: str) -> bool:
    """Whether a constraint depends on the width of a tensor; rules of the hardware mention none."""
    if not isinstance(rule, Only | Order | Keep | Require | Limit):
        return False
    if isinstance(rule, Limit) and rule.quantity == "latency":
        return True  # operations may take the longer, the wider any operand
    formulas = [rule.scope.condition, rule.formula if isinstance(rule, Require) else None]
    return any(_depends(f, tensor) for f in formulas if f is not None)


def reads_words(formula: Formula) -> bool:
    """Whether a formula depends on how values share words."""
    return isinstance(formula, Occupancy) or (
        isinstance(formula, Operation) and any(map(reads_words, formula.operands))
    )


def _depends(formula: Formula, tensor: str) -> bool:
    match formula:
        case Bits():
            return formula.tensor == tensor
        case Occupancy():
            return formula.tensor in (None, tensor)
        case Operation():
            return any(_depends(x, tensor) for x in formula.operands)
    return False
