"""Evaluating checked formulas: partially (sizes and bit-widths known) and fully (a mapping known)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as MappingABC
from math import prod

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
    folded = Operation(op, tuple(operands))
    known = all(isinstance(x, Constant) for x in operands)
    return Constant(value_of(folded, lambda atom: 0.0)) if known else folded


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
    """The number a substituted formula has (1.0 and 0.0 for true and false), in double precision. Division by zero gives
    infinity."""
    if isinstance(formula, Constant):
        return formula.value
    if isinstance(formula, Operation):
        if formula.op == "and":
            return float(all(value_of(x, value) for x in formula.operands))
        if formula.op == "or":
            return float(any(value_of(x, value) for x in formula.operands))
        return _OPERATIONS[formula.op](*(value_of(x, value) for x in formula.operands))
    if isinstance(formula, Atom):
        return float(value(formula))
    raise TypeError(f"not substituted: {formula}")


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
    "max": max,
    "min": min,
    "in": lambda a, *options: float(a in options),
}
