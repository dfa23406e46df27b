"""Limits of the cost of a mapping: `latency <= 1 ms`, `energy <= 5 uJ`, `bandwidth(glb) <= 4 word/cycle`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from qdsl.model.accelerator import Accelerator
from qdsl.model.check_mapping import check_place
from qdsl.model.expressions import number
from qdsl.model.findings import fail
from qdsl.model.units import CYCLES, ENERGY, TIME, WORD_RATE
from qdsl.syntax.tree import Binary, Call, Expr, Name

_EXAMPLES = {
    "latency": "latency <= 20000 cycle",
    "energy": "energy <= 5 uJ",
    "bandwidth": "bandwidth(glb) <= 4 word/cycle",
}
_UNITS = {"latency": (CYCLES, TIME), "energy": (ENERGY,), "bandwidth": (WORD_RATE,)}


@dataclass(frozen=True, slots=True)
class LimitText:
    """As `Limit` has it."""

    quantity: str
    level: str
    most: float


def limited_quantity(expr: Expr) -> str | None:
    """`latency`, `energy` or `bandwidth` if an expression is one of them."""
    if isinstance(expr, Name) and expr.dotted in ("latency", "energy"):
        return expr.dotted
    return "bandwidth" if isinstance(expr, Call) and expr.function.dotted == "bandwidth" else None


def misplaced(expr: Expr, quantity: str) -> NoReturn:
    """Raises the finding that what can only be limited stands elsewhere."""
    text = f"`{quantity}` can only stand in a limit"
    helps = [f"write `{_EXAMPLES[quantity]}` as a constraint of its own"]
    fail("Q0702", text, expr.span, label="not `... <= ...`, or part of a larger formula", helps=helps)


def check_limit(expr: Expr, accelerator: Accelerator) -> LimitText | None:
    """The limit that a formula is, None if it is another formula. Raises SpecError."""
    quantity = limited_quantity(expr.left) if isinstance(expr, Binary) else None
    if not isinstance(expr, Binary) or quantity is None:
        return None
    if expr.op != "<=":
        misplaced(expr.left, quantity)
    most = number(expr.right, {}, f"the limit of `{quantity}`", _EXAMPLES[quantity].split("<= ")[1], *_UNITS[quantity])
    if most.value < 0:
        fail("Q0305", "a limit cannot be negative", expr.right.span, label=f"this is {most}")
    value = most.value
    if most.dimension == TIME:
        if accelerator.clock_hz is None:
            helps = [f"write it in cycles, or add `clock 200 MHz` to `{accelerator.name}`"]
            fail("Q0302", f"`{accelerator.name}` has no clock", expr.right.span, label="this is a time", helps=helps)
        value = value * int(accelerator.clock_hz)
    level = ""
    if isinstance(expr.left, Call):
        names = [a.value for a in expr.left.arguments if a.name is None and isinstance(a.value, Name)]
        if len(names) != 1 or len(expr.left.arguments) != 1:
            fail(
                "Q0702", "`bandwidth` is written as `bandwidth(glb)`", expr.left.span, label="other arguments are given"
            )
        level = check_place(names[0], accelerator, "bandwidth")
    return LimitText(quantity, level, float(value))
