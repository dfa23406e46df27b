"""Studies: what is mapped onto what, the widths, the constraints, the objectives and the search."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from qdsl.diagnostics import Diagnostic, Label, Sink, Span
from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.accuracy import Accuracy
from qdsl.model.check_accelerator import check_widths_known
from qdsl.model.check_accuracy import EXAMPLE, check_accuracy, check_limit, check_network_learns
from qdsl.model.check_constraints import ConstraintSet, Operators, resolve
from qdsl.model.check_map_as import replace_operators
from qdsl.model.check_mapper import check_mapper
from qdsl.model.check_precision import check_precision
from qdsl.model.check_split import split_layers
from qdsl.model.check_width_formula import width_formula
from qdsl.model.constraint import Constraint
from qdsl.model.expressions import number, split_arguments
from qdsl.model.findings import collecting, distinct, fail, hand_on, lookup, quoted, unknown
from qdsl.model.mapper import EXACT, MapperChoice
from qdsl.model.network import Network
from qdsl.model.precision import PrecisionSpace
from qdsl.model.review_constraints import review_constraints
from qdsl.model.review_study import review_study, study_cases
from qdsl.model.statements import Statements
from qdsl.model.study import NOT_ADDITIVE, OBJECTIVES, SEARCH_OPERATORS, Search, Study
from qdsl.model.units import BITS, COUNT, whole
from qdsl.syntax.tree import (
    AccuracyStmt,
    ConstrainBlock,
    ConstrainWith,
    Expr,
    Ident,
    MachineRef,
    MapAsStmt,
    MapperStmt,
    MapStmt,
    MinimizeStmt,
    Name,
    PartialSums,
    PrecisionBlock,
    ReportStmt,
    SearchStmt,
    StudyDecl,
    SubjectStmt,
    WidthRule,
)

REPORTS = ("html", "markdown")
SEARCH_EXAMPLES = {"nsga2": "population = 48", "exact": "epsilon = 5 %"}  # with an example of an argument
_NOT_ADDITIVE = {"edp": "a product of sums", "error": "measured for each design as a whole"}
# Smallest and largest value of each number of the search.
SEARCH_RANGES = {
    "population": (4, 10_000),
    "offspring": (1, 10_000),
    "generations": (1, 1_000_000),
    "seed": (0, 2**32 - 1),
}


@dataclass(frozen=True)
class StudyScope:
    """What a study can name. declared: where, by kind and name; machine: the accelerator of a reference, None if that was
    reported as wrong."""

    operators: Operators
    networks: Mapping[str, Network | None]
    constraints: Mapping[str, ConstraintSet | None]
    declared: Mapping[tuple[str, str], Ident]
    machine: Callable[[MachineRef, Sink], Accelerator | None]


def check_study(decl: StudyDecl, scope: StudyScope, sink: Sink) -> Study | None:
    """The checked study; None if errors were found."""
    found = Sink()
    study = None
    with collecting(found):
        study = _study(decl, scope, found)
    if study and not found.errors:
        for diagnostic in _review(study, decl, scope):
            found.add(diagnostic)
    return study if hand_on(found, sink) else None


def _review(study: Study, decl: StudyDecl, scope: StudyScope) -> Iterator[Diagnostic]:
    """Warnings of what is right in form and yet comes to nothing."""
    at = next(i.span for i in decl.items if isinstance(i, MapStmt))
    blocks = [i for i in decl.items if isinstance(i, PrecisionBlock)]
    rules = {s.role: s.span for b in blocks for s in b.statements if isinstance(s, WidthRule)}
    objectives = {o.name: o.span for i in decl.items if isinstance(i, MinimizeStmt) for o in i.objectives}
    tensors = {t for o in scope.operators.values() if o for t in o.tensors}
    cases = study_cases(study)
    yield from review_study(study, cases, at, rules, objectives, tensors)
    own = [i.span for i in decl.items if isinstance(i, ConstrainBlock)]
    # what a named set asks for may well be meant for another network
    here = [c for c in study.constraints if c.span and any(_inside(c.span, block) for block in own)]
    yield from review_constraints(here, cases)


def _study(decl: StudyDecl, scope: StudyScope, sink: Sink) -> Study | None:
    items = [i for i in decl.items if not isinstance(i, ConstrainWith | ConstrainBlock)]
    allowed = (MapStmt, PrecisionBlock, MinimizeStmt, SubjectStmt, MapperStmt, SearchStmt, AccuracyStmt, ReportStmt)
    found = Statements(items, f"study `{decl.name.name}`", decl.name, *allowed, several=(MapAsStmt,))
    network: Network | None = None
    mapped: Network | None = None
    accelerator: Accelerator | None = None
    precision: PrecisionSpace | None = None
    objectives: tuple[str, ...] = ()
    reports: tuple[str, ...] = REPORTS
    mapper: MapperChoice = EXACT
    search = Search()
    accuracy: Accuracy | None = None
    largest_error: float | None = None
    with collecting(sink):
        map_stmt = found.need(MapStmt, "map mobilenet_v1 onto eyeriss")
        accelerator = scope.machine(map_stmt.accelerator, sink)
        asked = lookup("network", map_stmt.network, scope.networks, declared=scope.declared)
        network = replace_operators(found.all(MapAsStmt), asked, scope.operators)
    with collecting(sink):
        block = found.need(PrecisionBlock, "precision { weights in {2..8} per layer; ... }")
        if accelerator:
            accelerator = _with_partial_sums(block, accelerator)
        if network and accelerator:
            mapped = split_layers(block, network, accelerator, sink)
            precision = check_precision(block, mapped, accelerator, sink)
    with collecting(sink):
        objectives = _objectives(found.need(MinimizeStmt, "minimize energy, weight_memory, noise"))
    with collecting(sink):
        chosen = found.get(MapperStmt)
        mapper = check_mapper(chosen) if chosen else mapper
    with collecting(sink):
        search = _search(found.need(SearchStmt, "search nsga2(population = 48, generations = 40, seed = 1)"))
        if search.method == "exact":
            _check_additive(found.need(MinimizeStmt, ""), found.get(SubjectStmt))
    with collecting(sink):
        accuracy, largest_error = _accuracy(found, objectives, network)
    with collecting(sink):
        reports = _reports(found.get(ReportStmt))
    if network is None or accelerator is None:
        return None
    with collecting(sink):
        check_widths_known(accelerator, network.layers)
    if not any(layer.has_weights for layer in network.layers):
        text = f"network `{network.name}` has no layers with weights, so there are no widths to choose"
        fail("Q0804", text, decl.name.span, helps=["declare the weights of its operators with `weights`"])
    # a statement about a layer is about all groups that it is split into
    constraints = _constraints(decl, scope, mapped or network, accelerator, sink)
    if precision is None or mapped is None:
        return None
    return Study(
        decl.name.name,
        mapped,
        accelerator,
        precision,
        constraints,
        objectives,
        search,
        reports,
        mapper,
        accuracy,
        largest_error,
        decl.name.span,
    )


def _accuracy(
    found: Statements, objectives: tuple[str, ...], network: Network | None
) -> tuple[Accuracy | None, float | None]:
    """How the error is measured, and the largest one allowed."""
    stmt, limited = found.get(AccuracyStmt), found.get(SubjectStmt)
    largest = check_limit(limited) if limited else None
    if "error" not in objectives and limited is None:
        if stmt:
            helps = ["`minimize energy, error` or `subject to error <= 2 %`"]
            fail("Q0503", "nothing in the study asks for the error", stmt.span, label="measures it", helps=helps)
        return None, None
    stmt = found.need(AccuracyStmt, EXAMPLE)
    accuracy = check_accuracy(stmt)
    if network:
        check_network_learns(stmt, accuracy, network)
    return accuracy, largest


def _inside(span: Span, block: Span) -> bool:
    return span.source is block.source and block.start <= span.start < block.end


def _with_partial_sums(block: PrecisionBlock, accelerator: Accelerator) -> Accelerator:
    """The accelerator with a rule for outputs at every level inside the backing store that has none of its own."""
    stmts = [s for s in block.statements if isinstance(s, PartialSums)]
    if not stmts:
        return accelerator
    if len(stmts) > 1:
        fail("Q0503", "`partial sums` is given twice", stmts[1].span, labels=[Label(stmts[0].span, "first one")])
    example = "partial sums = bits(weights) + bits(activations) + log2(reduction)"
    rule = ("output", width_formula(stmts[0].value, {}, "the width of partial sums", example, COUNT, BITS))
    first, *inner = accelerator.hierarchy
    ruled = [replace(h, stored=(*h.stored, rule)) if isinstance(h, StorageLevel) else h for h in inner]
    return replace(accelerator, hierarchy=(first, *ruled))


def _constraints(
    decl: StudyDecl, scope: StudyScope, network: Network, accelerator: Accelerator, sink: Sink
) -> tuple[Constraint, ...]:
    out: list[Constraint] = []
    used: list[ConstrainWith] = []
    for item in decl.items:
        with collecting(sink):
            if isinstance(item, ConstrainBlock):
                out += resolve(item.body, accelerator, scope.operators, network, sink)
            elif isinstance(item, ConstrainWith):
                distinct("`constrain with`", [*(u.name for u in used), item.name])
                used.append(item)
                out += _named(item, scope, network, accelerator, sink)
    return tuple(out)


def _named(
    item: ConstrainWith, scope: StudyScope, network: Network, accelerator: Accelerator, sink: Sink
) -> tuple[Constraint, ...]:
    chosen = lookup("constraint set", item.name, scope.constraints, declared=scope.declared)
    written_for = chosen.decl.accelerator
    if written_for.name != accelerator.name:
        text = f"`{item.name.name}` constrains mappings onto `{written_for.name}`, and this study uses `{accelerator.name}`"
        fail("Q0705", text, item.name.span, labels=[Label(written_for.span, "declared for this accelerator")])
    operators = {**scope.operators, **chosen.operators}
    return resolve(chosen.decl.body, accelerator, operators, network, sink)


def _objectives(stmt: MinimizeStmt) -> tuple[str, ...]:
    distinct("objective", stmt.objectives)
    for name in stmt.objectives:
        if name.name not in OBJECTIVES:
            unknown("objective", name, OBJECTIVES)
    return tuple(o.name for o in stmt.objectives)


def _check_additive(stmt: MinimizeStmt, limit: SubjectStmt | None) -> None:
    for name in stmt.objectives:
        if name.name in NOT_ADDITIVE:
            text = f"`{name.name}` does not add up over the layers, so the exact search cannot minimise it"
            instead = "`noise`" if name.name == "error" else "`energy, latency`"
            helps = [f"minimise {instead}, or use `search nsga2(...)`"]
            fail("Q0814", text, name.span, label=_NOT_ADDITIVE[name.name], helps=helps)
    if limit:
        text = "the error does not add up over the layers, so the exact search cannot limit it"
        fail("Q0814", text, limit.span, label=_NOT_ADDITIVE["error"], helps=["use `search nsga2(...)`"])


def _search(stmt: SearchStmt) -> Search:
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


def _reports(stmt: ReportStmt | None) -> tuple[str, ...]:
    if stmt is None:
        return REPORTS
    distinct("report format", stmt.formats)
    for name in stmt.formats:
        if name.name not in REPORTS:
            unknown("report format", name, REPORTS)
    return tuple(f.name for f in stmt.formats)
