"""The mapper of a study."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from qdsl.model.expressions import number, split_arguments
from qdsl.model.findings import fail, quoted, unknown
from qdsl.model.mapper import MAPPERS, RANGES, MapperChoice, never_ends
from qdsl.model.units import TIME, whole
from qdsl.syntax.tree import Expr, MapperStmt


def check_mapper(stmt: MapperStmt) -> MapperChoice:
    """Raises SpecError."""
    kinds = {kind.name: kind for kind in MAPPERS}
    if stmt.name.name not in kinds:
        fail("Q0803", f"unknown mapper `{stmt.name.name}`", stmt.name.span, helps=[f"there are {quoted(kinds)}"])
    mapper = kinds[stmt.name.name]()
    positional, named = split_arguments(stmt.arguments)
    if positional:
        fail("Q0204", "arguments of a mapper are named", positional[0].span, helps=["for example `seed = 1`"])
    settings = {"time_limit" if f.name == "time_limit_s" else f.name for f in fields(mapper)}
    values: dict[str, Any] = {}
    for name, (ident, expr) in named.items():
        if name not in settings:
            unknown("argument", ident, settings, of=mapper.name, helps=["it takes none"])
        if name == "time_limit":
            values["time_limit_s"] = _seconds(expr)
        else:
            low, high = RANGES[name]
            values[name] = whole(
                number(expr, {}, f"`{name}`", f"{name} = {max(low, 1)}"), expr.span, f"`{name}`", low, high
            )
    mapper = replace(mapper, **values)
    if never_ends(mapper):
        helps = ["give `samples` or `time_limit`, too"]
        fail("Q0205", "a random mapper with `victory = 0` has no end", stmt.span, label="draws for ever", helps=helps)
    return mapper


def _seconds(expr: Expr) -> float:
    q = number(expr, {}, "`time_limit`", "time_limit = 10 s", TIME)
    if q.value <= 0:
        fail("Q0305", "`time_limit` must be positive", expr.span, label=f"this is {q}")
    return float(q.value)
