"""Expressions of the syntax tree as text, with the parentheses that they need."""

from __future__ import annotations

from qdsl.syntax import tree as t

# How tightly an operation binds. What stands where the grammar wants more is put in parentheses.
CONDITIONAL, OR, AND, NOT, COMPARISON, SUM, PRODUCT, FACTOR, ATOM = range(9)

_LEVELS = {"or": OR, "and": AND, "+": SUM, "-": SUM, "*": PRODUCT, "/": PRODUCT}
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t"}


def expression(e: t.Expr | t.Range, least: int = CONDITIONAL) -> str:
    """least: how tightly the text must bind."""
    text, level = _written(e)
    return text if level >= least else f"({text})"


def arguments(given: tuple[t.Argument, ...]) -> str:
    """`(x, K = 2)`."""
    texts = [f"{a.name.name} = {expression(a.value)}" if a.name else expression(a.value) for a in given]
    return f"({', '.join(texts)})"


def value_set(s: t.ValueSet) -> str:
    return "{" + ", ".join(expression(item) for item in s.items) + "}"


def quoted(text: t.Text) -> str:
    return '"' + "".join(_ESCAPES.get(c, c) for c in text.value) + '"'


def names(idents: tuple[t.Ident, ...]) -> str:
    return ", ".join(i.name for i in idents)


def _written(e: t.Expr | t.Range) -> tuple[str, int]:
    """The text and how tightly it binds."""
    match e:
        case t.Number():
            return (f"{e.text} {e.unit}" if e.unit else e.text), ATOM
        case t.Name():
            return e.dotted, ATOM
        case t.Call():
            function = f"{e.activation.name}" if e.activation else ""
            return f"{e.function.dotted}{arguments(e.arguments)} {function}".rstrip(), ATOM
        case t.Unary(op="-"):
            return f"-{expression(e.operand, FACTOR)}", FACTOR
        case t.Unary():
            return f"not {expression(e.operand, NOT)}", NOT
        case t.Binary():
            level = _LEVELS.get(e.op, COMPARISON)
            left = SUM if level == COMPARISON else level  # a comparison has two sides and no more
            return f"{expression(e.left, left)} {e.op} {expression(e.right, level + 1)}", level
        case t.Membership():
            return f"{expression(e.operand, SUM)} in {value_set(e.options)}", COMPARISON
        case t.Conditional():
            parts = (expression(e.condition, OR), expression(e.then), expression(e.otherwise))
            return "if {} then {} else {}".format(*parts), CONDITIONAL
        case t.Then():
            return f"{expression(e.first, OR)} then {expression(e.rest, OR)}", CONDITIONAL
        case t.Range():
            step = f" step {expression(e.step, SUM)}" if e.step else ""
            return f"{expression(e.low, SUM)} .. {expression(e.high, SUM)}{step}", CONDITIONAL
