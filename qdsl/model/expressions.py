"""Values of expressions: exact quantities, truth values, and (in networks) activations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction

from qdsl.diagnostics import Label, Span
from qdsl.model.findings import fail, quoted, skip, text_of, unknown
from qdsl.model.network import Activation
from qdsl.model.units import COUNT, Dimension, Quantity, convert, quantity, whole
from qdsl.syntax.tree import (
    Argument,
    Binary,
    Call,
    Conditional,
    Expr,
    Ident,
    Membership,
    Name,
    Node,
    Number,
    Range,
    Then,
    Unary,
    ValueSet,
)

Value = Quantity | bool | Activation
Names = Mapping[str, Value | None]  # None: the name is declared, and what is wrong with it was reported
Caller = Callable[[Call], Value]

_AXES = {"channels": 1, "height": 2, "width": 3}
_COMPARISONS = {"==", "!=", "<", "<=", ">", ">="}
# Keeps exact arithmetic cheap, and every value within the range of floats.
_BITS_LIMIT = 900


def evaluate(expr: Expr, names: Names, call: Caller | None = None, first_iteration: bool | None = None) -> Value:
    """The value of an expression. Raises SpecError.

    names: what plain names stand for; call: what a call does (None: calls are refused);
    first_iteration: which branch of `a then b` counts (None: outside a `repeat`, refused).
    """

    def value(e: Expr) -> Value:
        match e:
            case Number():
                return quantity(e)
            case Name():
                return _named(e, names)
            case Unary(op="-"):
                q = as_quantity(value(e.operand), e.operand.span)
                return Quantity(-q.value, q.dimension)
            case Unary():
                return not as_truth(value(e.operand), e.operand.span)
            case Binary(op="and"):
                return as_truth(value(e.left), e.left.span) and as_truth(value(e.right), e.right.span)
            case Binary(op="or"):
                return as_truth(value(e.left), e.left.span) or as_truth(value(e.right), e.right.span)
            case Binary():
                left = as_quantity(value(e.left), e.left.span)
                return combine(e, left, as_quantity(value(e.right), e.right.span))
            case Membership():
                return contains(e.options, as_quantity(value(e.operand), e.operand.span))
            case Conditional():
                return value(e.then if as_truth(value(e.condition), e.condition.span) else e.otherwise)
            case Then():
                if first_iteration is None:
                    fail("Q0418", "`then` chooses between iterations and stands outside a `repeat`", e.span)
                return value(e.first if first_iteration else e.rest)
            case Call():
                if call is None:
                    fail("Q0307", f"`{e.function.dotted}` cannot be called here", e.span, label="a number is expected")
                return call(e)

    return value(expr)


def number(expr: Expr, names: Names, what: str, example: str, *dimensions: Dimension) -> Quantity:
    """The value of an expression that must be a quantity of one of the dimensions (a plain number if none is given)."""
    q = as_quantity(evaluate(expr, names), expr.span)
    return convert(q, expr.span, what, example, *(dimensions or (COUNT,)))


def as_quantity(value: Value, span: Span) -> Quantity:
    if isinstance(value, Quantity):
        return value
    fail("Q0307", "a number is expected", span, label=f"this is {kind(value)}")


def as_truth(value: Value, span: Span) -> bool:
    if isinstance(value, bool):
        return value
    fail("Q0307", "a condition is expected", span, label=f"this is {kind(value)}")


def as_activation(value: Value, span: Span) -> Activation:
    if isinstance(value, Activation):
        return value
    fail("Q0307", "an activation is expected", span, label=f"this is {kind(value)}", helps=["name a layer or input"])


def kind(value: Value) -> str:
    """What sort of value it is, in words."""
    if isinstance(value, Quantity):
        return str(value.dimension)
    return "a condition" if isinstance(value, bool) else f"the activation `{value.name}`"


def combine(e: Binary, left: Quantity, right: Quantity) -> Value:
    """`left op right`. Raises SpecError when the units do not go together."""
    match e.op:
        case "*":
            return _checked(e, left.value * right.value, left.dimension.times(right.dimension))
        case "/" if right.value == 0:
            fail("Q0304", "division by zero", e.right.span, label="this is 0")
        case "/":
            return _checked(e, left.value / right.value, left.dimension.times(right.dimension, -1))
    if left.dimension != right.dimension:
        fail(
            "Q0303",
            f"`{e.op}` needs two values of the same kind",
            e.span,
            labels=[Label(s.span, f"this is {q.dimension}") for s, q in ((e.left, left), (e.right, right))],
            helps=["give both the same unit"],
        )
    if e.op in _COMPARISONS:
        return compare(e.op, left.value, right.value)
    return _checked(e, left.value + (right.value if e.op == "+" else -right.value), left.dimension)


def compare(op: str, a: Fraction, b: Fraction) -> bool:
    return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[op]


def values_of(options: ValueSet, what: str, example: str, low: int, high: int, *units: Dimension) -> tuple[int, ...]:
    """The whole numbers in low..high that a set such as `{2..8}` lists, ascending. Raises SpecError."""
    out: set[int] = set()

    def at(e: Expr) -> int:
        q = number(e, {}, what, example, *units)
        if isinstance(e, Binary) and e.op == "-" and q.value < low:
            shown = f"{{{text_of(e.left.span)}..{text_of(e.right.span)}}}"
            fail(
                "Q0305", f"{what} must be at least {low}", e.span, label=f"this is {q}", helps=[f"a range is `{shown}`"]
            )
        return whole(q, e.span, what, low, high)

    for item in options.items:
        if isinstance(item, Range):
            first, last, step = (at(item.low), at(item.high), 1 if item.step is None else at(item.step))
            if last < first:
                fail("Q0305", "the range is empty", item.span, label=f"{first} is more than {last}")
            out.update(range(first, last + 1, step))
        else:
            out.add(at(item))
    if not out:
        fail("Q0305", f"{what}: the set is empty", options.span, helps=[f"for example `{example}`"])
    return tuple(sorted(out))


def members(options: ValueSet, dimension: Dimension, limit: int = 4096) -> tuple[Fraction, ...]:
    """Every value of a set, ascending. Raises SpecError for values of another dimension, or more than `limit`."""
    found: list[Fraction] = []

    def at(e: Expr) -> Fraction:
        return number(e, {}, "the value", "2", dimension).value

    for item in options.items:
        if isinstance(item, Range):
            low, high, step = at(item.low), at(item.high), Fraction(1) if item.step is None else at(item.step)
            if step <= 0 or high < low:
                fail("Q0305", "the step must be positive" if step <= 0 else "the range is empty", item.span)
            if (high - low) / step >= limit:
                helps = ["compare with `>=` and `<=`"]
                fail("Q0305", f"the range has more than {limit} values", item.span, helps=helps)
            found += (low + step * i for i in range(int((high - low) / step) + 1))
        else:
            found.append(at(item))
        if len(found) > limit:
            fail("Q0305", f"the set has more than {limit} values", options.span, helps=["compare with `>=` and `<=`"])
    return tuple(sorted(set(found)))


def contains(options: ValueSet, q: Quantity) -> bool:
    """Whether a quantity is one of the options of a parameter. Raises SpecError for options of other dimensions."""

    def at(e: Expr) -> Fraction:
        return number(e, {}, "the option", str(q), q.dimension).value

    found = False
    for item in options.items:
        if not isinstance(item, Range):
            found |= at(item) == q.value
            continue
        if item.step is None and q.dimension != COUNT:
            help_ = "for example `{64 KiB .. 256 KiB step 32 KiB}`"
            fail("Q0305", "a range of values with a unit needs a step", item.span, helps=[help_])
        low, high, step = (at(item.low), at(item.high), Fraction(1) if item.step is None else at(item.step))
        if step <= 0 or high < low:
            text = "the step must be positive" if step <= 0 else "the range is empty"
            fail("Q0305", text, item.span)
        found |= low <= q.value <= high and (q.value - low) % step == 0
    return found


def split_arguments(arguments: Iterable[Argument]) -> tuple[list[Expr], dict[str, tuple[Ident, Expr]]]:
    """Positional arguments and named ones. Raises SpecError for a name given twice or a positional one after those."""
    positional: list[Expr] = []
    named: dict[str, tuple[Ident, Expr]] = {}
    for a in arguments:
        if a.name is None:
            if named:
                fail("Q0204", "an argument without a name follows named ones", a.span, helps=["put it before them"])
            positional.append(a.value)
        elif a.name.name in named:
            first = Label(named[a.name.name][0].span, "first given here")
            fail("Q0204", f"the argument `{a.name.name}` is given twice", a.span, labels=[first])
        else:
            named[a.name.name] = (a.name, a.value)
    return positional, named


def names_in(node: object) -> Iterator[str]:
    """First parts of all names in a piece of the tree."""
    if isinstance(node, Name):
        yield node.parts[0].name
    for part in vars(node).values() if isinstance(node, Node) else node if isinstance(node, tuple) else ():
        if isinstance(part, Node | tuple):
            yield from names_in(part)


def _named(name: Name, names: Names) -> Value:
    head, *rest = name.parts
    if head.name not in names:
        unknown("name", head, names)
    value = names[head.name]
    if value is None:
        skip()
    if not rest:
        return value
    attribute = rest[0]
    if len(rest) > 1 or not isinstance(value, Activation):
        fail("Q0203", f"`{head.name}` has no parts", name.span, label=f"`{head.name}` is {kind(value)}")
    if attribute.name not in _AXES:
        helps = [f"an activation has {quoted(_AXES)}"]
        fail("Q0203", f"an activation has no `{attribute.name}`", attribute.span, helps=helps)
    axis = _AXES[attribute.name]
    if axis >= len(value.shape):
        note = f"the shape of `{value.name}` is {' x '.join(map(str, value.shape))}, batch first"
        fail("Q0413", f"`{head.name}` has no axis `{attribute.name}`", attribute.span, notes=[note])
    return Quantity(Fraction(value.shape[axis]), COUNT)


def _checked(e: Binary, value: Fraction, dimension: Dimension) -> Quantity:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > _BITS_LIMIT:
        fail("Q0305", "the value is out of range", e.span)
    return Quantity(value, dimension)
