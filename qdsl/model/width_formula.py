"""Quantities that depend on bit-widths: the energy of an operation, its rate, the width at which a level stores a tensor.

They are ordinary expressions with a few functions more, evaluated once the widths of a layer are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import ceil, floor
from typing import NoReturn

from qdsl.diagnostics import Span
from qdsl.model.constraint import Bits, Constant, DimSize, Formula, Lookup, Operation, Operations, Reduction
from qdsl.model.expressions import compare
from qdsl.model.findings import fail
from qdsl.model.operator import Operator, Problem

ROLES = ("weights", "activations", "output")
_COMPARISONS = ("==", "!=", "<", "<=", ">", ">=")
_PRECEDENCE = ("or", "and", _COMPARISONS, ("+", "-"), ("*", "/"))


@dataclass(frozen=True)
class WidthFormula:
    """A number in base units (pJ, bits, operations per cycle). span: where it is written."""

    formula: Formula
    span: Span | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """As it could be written, without units."""
        return _text(self.formula)

    @property
    def tensors(self) -> frozenset[str]:
        """Tensors and roles whose width it reads."""
        return frozenset(leaf.tensor for leaf in leaves(self.formula) if isinstance(leaf, Bits))

    @property
    def varies(self) -> bool:
        """Whether the value depends on the layer at all."""
        return any(not isinstance(leaf, Constant) for leaf in leaves(self.formula))

    @property
    def constant(self) -> Fraction:
        """The value where it does not vary. Raises SpecError where it is not defined."""
        return self._value(self.formula, None, {})

    def value(self, problem: Problem, bits: Mapping[str, int]) -> Fraction:
        """The value for one layer. Raises SpecError where it is not defined (division by zero)."""
        return self._value(self.formula, problem, bits)

    def at_least(self, least: int, what: str, problem: Problem, bits: Mapping[str, int]) -> Fraction:
        """The value for one layer. Raises SpecError if it is less."""
        value = self.value(problem, bits)
        if value < least:
            self.out_of_range(
                what, "cannot be negative" if least == 0 else f"must be at least {least}", value, problem, bits
            )
        return value

    def missing(self, operator: Operator) -> list[str]:
        """Tensors it names that an operator does not have."""
        return sorted(self.tensors - {t.name for t in operator.tensors} - set(ROLES))

    def missing_dims(self, operator: Operator) -> list[str]:
        """Dimensions and parameters it names that an operator does not have."""
        known = {*operator.dims, *(name for name, _ in operator.parameters)}
        return sorted({leaf.dim for leaf in leaves(self.formula) if isinstance(leaf, DimSize)} - known)

    def reads(self, operator: Operator) -> frozenset[str]:
        """Tensors of an operator whose width it reads, by name or by role."""
        return frozenset(t for name in self.tensors for t in _meant(name, operator))

    def out_of_range(
        self, what: str, demand: str, value: Fraction, problem: Problem, bits: Mapping[str, int]
    ) -> NoReturn:
        """Raises the finding for a value that makes no sense."""
        widths = ", ".join(f"{t.name} {bits[t.name]}" for t in problem.operator.tensors)
        notes = [f"on a `{problem.operator.name}` layer at bits {widths}"]
        fail("Q0305", f"{what} {demand}", self.span, label=f"this comes out as {float(value):g}", notes=notes)

    def _value(self, f: Formula, problem: Problem | None, bits: Mapping[str, int]) -> Fraction:
        match f:
            case Constant():
                return Fraction(str(f.value))
            case Bits() if problem is not None:
                return Fraction(_width(f.tensor, problem.operator, bits))
            case Reduction() if problem is not None:
                return Fraction(problem.summands)
            case Operations() if problem is not None:
                return Fraction(problem.operations)
            case DimSize() if problem is not None:
                return Fraction(dict(problem.operator.parameters).get(f.dim, problem.size(f.dim)))
            case Lookup():
                return self._looked_up(f, [self._value(x, problem, bits) for x in f.operands])
            case Operation(op="if"):
                condition, then, otherwise = f.operands
                return self._value(then if self._value(condition, problem, bits) else otherwise, problem, bits)
            case Operation():
                return self._apply(f.op, [self._value(x, problem, bits) for x in f.operands])
        raise TypeError(f"not part of a formula of an accelerator: {f}")

    def _looked_up(self, f: Lookup, keys: list[Fraction]) -> Fraction:
        value = f.table.at(keys)
        if value is None:
            asked = ", ".join(f"{float(key):g}" for key in keys)
            ends = ", ".join(str(axis[-1]) for axis in f.table.axes)
            note = f"its last row is for {ends}"
            fail("Q0305", f"the table `{f.table.name}` ends before {asked}", self.span, notes=[note])
        return Fraction(str(value))

    def _apply(self, op: str, values: list[Fraction]) -> Fraction:
        a, b = values[0], values[-1]
        if op in _COMPARISONS:
            return Fraction(compare(op, a, b))
        if op in ("/", "log2") and (b == 0 if op == "/" else a < 1):
            code, text = ("Q0304", "division by zero") if op == "/" else ("Q0305", "`log2` needs at least 1")
            fail(code, text, self.span, label=f"here of {float(b):g}")
        match op:
            case "+" | "-":
                return a + b if op == "+" else a - b
            case "*" | "/":
                return a * b if op == "*" else a / b
            case "neg":
                return -a
            case "in":
                return Fraction(a in values[1:])
            case "max" | "min":
                return max(values) if op == "max" else min(values)
            case "floor" | "ceil":
                return Fraction(floor(a) if op == "floor" else ceil(a))
            case "log2":
                # rounded up: the bits that a sum of so many values needs more than one value
                return Fraction((ceil(a) - 1).bit_length())
            case "not":
                return Fraction(not a)
            case "and" | "or":
                return Fraction(bool(a and b) if op == "and" else bool(a or b))
        raise TypeError(f"unknown operation {op}")


def leaves(f: Formula) -> Iterator[Formula]:
    """The parts of a formula that have none themselves."""
    if isinstance(f, Operation | Lookup):
        for x in f.operands:
            yield from leaves(x)
    else:
        yield f


def _text(f: Formula, outer: int = -1) -> str:
    """outer: precedence of the operation around it."""
    if isinstance(f, Bits):
        return f"bits({f.tensor})"
    if isinstance(f, Constant):
        return f"{f.value:g}"
    if isinstance(f, DimSize):
        return f.dim
    if isinstance(f, Lookup):
        return f"{f.table.name}({', '.join(map(_text, f.operands))})"
    if not isinstance(f, Operation):
        return "reduction" if isinstance(f, Reduction) else "operations"
    if f.op == "if":
        condition, then, otherwise = map(_text, f.operands)
        text, rank = f"if {condition} then {then} else {otherwise}", -1
    elif f.op in ("neg", "not"):
        text, rank = f"{'-' if f.op == 'neg' else 'not '}{_text(f.operands[0], 9)}", 9
    elif f.op == "in":
        operand, *options = map(_text, f.operands)
        text, rank = f"{operand} in {{{', '.join(options)}}}", 2
    elif any(f.op in level for level in _PRECEDENCE):
        rank = next(i for i, level in enumerate(_PRECEDENCE) if f.op in level)
        text = f" {f.op} ".join((_text(f.operands[0], rank), _text(f.operands[1], rank + 1)))
    else:
        return f"{f.op}({', '.join(map(_text, f.operands))})"
    return f"({text})" if rank < outer else text


def _width(tensor: str, operator: Operator, bits: Mapping[str, int]) -> int:
    """Of a tensor by name, or the widest of a role."""
    return max(bits[t] for t in _meant(tensor, operator))


def _meant(tensor: str, operator: Operator) -> list[str]:
    """The tensor of this name, or those of a role. An operator without weights has activations on both sides."""
    if tensor not in ROLES or any(t.name == tensor for t in operator.tensors):
        return [tensor]
    if tensor == "output":
        return [operator.output.name]
    weights = [t.name for t in operator.weights]
    activations = [t.name for t in operator.inputs if not t.is_weight]
    return (weights or activations) if tensor == "weights" else (activations or weights)
