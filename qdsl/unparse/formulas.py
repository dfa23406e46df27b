"""Formulas of the model as expressions: those of constraints, and those of bit-widths, whose numbers have a unit."""

from __future__ import annotations

from qdsl.model.constraint import (
    Bits,
    Constant,
    DimSize,
    Factor,
    Formula,
    Lookup,
    Occupancy,
    Operation,
    Operations,
    Reduction,
    TileExtent,
    Utilization,
)
from qdsl.model.width_formula import WidthFormula
from qdsl.syntax import tree as t
from qdsl.unparse.nodes import NOWHERE, binary, call, conditional, name, number, values

_CALLS = ("max", "min", "floor", "ceil", "log2")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")


def formula(f: Formula) -> t.Expr:
    """A formula of plain numbers. Raises ValueError for one that has no text."""
    match f:
        case Constant():
            return number(f.value)
        case DimSize():
            return name(f.dim)
        case Factor():
            return call("spatial" if "." in f.place else "temporal", [name(f.place), name(f.dim)])
        case TileExtent():
            return call("tile", [name(f.level), name(f.dim)])
        case Bits():
            return call("bits", [name(f.tensor)])
        case Utilization():
            return call("utilization", [name(f.fanout)])
        case Occupancy():
            return call("occupancy", [name(x) for x in (f.level, f.tensor) if x])
        case Lookup():
            raise ValueError(f"the table `{f.table.name}` stands in a file of its own")
        case Reduction():
            return name("reduction")
        case Operations():
            return name("operations")
        case Operation():
            return _operation(f)
    raise ValueError(f"{type(f).__name__} cannot be written in a spec")


def quantity(f: WidthFormula, unit: str) -> t.Expr:
    """A formula of bit-widths whose value has a unit. Raises ValueError if no number in it can carry the unit."""
    written = _with_unit(f.formula, unit)
    if written is None:
        raise ValueError(f"no number in the formula `{f.text}` can have the unit {unit}")
    return written


def _operation(f: Operation) -> t.Expr:
    if f.op == "in":
        operand, *options = f.operands
        return t.Membership(span=NOWHERE, operand=formula(operand), options=values(_constants(options)))
    shares = f.op in _COMPARISONS and any(isinstance(x, Utilization | Occupancy) for x in f.operands)
    return _joined(f.op, [_percent(x.value) if shares and isinstance(x, Constant) else formula(x) for x in f.operands])


def _constants(options: list[Formula]) -> list[float]:
    found = [x.value for x in options if isinstance(x, Constant)]
    if len(found) < len(options):
        raise ValueError("the options of `in` must be numbers")
    return found


def _joined(op: str, operands: list[t.Expr]) -> t.Expr:
    if op in _CALLS:
        return call(op, operands)
    if op in ("neg", "not"):
        return t.Unary(span=NOWHERE, op="-" if op == "neg" else "not", operand=operands[0])
    if op == "if":
        return conditional(*operands)
    return binary(op, *operands)


def _percent(share: float) -> t.Expr:
    """A share as percentage, where that is the same number."""
    hundredfold = round(share * 100, 10)
    return number(hundredfold, "%") if hundredfold / 100 == share else number(share)


def _with_unit(f: Formula, unit: str) -> t.Expr | None:
    """None if the value of the formula cannot have the unit, whatever its numbers have."""
    if isinstance(f, Constant):
        return number(f.value, unit)
    if isinstance(f, Lookup):
        return formula(f)
    if not isinstance(f, Operation) or f.op in (*_COMPARISONS, "in", "and", "or", "not"):
        return None
    if f.op in ("*", "/"):
        return _product(f, unit)
    condition, operands = (f.operands[:1], f.operands[1:]) if f.op == "if" else ((), f.operands)
    written = [_with_unit(x, unit) for x in operands]
    found = [x for x in written if x is not None]
    return _joined(f.op, [*map(formula, condition), *found]) if len(found) == len(written) else None


def _product(f: Operation, unit: str) -> t.Expr | None:
    """One factor has the unit, not the divisor."""
    left, right = f.operands
    written = _with_unit(left, unit)
    if written is not None:
        return binary(f.op, written, formula(right))
    other = _with_unit(right, unit) if f.op == "*" else None
    return binary(f.op, formula(left), other) if other is not None else None
