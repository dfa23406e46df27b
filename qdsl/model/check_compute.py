"""Compute units, the engines that they may be, and the cost of whole layers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from qdsl.diagnostics import Sink
from qdsl.model.check_levels import Scope, Technologies, area_mm2, energies_of, leakage_pj
from qdsl.model.check_parameters import bind_parameters, warn_unused
from qdsl.model.check_table import check_table
from qdsl.model.check_technology import Energies
from qdsl.model.check_width_formula import Defined, formula_of, width_formula
from qdsl.model.compute import ComputeUnit, LayerCost, LayerFigure
from qdsl.model.expressions import Names, as_truth, evaluate
from qdsl.model.findings import Attempts, collecting, distinct, duplicate, fail, lookup
from qdsl.model.statements import Statements
from qdsl.model.units import COUNT, CYCLES, ENERGY
from qdsl.model.width_formula import WidthFormula
from qdsl.syntax import tree as t

_ENERGY = "energy 2.2 pJ"
_DEFINING = (t.TableStmt, t.LetStmt)


def check_compute(decl: t.ComputeDecl, scope: Scope) -> ComputeUnit:
    """Raises SpecError."""
    what, of = f"compute unit `{decl.name.name}`", [type(s) for s in decl.statements]
    if t.LayerCost in of:
        costs = [s for s in decl.statements if isinstance(s, t.LayerCost)]
        rest = [s for s in decl.statements if not isinstance(s, t.LayerCost)]
        found = Statements(
            rest, f"{what} with the cost of layers", decl.name, t.PowerStmt, t.AreaStmt, t.SourceStmt, several=_DEFINING
        )
        return _of_layers(decl.name, costs, found, scope)
    if t.UseStmt in of:
        found = Statements(decl.statements, f"{what} with an engine", decl.name, t.UseStmt, t.LeakageStmt)
        return _of_engine(decl.name, found, scope)
    allowed = (t.EnergyStmt, t.ThroughputStmt, t.UseStmt, t.LeakageStmt, t.AreaStmt, t.SourceStmt)
    return _of_operations(decl.name, Statements(decl.statements, what, decl.name, *allowed, several=_DEFINING), scope)


def check_engine(decl: t.EngineDecl, sink: Sink) -> t.EngineDecl | None:
    """The declaration, if it makes a compute unit with its parameters at their defaults."""
    with collecting(sink):
        default_engine(decl)
        warn_unused(decl.items, sink)
        return decl
    return None


def default_engine(decl: t.EngineDecl) -> ComputeUnit:
    """With the parameters at their defaults. Raises SpecError."""
    return _bound(decl, (), {})


def _bound(decl: t.EngineDecl, arguments: Sequence[t.Argument], around: Names) -> ComputeUnit:
    """The engine with its parameters at the arguments. Raises SpecError."""
    names = bind_parameters(decl, arguments, around)
    items = [i for i in decl.items if not isinstance(i, t.ParamDecl)]
    allowed = (t.EnergyStmt, t.ThroughputStmt, t.AreaStmt, t.SourceStmt)
    found = Statements(items, f"engine `{decl.name.name}`", decl.name, *allowed, several=_DEFINING)
    return _of_operations(decl.name, found, Scope(names, Technologies({}, {}), None, None))


def _of_operations(name: t.Ident, found: Statements, scope: Scope) -> ComputeUnit:
    attempt, rate, source = Attempts(), found.get(t.ThroughputStmt), found.get(t.SourceStmt)
    defined = definitions(found, scope.names, layers=False)
    nothing = Energies("compute", {}, None, None, None)
    table, _ = attempt(
        lambda: energies_of(found.need(t.EnergyStmt, _ENERGY), "compute", source, scope, defined),
        (nothing, name.span),
    )
    throughput = attempt(lambda: _throughput(rate, scope.names, defined) if rate else None, None)
    leakage = attempt(lambda: leakage_pj(found.get(t.LeakageStmt), scope), 0.0)
    area = attempt(lambda: area_mm2(found.get(t.AreaStmt), scope.names), None)
    attempt.done()
    assert table.operation is not None
    energy = table.operation if table.operation.varies else float(table.operation.constant)
    return ComputeUnit(name.name, energy, table.source, throughput, leakage, area, span=name.span)


def _of_engine(unit: t.Ident, found: Statements, scope: Scope) -> ComputeUnit:
    stmt = found.need(t.UseStmt, "use vector(width = 16)")
    call = _chosen(stmt.value, scope.names)
    name, arguments = (call.function, call.arguments) if isinstance(call, t.Call) else (call, ())
    engine = lookup("engine", name.parts[0], scope.technologies.engines)
    leakage = leakage_pj(found.get(t.LeakageStmt), scope)
    return replace(_bound(engine, arguments, scope.names), name=unit.name, leakage_pj=leakage, span=unit.span)


def _chosen(expr: t.Expr, names: Names) -> t.Call | t.Name:
    """The engine that a choice by parameters comes to."""
    match expr:
        case t.Conditional():
            holds = as_truth(evaluate(expr.condition, names), expr.condition.span)
            return _chosen(expr.then if holds else expr.otherwise, names)
        case t.Call(function=t.Name(parts=(_,))) | t.Name(parts=(_,)):
            return expr
    fail("Q0307", "an engine is expected", expr.span, helps=["for example `use vector(width = 16)`"])


def _of_layers(name: t.Ident, costs: Sequence[t.LayerCost], found: Statements, scope: Scope) -> ComputeUnit:
    attempt = Attempts()
    defined = definitions(found, scope.names, layers=True)
    power = attempt(lambda: leakage_pj(found.get(t.PowerStmt), scope), 0.0)
    area = attempt(lambda: area_mm2(found.get(t.AreaStmt), scope.names), None)
    cycles = attempt(lambda: _by_operator("cycles", costs, scope.names, defined), {})
    energies = attempt(lambda: _by_operator("energy", costs, scope.names, defined), {})
    figures = attempt(lambda: tuple(_figures(costs, scope.names, defined)), ())
    attempt.done()
    for cost in costs:
        for operator in cost.operators:
            if operator.name not in cycles:
                helps = [f"for example `cycles for {operator.name} = operations / 4`"]
                fail("Q0502", f"`{operator.name}` has no cycles", operator.span, helps=helps)
            if operator.name not in energies and found.get(t.PowerStmt) is None:
                helps = [f"for example `energy for {operator.name} = operations * 1 pJ`, or `power 5 mW`"]
                fail("Q0502", f"`{operator.name}` has no energy", operator.span, helps=helps)
    layers = tuple(LayerCost(operator, formula, energies.get(operator)) for operator, formula in cycles.items())
    source = found.get(t.SourceStmt)
    said = source.text.value if source else None
    return ComputeUnit(name.name, 0.0, said, None, 0.0, area, layers, power, figures, name.span)


_LAYER_UNITS = {
    "cycles": ("the cycles of a layer", "cycles for conv2d = operations / 4", (COUNT, CYCLES)),
    "energy": ("the energy of a layer", "energy for conv2d = operations * 0.1 pJ", (ENERGY,)),
}


def _by_operator(kind: str, costs: Iterable[t.LayerCost], names: Names, defined: Defined) -> dict[str, WidthFormula]:
    """By operator the formula of one kind."""
    own = [cost for cost in costs if cost.kind == kind]
    distinct("operator", [operator for cost in own for operator in cost.operators])
    what, example, units = _LAYER_UNITS[kind]
    found = {}
    for cost in own:
        formula = width_formula(cost.value, names, what, example, *units, defined=defined)
        found.update({operator.name: formula for operator in cost.operators})
    return found


def _figures(costs: Iterable[t.LayerCost], names: Names, defined: Defined) -> Iterator[LayerFigure]:
    """Raises SpecError for one that an operator has twice."""
    seen: dict[tuple[str, str], t.Ident] = {}
    for cost in costs:
        for operator in cost.operators if cost.name else ():
            assert cost.name is not None
            if first := seen.get((cost.name.name, operator.name)):
                duplicate("operator", operator, first)
            seen[cost.name.name, operator.name] = operator
            example = f"figure {cost.name.name} for {operator.name} = ceil(K / 128)"
            formula = width_formula(cost.value, names, "a figure", example, defined=defined)
            yield LayerFigure(cost.name.name, operator.name, formula)


def definitions(found: Statements, names: Names, layers: bool) -> Defined:
    """What `table` and `let` define; each may use those before it."""
    tables, lets = found.all(t.TableStmt), found.all(t.LetStmt)
    defined_names = [*(s.name for s in tables), *(s.name for s in lets)]
    distinct("name", defined_names)
    for name in defined_names:
        if name.name in names:
            fail("Q0202", f"`{name.name}` is a parameter already", name.span, helps=["rename one of them"])
    defined = Defined({}, {s.name.name: check_table(s) for s in tables}, layers)
    for let in lets:
        part = formula_of(let.value, names, defined)
        defined = replace(defined, parts={**defined.parts, let.name.name: part})
    return defined


def _throughput(stmt: t.ThroughputStmt, names: Names, defined: Defined) -> WidthFormula:
    example = "throughput 16 / max(bits(W), bits(I))"
    formula = width_formula(stmt.value, names, "`throughput`", example, defined=defined)
    if not formula.varies and formula.constant <= 0:
        text = f"this is {float(formula.constant):g}"
        fail("Q0305", "a throughput must be positive", stmt.value.span, label=text)
    return formula
