"""Formulas over a mapping, with types: a formula is a number or a condition."""

from __future__ import annotations

from dataclasses import dataclass

from qdsl.model.accelerator import Accelerator
from qdsl.model.check_limit import limited_quantity, misplaced
from qdsl.model.check_mapping import check_place
from qdsl.model.constraint import (
    Bits,
    Constant,
    DimSize,
    Factor,
    Formula,
    Occupancy,
    Operation,
    TileExtent,
    Utilization,
)
from qdsl.model.expressions import members
from qdsl.model.findings import fail, quoted, unknown, whole_name
from qdsl.model.units import COUNT, quantity
from qdsl.model.width_formula import ROLES
from qdsl.syntax.tree import Binary, Call, Expr, Ident, Membership, Name, Number, Unary

_SIGNATURES = {
    "spatial": "spatial(pe.x, K)",
    "temporal": "temporal(glb, K)",
    "tile": "tile(glb, K)",
    "bits": "bits(W)",
    "utilization": "utilization(pe)",
    "occupancy": "occupancy(glb)",
}
_CHOICES = ("max", "min")
_ARITHMETIC = ("+", "-", "*", "/")
_LOGIC = ("and", "or", "not")


@dataclass(frozen=True)
class Vocabulary:
    """What formulas can name. dims and tensors are those of all known operators; empty if none is known yet."""

    accelerator: Accelerator
    dims: frozenset[str]
    tensors: frozenset[str]

    def check_dim(self, dim: Ident) -> None:
        """Raises SpecError for a dimension that no operator has."""
        if self.dims and dim.name not in self.dims:
            unknown("dimension", dim, self.dims, helps=["no operator that is imported has it"])


def check_formula(expr: Expr, vocabulary: Vocabulary, *, condition: bool = False) -> Formula:
    """The formula of a constraint, which must be true or false. condition: it may use bit-widths and sizes only."""
    formula = _Checker(vocabulary, condition).formula(expr)
    _demand(expr, formula, truth=True)
    return formula


def tensors_in(formula: Formula) -> frozenset[str]:
    """Tensors that a formula names."""
    if isinstance(formula, Bits):
        return frozenset({formula.tensor})
    if isinstance(formula, Occupancy):
        return frozenset({formula.tensor} if formula.tensor else ())
    if isinstance(formula, Operation):
        return frozenset().union(*(tensors_in(f) for f in formula.operands))
    return frozenset()


@dataclass(frozen=True)
class _Checker:
    vocabulary: Vocabulary
    condition: bool

    def formula(self, e: Expr) -> Formula:
        match e:
            case Number():
                q = quantity(e)
                if q.dimension != COUNT:
                    fail("Q0302", "a number in a formula has no unit", e.span, label=f"this is {q.dimension}")
                return Constant(float(q.value))
            case Name() | Call() if quantity_ := limited_quantity(e):
                misplaced(e, quantity_)
            case Name() if len(e.parts) == 1:
                self.vocabulary.check_dim(e.parts[0])
                return DimSize(e.parts[0].name)
            case Unary():
                operand = self.formula(e.operand)
                _demand(e.operand, operand, truth=e.op == "not")
                if e.op == "-" and isinstance(operand, Constant):
                    return Constant(-operand.value)
                return Operation("neg" if e.op == "-" else "not", (operand,))
            case Binary():
                left, right = self.formula(e.left), self.formula(e.right)
                for side, formula in ((e.left, left), (e.right, right)):
                    _demand(side, formula, truth=e.op in _LOGIC)
                self._check_values(e, left, right)
                return Operation(e.op, (left, right))
            case Membership():
                operand = self.formula(e.operand)
                _demand(e.operand, operand, truth=False)
                values = members(e.options, COUNT)
                return Operation("in", (operand, *(Constant(float(v)) for v in values)))
            case Call() if e.function.dotted in _CHOICES:
                return self._choice(e)
            case Call():
                return self._call(e)
        fail("Q0702", "this cannot stand in a formula", e.span, helps=[f"use sizes, numbers, {_functions()}"])

    def _call(self, e: Call) -> Formula:
        function = e.function.dotted
        if function not in _SIGNATURES:
            unknown(
                "function", whole_name(e.function), (*_SIGNATURES, *_CHOICES), helps=[f"formulas know {_functions()}"]
            )
        names = [a.value for a in e.arguments if a.name is None and isinstance(a.value, Name)]
        if len(names) != len(e.arguments) or len(names) not in _arguments(function):
            text = f"`{function}` is written as `{_SIGNATURES[function]}`"
            fail("Q0702", text, e.span, label="other arguments are given")
        if self.condition and function != "bits":
            helps = ["conditions are over `bits(W)` and sizes such as `K`; a formula without `if` may use everything"]
            fail("Q0703", f"the condition of an `if` cannot use `{function}`", e.span, helps=helps)
        if function == "bits":
            return Bits(self._tensor(_single(names[0])))
        if function == "utilization":
            return Utilization(self._array(names[0]))
        if function == "occupancy":
            return Occupancy(self._limited(names[0]), self._tensor(_single(names[1])) if names[1:] else None)
        place = check_place(names[0], self.vocabulary.accelerator, function)
        dim = _single(names[1])
        self.vocabulary.check_dim(dim)
        return TileExtent(place, dim.name) if function == "tile" else Factor(place, dim.name)

    def _choice(self, e: Call) -> Formula:
        function = e.function.dotted
        if not e.arguments or any(a.name for a in e.arguments):
            fail("Q0702", f"`{function}` is written as `{function}(2, K)`", e.span, label="other arguments are given")
        operands = [self.formula(a.value) for a in e.arguments]
        for argument, operand in zip(e.arguments, operands, strict=True):
            _demand(argument.value, operand, truth=False)
        return Operation(function, tuple(operands))

    def _limited(self, name: Name) -> str:
        """A memory whose words are limited."""
        level = check_place(name, self.vocabulary.accelerator, "occupancy")
        if not self.vocabulary.accelerator.level(level).all_partitions:
            fail("Q0702", f"`{level}` has no size to take a share of", name.span, label="the backing store")
        return level

    def _tensor(self, name: Ident) -> str:
        if self.vocabulary.tensors and name.name not in self.vocabulary.tensors:
            if name.name in ROLES:
                helps = [f"constraints name tensors: {quoted(sorted(self.vocabulary.tensors))}"]
                fail("Q0201", f"`{name.name}` is no tensor", name.span, label="a role", helps=helps)
            unknown("tensor", name, self.vocabulary.tensors)
        return name.name

    def _array(self, name: Name) -> str:
        arrays = [f.name for f in self.vocabulary.accelerator.fanouts]
        if name.dotted not in arrays:
            unknown("array", whole_name(name), arrays)
        return name.dotted

    def _check_values(self, e: Binary, left: Formula, right: Formula) -> None:
        """Raises SpecError for a division by zero, and for a comparison with a share that there cannot be."""
        if e.op == "/" and right == Constant(0.0):
            fail("Q0304", "division by zero", e.right.span, label="this is 0")
        for side, formula, other in ((e.right, right, left), (e.left, left, right)):
            if e.op in _ARITHMETIC or not isinstance(other, Utilization | Occupancy):
                continue
            pooled = isinstance(other, Utilization) and self.vocabulary.accelerator.fanout(other.fanout).pooled
            if isinstance(formula, Constant) and (formula.value < 0 or (formula.value > 1 and not pooled)):
                plain = isinstance(side, Number) and side.unit is None
                helps = [f"write `{formula.value:g} %`"] if plain and 1 < formula.value <= 100 else []
                name = "a utilization" if isinstance(other, Utilization) else "an occupancy"
                text = f"{name} {'is at least 0 %' if pooled else 'lies between 0 and 100 %'}"
                fail("Q0305", text, side.span, label=f"this is {formula.value * 100:g} %", helps=helps)


def _demand(e: Expr, formula: Formula, *, truth: bool) -> None:
    is_truth = isinstance(formula, Operation) and formula.op not in (*_ARITHMETIC, *_CHOICES, "neg")
    if is_truth != truth:
        wanted, found = ("a condition", "a number") if truth else ("a number", "a condition")
        helps = ["compare it, for example with `>= 2`"] if truth else []
        fail("Q0702", f"{wanted} is expected", e.span, label=f"this is {found}", helps=helps)


def _single(name: Name) -> Ident:
    if len(name.parts) > 1:
        fail("Q0702", "a plain name is expected", name.span, label="has several parts")
    return name.parts[0]


def _arguments(function: str) -> tuple[int, ...]:
    """How many arguments a function takes."""
    return (1, 2) if function == "occupancy" else (_SIGNATURES[function].count(",") + 1,)


def _functions() -> str:
    return quoted((*_SIGNATURES.values(), "max(2, K)", "min(2, K)"))
