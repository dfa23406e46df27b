"""Evaluating checked formulas: partially (sizes and bit-widths known) and fully (a mapping known).

What is divided by zero is undefined, and so is what is computed from it; a condition on it is neither true nor false.
`and` is false if one side is, `or` true if one side is, whatever the other. A mapping keeps a formula that is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from math import isnan, nan, prod

from qdsl.mapspace.occupancy import share_taken, words_of_tiles
from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.constraint import (
    Bits,
    ComputeInUse,
    Constant,
    DimSize,
    Factor,
    Formula,
    Occupancy,
    Operation,
    TileExtent,
    Utilization,
)
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem

Atom = Factor | TileExtent | Utilization | Occupancy | ComputeInUse
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
        return _folded(formula.op, [substitute(x, problem, bits) for x in formula.operands])
    return formula


def assigned(formula: Formula, atom: Atom, value: int) -> Formula:
    """The formula with a number for one of its atoms."""
    if isinstance(formula, Operation):
        return _folded(formula.op, [assigned(x, atom, value) for x in formula.operands])
    return Constant(value) if formula == atom else formula


def _folded(op: str, operands: Sequence[Formula]) -> Formula:
    if op in _DECIDED_BY and _DECIDED_BY[op] in operands:
        return _DECIDED_BY[op]
    folded = Operation(op, tuple(operands))
    known = all(isinstance(x, Constant) for x in operands) and not divides_by_zero(folded)
    return Constant(value_of(folded, lambda atom: 0.0)) if known else folded


def divides_by_zero(formula: Formula) -> bool:
    """Whether a part of a substituted formula is undefined in every mapping."""
    if not isinstance(formula, Operation):
        return False
    zero = formula.op == "/" and formula.operands[1] == Constant(0)
    return zero or any(map(divides_by_zero, formula.operands))


def zero_with(formula: Formula, problem: Problem, bits: MappingABC[str, int]) -> list[str]:
    """The sizes and bit-widths that make a divisor 0, such as `K = 1` and `bits(W) = 8`."""
    if not isinstance(formula, Operation) or not divides_by_zero(substitute(formula, problem, bits)):
        return []
    if formula.op == "/" and substitute(formula.operands[1], problem, bits) == Constant(0):
        return list(dict.fromkeys(_known(formula.operands[1], problem, bits)))
    return list(dict.fromkeys(text for x in formula.operands for text in zero_with(x, problem, bits)))


def _known(formula: Formula, problem: Problem, bits: MappingABC[str, int]) -> Iterator[str]:
    if isinstance(formula, Operation):
        for operand in formula.operands:
            yield from _known(operand, problem, bits)
    elif isinstance(formula, Bits):
        yield f"bits({formula.tensor}) = {bits.get(formula.tensor, 0)}"
    elif isinstance(formula, DimSize | Factor | TileExtent):
        yield f"{formula.dim} = {problem.size(formula.dim)}"


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
    return frozenset({formula}) if isinstance(formula, Atom) else frozenset()


def value_of(formula: Formula, value: Value) -> float:
    """The number a substituted formula has, in double precision: NaN if it is undefined. Of a condition 1.0 if it is
    true, 0.0 if it is false, UNDEFINED if it is neither."""
    if isinstance(formula, Constant):
        return formula.value
    if isinstance(formula, Operation):
        operands = [value_of(x, value) for x in formula.operands]
        if any(map(isnan, operands)):
            return nan if formula.op in _ARITHMETIC else UNDEFINED
        return _OPERATIONS[formula.op](*operands)
    if isinstance(formula, Atom):
        return float(value(formula))
    raise TypeError(f"not substituted: {formula}")


def holds(formula: Formula, value: Value) -> bool:
    """Whether a substituted condition is true."""
    return value_of(formula, value) == 1


def mapping_values(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mapping: Mapping) -> Value:
    """What the atoms are in a mapping."""
    places = accelerator.places
    machine = accelerator.resolved(mapping.bypass)

    def extent(level: str, dim: str) -> int:
        return prod(mapping.factor(p, dim) for p in places[places.index(level) :])

    def value(atom: Atom) -> float:
        if isinstance(atom, Factor):
            return mapping.factor(atom.place, atom.dim)
        if isinstance(atom, TileExtent):
            return extent(atom.level, atom.dim)
        if isinstance(atom, Occupancy):
            level = machine.level(atom.level)
            extents = {d: extent(atom.level, d) for d in problem.operator.dims}
            return float(share_taken(level, atom.tensor, words_of_tiles(level, problem, bits, extents)))
        if isinstance(atom, ComputeInUse):
            return prod(loop.factor for f in machine.fanouts for p in f.places for loop in mapping.loops(p))
        fanout = accelerator.fanout(atom.fanout)
        used = prod(loop.factor for p in fanout.places for loop in mapping.loops(p))
        return used / (fanout.x * fanout.y)

    return value


def spatial_only(accelerator: Accelerator, found: frozenset[Atom]) -> bool:
    """Whether a formula depends on spatial factors alone."""
    spatial = {p for f in accelerator.fanouts for p in f.places}
    return all(
        isinstance(a, Utilization | ComputeInUse) or (isinstance(a, Factor) and a.place in spatial) for a in found
    )


def fanout_of(accelerator: Accelerator, place: str) -> FanOut | None:
    """The fan-out a place belongs to, None for a memory's place."""
    return next((f for f in accelerator.fanouts if place in f.places), None)


UNDEFINED = 0.5
"""Between false and true, so that `and` is the least of its operands, `or` the greatest, and `not` what is left to 1."""

_DECIDED_BY = {"and": Constant(0), "or": Constant(1)}
_ARITHMETIC = ("+", "-", "*", "/", "neg", "max", "min")
_OPERATIONS: dict[str, Callable[..., float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else nan,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<": lambda a, b: float(a < b),
    "<=": lambda a, b: float(a <= b),
    ">": lambda a, b: float(a > b),
    ">=": lambda a, b: float(a >= b),
    "and": min,
    "or": max,
    "not": lambda a: 1 - a,
    "neg": lambda a: -a,
    "max": max,
    "min": min,
    "in": lambda a, *options: float(a in options),
}
