"""Parameters of accelerators and engines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from qdsl.diagnostics import Label, Sink
from qdsl.model.expressions import Names, Value, as_quantity, contains, evaluate, names_in, number, split_arguments
from qdsl.model.findings import at_most, distinct, fail, unknown, warn
from qdsl.model.units import Quantity
from qdsl.syntax.tree import AcceleratorDecl, Argument, EngineDecl, LetStmt, Node, ParamDecl, TableStmt

PARTS_LIMIT = 64


def bind_parameters(
    decl: AcceleratorDecl | EngineDecl,
    arguments: Sequence[Argument],
    around: Names = MappingProxyType({}),
    chosen: Mapping[str, Quantity] = MappingProxyType({}),
) -> dict[str, Value]:
    """The value of every parameter: its default, what was chosen among its values, or what an argument says. around: what
    arguments can name.

    Raises SpecError.
    """
    is_engine = isinstance(decl, EngineDecl)
    what, example = ("an engine", "width = 16") if is_engine else ("an accelerator", "rows = 14")
    params = [i for i in decl.items if isinstance(i, ParamDecl)]
    at_most(PARTS_LIMIT, params, what, "parameters")
    distinct("parameter", (p.name for p in params))
    positional, given = split_arguments(arguments)
    if positional:
        fail("Q0204", f"arguments of {what} are named", positional[0].span, helps=[f"for example `{example}`"])
    for name, _ in given.values():
        if name.name not in {p.name.name for p in params}:
            unknown("parameter", name, [p.name.name for p in params], of=decl.name)
    names: dict[str, Value] = {}
    for p in params:
        default = as_quantity(evaluate(p.value, names), p.value.span)
        if p.domain is not None and not contains(p.domain, default):
            labels = [Label(p.domain.span, "the values it may have")]
            fail("Q0504", f"the default of `{p.name.name}` is not one of its values", p.value.span, labels=labels)
        names[p.name.name] = chosen.get(p.name.name, default)
        if p.name.name in given:
            _, expr = given[p.name.name]
            example = f"{p.name.name} = {default}"
            q = number(expr, around, f"the parameter `{p.name.name}`", example, default.dimension)
            if p.domain is not None and not contains(p.domain, q):
                labels = [Label(p.domain.span, "the values it may have")]
                text = f"`{p.name.name}` of `{decl.name.name}` cannot be {q}"
                fail("Q0504", text, expr.span, label="not one of its values", labels=labels)
            names[p.name.name] = q
    return names


def warn_unused(items: Sequence[Node], sink: Sink) -> None:
    """Parameters, parts of formulas and tables that none of the other items names."""
    uses = [(item, set(names_in(item))) for item in items]
    for item in items:
        if not isinstance(item, ParamDecl | LetStmt | TableStmt):
            continue
        if not any(item.name.name in used for other, used in uses if other is not item):
            what = "parameter " if isinstance(item, ParamDecl) else "table " if isinstance(item, TableStmt) else ""
            warn(sink, "Q0404", f"{what}`{item.name.name}` is not used", item.name.span, helps=["remove it"])
