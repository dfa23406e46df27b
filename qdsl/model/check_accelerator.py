"""Accelerators: parameters bound, units converted, and the hierarchy checked from the backing store to the compute units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from qdsl.diagnostics import Label, Sink
from qdsl.model.accelerator import Accelerator, ComputeUnit, FanOut, StorageLevel
from qdsl.model.check_levels import Scope, Technologies, check_array, check_compute, check_word
from qdsl.model.check_memory import check_memory
from qdsl.model.expressions import Names, Value, as_quantity, contains, evaluate, names_in, number, split_arguments
from qdsl.model.findings import at_most, collecting, distinct, fail, hand_on, unknown, warn
from qdsl.model.network import Layer
from qdsl.model.statements import Statements
from qdsl.model.units import (
    FREQUENCY,
    Quantity,
)
from qdsl.syntax.tree import (
    AcceleratorDecl,
    Argument,
    ArrayDecl,
    ClockStmt,
    ComputeDecl,
    FlagStmt,
    MemoryDecl,
    ParamDecl,
    WordStmt,
)

PARTS_LIMIT = 64


def bind_accelerator(
    decl: AcceleratorDecl,
    technologies: Technologies,
    sink: Sink,
    arguments: Sequence[Argument] = (),
    chosen: Mapping[str, Quantity] = MappingProxyType({}),
) -> Accelerator | None:
    """The accelerator with its parameters at their defaults, at the arguments, or at what was chosen among their values;
    None if errors were found."""
    found = Sink()
    names: dict[str, Value] = {}
    word = clock = None
    with collecting(found) as parameters:
        names = _parameters(decl, arguments, chosen)
    if parameters.failed:  # what the levels say with them cannot be judged
        hand_on(found, sink)
        return None
    with collecting(found) as settings:
        word, clock = _settings(decl, names)
    if settings.failed:
        word, clock = 1, 1.0  # so that the levels are checked all the same
    _warn_unused(decl, found)
    scope = Scope(names, technologies, word, clock)
    hierarchy: list[StorageLevel | FanOut] = []
    compute: ComputeUnit | None = None
    outermost = True
    for item in decl.items:
        with collecting(found):
            if isinstance(item, MemoryDecl):
                first, outermost = outermost, False
                hierarchy.append(check_memory(item, first, scope))
            elif isinstance(item, ArrayDecl):
                hierarchy.append(check_array(item, scope))
            elif isinstance(item, ComputeDecl):
                compute = check_compute(item, scope)
    with collecting(found):
        _check_structure(decl)
    # a level skipped because its technology has errors leaves no finding here, but no machine either
    levels = sum(isinstance(i, MemoryDecl | ArrayDecl) for i in decl.items)
    if not hand_on(found, sink) or compute is None or len(hierarchy) < levels:
        return None
    values = tuple((n, float(v.value)) for n, v in names.items() if isinstance(v, Quantity))
    flags = [i for i in decl.items if isinstance(i, FlagStmt)]
    return Accelerator(decl.name.name, tuple(hierarchy), compute, clock, bool(flags), values, decl.name.span)


def _parameters(
    decl: AcceleratorDecl, arguments: Sequence[Argument], chosen: Mapping[str, Quantity]
) -> dict[str, Value]:
    params = [i for i in decl.items if isinstance(i, ParamDecl)]
    at_most(PARTS_LIMIT, params, "an accelerator", "parameters")
    levels = [i for i in decl.items if isinstance(i, MemoryDecl | ArrayDecl)]
    at_most(PARTS_LIMIT, levels, "an accelerator", "memories and arrays")
    distinct("parameter", (p.name for p in params))
    positional, given = split_arguments(arguments)
    if positional:
        fail("Q0204", "arguments of an accelerator are named", positional[0].span, helps=["for example `rows = 14`"])
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
            q = number(expr, {}, f"the parameter `{p.name.name}`", example, default.dimension)
            if p.domain is not None and not contains(p.domain, q):
                labels = [Label(p.domain.span, "the values it may have")]
                text = f"`{p.name.name}` of `{decl.name.name}` cannot be {q}"
                fail("Q0504", text, expr.span, label="not one of its values", labels=labels)
            names[p.name.name] = q
    return names


def _warn_unused(decl: AcceleratorDecl, sink: Sink) -> None:
    uses = [(item, set(names_in(item))) for item in decl.items]
    for p in decl.items:
        if isinstance(p, ParamDecl) and not any(p.name.name in used for i, used in uses if i is not p):
            warn(sink, "Q0404", f"parameter `{p.name.name}` is not used", p.name.span, helps=["remove it"])


def _settings(decl: AcceleratorDecl, names: Names) -> tuple[int | None, float | None]:
    """Default word in bits, and clock in Hz."""
    items = [i for i in decl.items if isinstance(i, WordStmt | ClockStmt | FlagStmt)]
    found = Statements(items, f"accelerator `{decl.name.name}`", decl.name, WordStmt, ClockStmt, FlagStmt)
    word, clock = found.get(WordStmt), found.get(ClockStmt)
    bits = check_word(word, names) if word else None
    if clock is None:
        return bits, None
    q = number(clock.value, names, "`clock`", "clock 200 MHz", FREQUENCY)
    if q.value <= 0:
        fail("Q0305", "`clock` must be positive", clock.value.span, label=f"this is {q}")
    return bits, float(q.value)


def _check_structure(decl: AcceleratorDecl) -> None:
    """Raises SpecError unless a memory comes first, exactly one compute unit last, and no name is used twice."""
    items = [i for i in decl.items if isinstance(i, MemoryDecl | ArrayDecl | ComputeDecl)]
    distinct("level", (i.name for i in items))
    if not items or not isinstance(items[0], MemoryDecl):
        at = items[0].name if items else decl.name
        helps = ["begin with the backing store, for example `memory dram { energy read 512 pJ, write 512 pJ }`"]
        fail("Q0501", f"accelerator `{decl.name.name}` must begin with a memory", at.span, helps=helps)
    computes = [i for i in items if isinstance(i, ComputeDecl)]
    if not computes:
        helps = ["end with, for example, `compute mac { energy 2.2 pJ }`"]
        fail("Q0501", f"accelerator `{decl.name.name}` has no compute unit", decl.name.span, helps=helps)
    if len(computes) > 1:
        labels = [Label(computes[0].name.span, "first one")]
        fail("Q0501", "an accelerator has one compute unit", computes[1].name.span, label="second one", labels=labels)
    if items[-1] is not computes[0]:
        after = items[items.index(computes[0]) + 1]
        text = f"`{after.name.name}` stands after the compute unit"
        labels = [Label(computes[0].name.span, "the compute unit")]
        fail("Q0501", text, after.name.span, labels=labels, helps=["levels go from the outermost to the compute unit"])


def check_widths_known(accelerator: Accelerator, layers: Iterable[Layer]) -> None:
    """Raises SpecError if a formula reads the width of a tensor that the operator of a layer does not have."""
    for layer in layers:
        operator = layer.problem.operator
        names = {t.name for t in operator.tensors} | {"output"}
        rules = [f for level in accelerator.levels for name, f in level.stored if name in names]
        for formula in (*accelerator.compute.formulas, *rules):
            if missing := formula.missing(operator):
                text = f"`{operator.name}` has no tensor `{missing[0]}`, whose width this formula reads"
                labels = [Label(layer.span, f"`{layer.name}` is a `{operator.name}`")] if layer.span else []
                helps = ["`bits(weights)`, `bits(activations)` and `bits(output)` are there for every operator"]
                fail("Q0507", text, formula.span, label=f"`{missing[0]}` is missing", labels=labels, helps=helps)
