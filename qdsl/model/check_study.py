"""Studies: what is mapped onto what, the widths, the constraints, the objectives and the search."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from qdsl.diagnostics import Diagnostic, Label, Sink, Span
from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.accuracy import Accuracy
from qdsl.model.check_accelerator import check_widths_known
from qdsl.model.check_accuracy import check_errors
from qdsl.model.check_constrain import StudyScope, check_constrain
from qdsl.model.check_hardware import Bound, bound_machines, fit_all, measure, size_text
from qdsl.model.check_map_as import replace_operators
from qdsl.model.check_mapper import check_mapper
from qdsl.model.check_precision import check_precision
from qdsl.model.check_search import check_additive, check_search, check_together
from qdsl.model.check_split import split_layers
from qdsl.model.check_width_formula import width_formula
from qdsl.model.constraint import Constraint
from qdsl.model.expressions import number
from qdsl.model.findings import collecting, distinct, fail, hand_on, lookup, unknown
from qdsl.model.mapper import EXACT, MapperChoice
from qdsl.model.network import Network, network_set
from qdsl.model.precision import PrecisionSpace
from qdsl.model.review_constraints import review_constraints
from qdsl.model.review_study import review_study, study_cases
from qdsl.model.statements import Statements
from qdsl.model.study import (
    LEVELS,
    OBJECTIVES,
    Configuration,
    Search,
    Study,
)
from qdsl.model.units import BITS, COUNT
from qdsl.syntax.tree import (
    AccuracyStmt,
    ConstrainBlock,
    ConstrainWith,
    LevelsStmt,
    LimitStmt,
    MapAsStmt,
    MappedNetwork,
    MapperStmt,
    MapStmt,
    MinimizeStmt,
    PartialSums,
    PrecisionBlock,
    ReportStmt,
    SearchStmt,
    StudyDecl,
    WidthRule,
)

REPORTS = ("html", "markdown")


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
    allowed = (MapStmt, PrecisionBlock, MinimizeStmt, LevelsStmt, MapperStmt, SearchStmt, AccuracyStmt, ReportStmt)
    found = Statements(items, f"study `{decl.name.name}`", decl.name, *allowed, several=(LimitStmt, MapAsStmt))
    network: Network | None = None
    block: PrecisionBlock | None = None
    bounds: list[Bound] = []
    objectives: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    reports: tuple[str, ...] = REPORTS
    mapper: MapperChoice = EXACT
    search = Search()
    accuracy: Accuracy | None = None
    largest_error: float | None = None
    with collecting(sink):
        map_stmt = found.need(MapStmt, "map mobilenet_v1 onto eyeriss")
        with collecting(sink):
            machine = lookup("accelerator", map_stmt.accelerator.name, scope.machines, declared=scope.declared)
            bounds = bound_machines(machine, map_stmt.accelerator, found.all(LimitStmt), sink)
        network = replace_operators(found.all(MapAsStmt), _network(map_stmt, scope), scope.operators)
    with collecting(sink):
        block = found.need(PrecisionBlock, "precision { weights in {2..8} per layer; ... }")
    with collecting(sink):
        objectives = _objectives(found.need(MinimizeStmt, "minimize energy, weight_memory, noise"))
    with collecting(sink):
        levels = _levels(found.get(LevelsStmt))
    with collecting(sink):
        chosen = found.get(MapperStmt)
        mapper = check_mapper(chosen) if chosen else mapper
    with collecting(sink):
        search = check_search(found.need(SearchStmt, "search nsga2(population = 48, generations = 40, seed = 1)"))
        if search.method == "exact":
            check_additive(found.need(MinimizeStmt, ""), found.all(LimitStmt))
    with collecting(sink):
        accuracy, largest_error = check_errors(found, objectives, network)
    with collecting(sink):
        reports = _reports(found.get(ReportStmt))
    if network is None or not bounds:
        return None
    check_together(found, search, levels)
    fitted = list(fit_all(bounds, partial(_fit, decl, block, scope, network), sink))
    if not any(layer.has_weights for layer in network.layers):
        text = f"network `{network.name}` has no layers with weights, so there are no widths to choose"
        fail("Q0804", text, decl.name.span, helps=["declare the weights of its operators with `weights`"])
    if len(fitted) < len(bounds):
        return None
    hardware = tuple(
        Configuration(tuple((n, size_text(q)) for n, q in b.values.items()), f.accelerator, f.constraints)
        for b, f in zip(bounds, fitted, strict=True)
        if b.values
    )
    if "area" in objectives:
        stmt = found.need(MinimizeStmt, "minimize energy, area")
        measure(fitted[0].accelerator, next(o for o in stmt.objectives if o.name == "area"))
    study = fitted[0]
    return Study(
        decl.name.name,
        study.network,
        study.accelerator,
        study.precision,
        study.constraints,
        objectives,
        search,
        reports,
        mapper,
        hardware,
        levels,
        accuracy,
        largest_error,
        decl.name.span,
    )


@dataclass(frozen=True)
class _Fitted:
    """What a study makes of an accelerator. network: with split layers replaced by their groups."""

    accelerator: Accelerator
    network: Network
    precision: PrecisionSpace
    constraints: tuple[Constraint, ...]


def _fit(
    decl: StudyDecl,
    block: PrecisionBlock | None,
    scope: StudyScope,
    network: Network,
    accelerator: Accelerator,
    sink: Sink,
) -> _Fitted | None:
    """Widths and constraints on one configuration; None if errors were found, here or in the `precision` block."""
    precision: PrecisionSpace | None = None
    mapped = network
    if block:
        with collecting(sink):
            accelerator = _with_partial_sums(block, accelerator)
            mapped = split_layers(block, network, accelerator, sink)
            precision = check_precision(block, mapped, accelerator, sink)
    with collecting(sink):
        check_widths_known(accelerator, network.layers)
    # a statement about a layer is about all groups that it is split into
    constraints = check_constrain(decl, scope, mapped, accelerator, sink)
    return _Fitted(accelerator, mapped, precision, constraints) if precision else None


def _network(stmt: MapStmt, scope: StudyScope) -> Network:
    """The network, or all of a set as one."""
    distinct("network", [m.name for m in stmt.networks])
    found = [(_weight(m), lookup("network", m.name, scope.networks, declared=scope.declared)) for m in stmt.networks]
    weight, first = found[0]
    return network_set(found) if len(found) > 1 or weight != 1 else first


def _weight(mapped: MappedNetwork) -> float:
    if mapped.weight is None:
        return 1.0
    q = number(mapped.weight, {}, "the weight of a network", f"2 * {mapped.name.name}")
    if q.value <= 0:
        fail("Q0305", "the weight of a network must be positive", mapped.weight.span, label=f"this is {q}")
    return float(q.value)


def _levels(stmt: LevelsStmt | None) -> tuple[str, ...]:
    """From the roughest to the finest. Raises SpecError for another order."""
    if stmt is None:
        return ("fine",)
    distinct("level", stmt.levels)
    for name in stmt.levels:
        if name.name not in LEVELS:
            unknown("level", name, LEVELS)
    names = [x.name for x in stmt.levels]
    if names != sorted(names, key=LEVELS.index):
        fail(
            "Q0821",
            "the levels go from the roughest to the finest",
            stmt.span,
            helps=[f"the order is {', '.join(LEVELS)}"],
        )
    return tuple(names)


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


def _objectives(stmt: MinimizeStmt) -> tuple[str, ...]:
    distinct("objective", stmt.objectives)
    for name in stmt.objectives:
        if name.name not in OBJECTIVES:
            unknown("objective", name, OBJECTIVES)
    return tuple(o.name for o in stmt.objectives)


def _reports(stmt: ReportStmt | None) -> tuple[str, ...]:
    if stmt is None:
        return REPORTS
    distinct("report format", stmt.formats)
    for name in stmt.formats:
        if name.name not in REPORTS:
            unknown("report format", name, REPORTS)
    return tuple(f.name for f in stmt.formats)
