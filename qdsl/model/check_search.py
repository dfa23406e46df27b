"""The search of a study: its method and settings, and what it goes together with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from qdsl.diagnostics import Label
from qdsl.model.expressions import number, split_arguments
from qdsl.model.findings import fail, quoted, unknown
from qdsl.model.statements import Statements
from qdsl.model.study import NOT_ADDITIVE, SEARCH_OPERATORS, TIMED, Search
from qdsl.model.units import whole
from qdsl.syntax.tree import Expr, Ident, LevelsStmt, LimitStmt, MinimizeStmt, Name, SearchStmt

SEARCH_EXAMPLES = {"nsga2": "population = 48", "exact": "epsilon = 5 %"}  # with an example of an argument
_NOT_ADDITIVE = {"edp": "a product of sums", "error": "measured for each design as a whole"}
# Smallest and largest value of each number of the search.
SEARCH_RANGES = {
    "population": (4, 10_000),
    "offspring": (1, 10_000),
    "generations": (1, 1_000_000),
    "seed": (0, 2**32 - 1),
}


def check_search(stmt: SearchStmt) -> Search:
    call = stmt.call
    method = call.function.dotted
    if method not in SEARCH_EXAMPLES:
        helps = ["supported: `nsga2(population = 48, ...)`, `exact` and `exact(epsilon = 5 %)`"]
        fail("Q0803", f"unknown search `{method}`", call.function.span, helps=helps)
    positional, named = split_arguments(call.arguments)
    if positional:
        helps = [f"for example `{SEARCH_EXAMPLES[method]}`"]
        fail("Q0204", "arguments of a search are named", positional[0].span, helps=helps)
    return _exact(named) if method == "exact" else _nsga2(named)


def _exact(named: Mapping[str, tuple[Ident, Expr]]) -> Search:
    epsilon = Search().epsilon
    for name, (ident, expr) in named.items():
        if name != "epsilon":
            unknown("argument", ident, ["epsilon"], of="exact")
        epsilon = float(number(expr, {}, "`epsilon`", "epsilon = 5 %").value)
        if not 0 <= epsilon <= 1:
            fail("Q0305", "`epsilon` must be from 0 to 100 %", expr.span, label=f"this is {100 * epsilon:.6g} %")
    return Search(method="exact", epsilon=epsilon)


def _nsga2(named: Mapping[str, tuple[Ident, Expr]]) -> Search:
    values: dict[str, Any] = {}
    operators = Search().operators
    for name, (ident, expr) in named.items():
        if name == "operators":
            if not isinstance(expr, Name) or expr.dotted not in SEARCH_OPERATORS:
                helps = [f"supported: {quoted(SEARCH_OPERATORS)}"]
                fail("Q0803", "unknown operators of the search", expr.span, label="not known", helps=helps)
            operators = expr.dotted
        elif name in SEARCH_RANGES:
            q = number(expr, {}, f"`{name}`", f"{name} = {SEARCH_RANGES[name][0]}")
            values[name] = whole(q, expr.span, f"`{name}`", *SEARCH_RANGES[name])
        else:
            unknown("argument", ident, [*SEARCH_RANGES, "operators"], of="nsga2")
    # As many offspring as the population has members, unless stated.
    if "population" in values:
        values.setdefault("offspring", values["population"])
    return Search(operators=operators, **values)


def check_additive(stmt: MinimizeStmt, limits: Iterable[LimitStmt]) -> None:
    """Raises SpecError for what the exact search can neither minimise nor limit."""
    for name in stmt.objectives:
        if name.name in NOT_ADDITIVE:
            text = f"`{name.name}` does not add up over the layers, so the exact search cannot minimise it"
            instead = "`noise`" if name.name == "error" else "`energy, latency`"
            helps = [f"minimise {instead}, or use `search nsga2(...)`"]
            fail("Q0814", text, name.span, label=_NOT_ADDITIVE[name.name], helps=helps)
    for limit in limits:
        if limit.quantity.name == "error":
            text = "the error does not add up over the layers, so the exact search cannot limit it"
            fail("Q0814", text, limit.span, label=_NOT_ADDITIVE["error"], helps=["use `search nsga2(...)`"])


def check_together(found: Statements, search: Search, levels: tuple[str, ...]) -> None:
    """Raises SpecError for what the exact search and the rough levels cannot do."""
    stmt = found.get(LevelsStmt)
    if search.method == "exact" and levels != ("fine",):
        helps = ["use `search nsga2(...)`", "leave `levels` out"]
        text = "the exact search does not go together with rough levels"
        fail("Q0823", text, found.need(SearchStmt, "").span, label="needs the best mapping of every layer", helps=helps)
    minimize = found.get(MinimizeStmt)
    for name in minimize.objectives if minimize and stmt and "coarse" in levels else ():
        if name.name in TIMED:
            labels = [Label(stmt.span, "`coarse` knows no machine")] if stmt else []
            text = f"the coarse level does not estimate `{name.name}`"
            fail("Q0823", text, name.span, labels=labels, helps=["begin with `mid`"])
    asked = (*(minimize.objectives if minimize else ()), *(limit.quantity for limit in found.all(LimitStmt)))
    for name in asked if stmt and levels != ("fine",) else ():
        if name.name in ("error", "sensitivity"):
            labels = [Label(stmt.span, "trains nothing")] if stmt else []
            text = f"rough levels do not estimate the {name.name}"
            fail("Q0823", text, name.span, labels=labels, helps=["leave `levels` out"])
