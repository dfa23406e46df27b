"""Evaluating checked formulas: partially (sizes and bit-widths known) and fully (a mapping known)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Mapping as MappingABC
from math import prod

from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.constraint import (
    Bits,
    Constant,
    DimSize,
    Factor,
    Formula,
    Operation,
    TileExtent,
    Utilization,
)
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem

Atom = Factor | TileExtent | Utilization
Value = Callable[[Atom], float]


def substitute(formula: Formula, problem: Problem, bits: MappingABC[str, int]) -> Formula:
    """The formula with sizes and bit-widths replaced by numbers and constant parts folded.

    A tensor that the operator does not have counts as 0 bits wide.
    """
    if isinstance(formula, DimSize):
        return Constant(problem.size(formula.dim))
    if isinstance(formula, Bits):
        return Constant(bits.get(formula.tensor, 0))
    if isinstance(formula, Factor | TileExtent) and problem.size(formula.dim) == 1:
        return Constant(1)
    if isinstance(formula, Operation):
        operands = tuple(substitute(x, problem, bits) for x in formula.operands)
        folded = Operation(formula.op, operands)
        if all(isinstance(x, Constant) for x in operands):
            return Constant(value_of(folded, lambda atom: 0.0))
        return folded
    return formula


def conjuncts(formula: Formula) -> Iterator[Formula]:
    """The formulas whose conjunction it is."""
    if isinstance(formula, Operation) and formula.op == "and":
        for operand in formula.operands:
            yield from conjuncts(operand)
    else:
        yield formula


def atoms(formula: Formula) -> frozenset[Atom]:
    """The parts of a substituted formula that depend on the mapping."""
    if isinstance(formula, Operation):
        return frozenset(a for x in formula.operands for a in atoms(x))
    return frozenset({formula}) if isinstance(formula, Factor | TileExtent | Utilization) else frozenset()


def value_of(formula: Formula, value: Value) -> float:
    """The number a substituted formula has (1.0 and 0.0 for true and false). Division by zero gives infinity."""
    if isinstance(formula, Constant):
        return formula.value
    if isinstance(formula, Operation):
        if formula.op == "and":
            return float(all(value_of(x, value) for x in formula.operands))
        if formula.op == "or":
            return float(any(value_of(x, value) for x in formula.operands))
        return _OPERATIONS[formula.op](*(value_of(x, value) for x in formula.operands))
    if isinstance(formula, Factor | TileExtent | Utilization):
        return value(formula)
    raise TypeError(f"not substituted: {formula}")


def mapping_values(accelerator: Accelerator, mapping: Mapping) -> Value:
    """What the atoms are in a mapping."""
    places = accelerator.places

    def value(atom: Atom) -> float:
        if isinstance(atom, Factor):
            return mapping.factor(atom.place, atom.dim)
        if isinstance(atom, TileExtent):
            inside = places[places.index(atom.level) :]
            return prod(mapping.factor(p, atom.dim) for p in inside)
        fanout = accelerator.fanout(atom.fanout)
        used = prod(loop.factor for p in fanout.places for loop in mapping.loops(p))
        return used / (fanout.x * fanout.y)

    return value


def spatial_only(accelerator: Accelerator, found: frozenset[Atom]) -> bool:
    """Whether a formula depends on spatial factors alone."""
    spatial = {p for f in accelerator.fanouts for p in f.places}
    return all(isinstance(a, Utilization) or (isinstance(a, Factor) and a.place in spatial) for a in found)


def fanout_of(accelerator: Accelerator, place: str) -> FanOut | None:
    """The fan-out a place belongs to, None for a memory's place."""
    return next((f for f in accelerator.fanouts if place in f.places), None)


def _divide(a: float, b: float) -> float:
    return a / b if b else float("inf")


_OPERATIONS: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": _divide,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "not": lambda a: float(not a),
    "neg": lambda a: -a,
}
