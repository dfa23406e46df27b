"""From expressions to formulas of bit-widths: names and units are checked in all branches, parameters become numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from qdsl.diagnostics import Label
from qdsl.model.constraint import Bits, Constant, DimSize, Formula, Lookup, Operation, Operations, Reduction, Table
from qdsl.model.expressions import Names, as_quantity, members
from qdsl.model.expressions import evaluate as value_of
from qdsl.model.findings import fail, quoted, unknown, whole_name
from qdsl.model.units import COUNT, Dimension, Quantity, convert, quantity
from qdsl.model.width_formula import ROLES, WidthFormula, leaves
from qdsl.syntax.tree import Binary, Call, Conditional, Expr, Membership, Name, Number, Unary

_FUNCTIONS = ("bits", "max", "min", "floor", "ceil", "log2")


@dataclass(frozen=True)
class Defined:
    """What formulas of one compute unit can name beside parameters. parts: by `let`; tables: by `table`; layers: whether
    they are about whole layers, and other names are sizes of dimensions."""

    parts: Mapping[str, tuple[Formula, Dimension]] = field(default_factory=dict)
    tables: Mapping[str, tuple[Table, Dimension]] = field(default_factory=dict)
    layers: bool = False


def width_formula(
    expr: Expr, names: Names, what: str, example: str, *dimensions: Dimension, defined: Defined | None = None
) -> WidthFormula:
    """The formula of a quantity of one of the dimensions (a plain number if none is given). Raises SpecError."""
    formula, dimension = formula_of(expr, names, defined or Defined())
    convert(Quantity(Fraction(0), dimension), expr.span, what, example, *(dimensions or (COUNT,)))
    return WidthFormula(formula, expr.span)


def formula_of(expr: Expr, names: Names, defined: Defined) -> tuple[Formula, Dimension]:
    """A formula and the dimension of its value. Raises SpecError."""
    return _Reader(names, defined).number(expr)


@dataclass(frozen=True)
class _Reader:
    names: Names
    defined: Defined

    def number(self, e: Expr) -> tuple[Formula, Dimension]:
        formula, dimension = self.read(e)
        if dimension is None:
            fail("Q0307", "a number is expected", e.span, label="this is a condition")
        return formula, dimension

    def condition(self, e: Expr) -> Formula:
        formula, dimension = self.read(e)
        if dimension is not None:
            fail("Q0307", "a condition is expected", e.span, label=f"this is {dimension}")
        return formula

    def read(self, e: Expr) -> tuple[Formula, Dimension | None]:
        """The formula and its dimension, None for a condition."""
        match e:
            case Number():
                q = quantity(e)
                return Constant(float(q.value)), q.dimension
            case Name() if e.dotted == "reduction" and "reduction" not in self.names:
                return Reduction(), COUNT
            case Name() if e.dotted in self.defined.parts:
                return self.defined.parts[e.dotted]
            case Name() if self.defined.layers and len(e.parts) == 1 and e.dotted not in self.names:
                return (Operations() if e.dotted == "operations" else DimSize(e.dotted)), COUNT
            case Name():
                q = as_quantity(value_of(e, self.names), e.span)
                return Constant(float(q.value)), q.dimension
            case Unary(op="-"):
                formula, dimension = self.number(e.operand)
                return Operation("neg", (formula,)), dimension
            case Unary():
                return Operation("not", (self.condition(e.operand),)), None
            case Binary(op="and" | "or"):
                return Operation(e.op, (self.condition(e.left), self.condition(e.right))), None
            case Binary():
                return self._binary(e)
            case Membership():
                formula, dimension = self.number(e.operand)
                options = members(e.options, dimension)
                return Operation("in", (formula, *(Constant(float(n)) for n in options))), None
            case Conditional():
                condition = self.condition(e.condition)
                (then, one), (otherwise, other) = self.number(e.then), self.number(e.otherwise)
                _same(e, "the two branches need", [(e.then, one), (e.otherwise, other)])
                if all(isinstance(leaf, Constant) for leaf in leaves(condition)):
                    return (then if WidthFormula(condition).constant else otherwise), one
                return Operation("if", (condition, then, otherwise)), one
            case Call():
                return self._call(e)
        fail("Q0307", "this cannot stand in a formula", e.span)

    def _binary(self, e: Binary) -> tuple[Formula, Dimension | None]:
        (left, a), (right, b) = self.number(e.left), self.number(e.right)
        formula = Operation(e.op, (left, right))
        if e.op in ("*", "/"):
            if e.op == "/" and right == Constant(0.0):
                fail("Q0304", "division by zero", e.right.span, label="this is 0")
            return formula, a.times(b, 1 if e.op == "*" else -1)
        _same(e, f"`{e.op}` needs", [(e.left, a), (e.right, b)])
        return formula, a if e.op in ("+", "-") else None

    def _call(self, e: Call) -> tuple[Formula, Dimension]:
        function = e.function.dotted
        if function not in (*_FUNCTIONS, *self.defined.tables):
            unknown("function", whole_name(e.function), (*_FUNCTIONS, *self.defined.tables))
        values = [a.value for a in e.arguments if a.name is None]
        if len(values) != len(e.arguments):
            fail("Q0204", f"arguments of `{function}` have no names", e.span)
        if function == "bits":
            return _bits(e), COUNT
        if function in self.defined.tables:
            return self._lookup(e, *self.defined.tables[function])
        if len(values) != 1 and not (values and function in ("max", "min")):
            needed = "at least one argument" if function in ("max", "min") else "one argument"
            fail("Q0204", f"`{function}` has {needed}", e.span, label=f"{len(values) or 'none'} given")
        read = [self.number(v) for v in values]
        _same(e, f"`{function}` needs", [(v, d) for v, (_, d) in zip(values, read, strict=True)])
        return Operation(function, tuple(f for f, _ in read)), read[0][1]

    def _lookup(self, e: Call, table: Table, dimension: Dimension) -> tuple[Formula, Dimension]:
        keys = [self.number(a.value) for a in e.arguments]
        if len(keys) != len(table.axes):
            text = f"the table `{table.name}` has {len(table.axes)} columns of keys"
            fail("Q0204", text, e.span, label=f"{len(keys)} given")
        for argument, (_, key) in zip(e.arguments, keys, strict=True):
            if key != COUNT:
                fail("Q0302", "a key of a table is a plain number", argument.span, label=f"this is {key}")
        return Lookup(table, tuple(key for key, _ in keys)), dimension


def _bits(e: Call) -> Bits:
    names = [a.value for a in e.arguments if isinstance(a.value, Name)]
    if len(names) != 1 or len(e.arguments) != 1 or len(names[0].parts) != 1:
        fail("Q0204", "`bits` is written as `bits(W)`", e.span, helps=[f"with a tensor, or one of {quoted(ROLES)}"])
    return Bits(names[0].dotted)


def _same(e: Expr, needs: str, parts: list[tuple[Expr, Dimension]]) -> None:
    if len({d for _, d in parts}) > 1:
        labels = [Label(part.span, f"this is {d}") for part, d in parts]
        fail("Q0303", f"{needs} values of the same kind", e.span, labels=labels, helps=["give all the same unit"])
