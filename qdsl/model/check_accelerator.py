"""Accelerators: parameters bound, units converted, and the hierarchy checked from the backing store to the compute units."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from qdsl.diagnostics import Label, Sink
from qdsl.model.accelerator import Accelerator, ComputeUnit, FanOut, StorageLevel
from qdsl.model.check_compute import check_compute
from qdsl.model.check_levels import Scope, Technologies, check_array, check_word
from qdsl.model.check_memory import check_memory
from qdsl.model.check_parameters import PARTS_LIMIT, bind_parameters, warn_unused
from qdsl.model.expressions import Names, Value, number
from qdsl.model.findings import at_most, collecting, distinct, fail, hand_on, quoted
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
    BandwidthStmt,
    ClockStmt,
    ComputeDecl,
    FlagStmt,
    LayerCost,
    MemoryDecl,
    WordStmt,
)


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
        _limit_parts(decl)
        names = bind_parameters(decl, arguments, chosen=chosen)
    if parameters.failed:  # what the levels say with them cannot be judged
        hand_on(found, sink)
        return None
    with collecting(found) as settings:
        word, clock = _settings(decl, names)
    if settings.failed:
        word, clock = 1, 1.0  # so that the levels are checked all the same
    warn_unused(decl.items, found)
    for item in decl.items:
        warn_unused(item.statements if isinstance(item, ComputeDecl) else (), found)
    computes = [i for i in decl.items if isinstance(i, ComputeDecl)]
    layers = any(isinstance(s, LayerCost) for c in computes for s in c.statements)
    scope = Scope(names, technologies, word, clock, layers)
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
        _check_layer_costs(decl, compute)
    # a level skipped because its technology has errors leaves no finding here, but no machine either
    levels = sum(isinstance(i, MemoryDecl | ArrayDecl) for i in decl.items)
    if not hand_on(found, sink) or compute is None or len(hierarchy) < levels:
        return None
    values = tuple((n, float(v.value)) for n, v in names.items() if isinstance(v, Quantity))
    flags = [i for i in decl.items if isinstance(i, FlagStmt)]
    return Accelerator(decl.name.name, tuple(hierarchy), compute, clock, bool(flags), values, decl.name.span)


def _limit_parts(decl: AcceleratorDecl) -> None:
    levels = [i for i in decl.items if isinstance(i, MemoryDecl | ArrayDecl)]
    at_most(PARTS_LIMIT, levels, "an accelerator", "memories and arrays")


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


def _check_layer_costs(decl: AcceleratorDecl, compute: ComputeUnit | None) -> None:
    """Raises SpecError for parts whose use a mapping would decide, where layers have a cost of their own."""
    if compute is None or not compute.layers:
        return
    memories = [i for i in decl.items if isinstance(i, MemoryDecl)]
    extra = next((i for i in decl.items if isinstance(i, ArrayDecl)), memories[1] if memories[1:] else None)
    labels = [Label(compute.span, "the cost of a layer is stated here")] if compute.span else []
    if extra is not None:
        text = f"`{extra.name.name}` has no part in the cost of a layer"
        helps = ["such an accelerator is one memory, which holds a layer whole, and the compute unit"]
        fail("Q0503", text, extra.name.span, labels=labels, helps=helps)
    if limit := next((s for s in memories[0].statements if isinstance(s, BandwidthStmt)), None):
        fail("Q0503", "a bandwidth has no part in the cost of a layer", limit.span, labels=labels)


def check_widths_known(accelerator: Accelerator, layers: Iterable[Layer]) -> None:
    """Raises SpecError if a formula reads the width of a tensor that the operator of a layer does not have."""
    first: dict[int, Layer] = {}
    for layer in layers:  # equal operators are one object
        first.setdefault(id(layer.problem.operator), layer)
    for layer in first.values():
        operator = layer.problem.operator
        names = {t.name for t in operator.tensors} | {"output"}
        rules = [f for level in accelerator.levels for name, f in level.stored if name in names]
        _check_cost(accelerator.compute, layer)
        for formula in (*accelerator.compute.formulas(operator), *rules):
            if missing := formula.missing(operator):
                text = f"`{operator.name}` has no tensor `{missing[0]}`, whose width this formula reads"
                labels = [Label(layer.span, f"`{layer.name}` is a `{operator.name}`")] if layer.span else []
                helps = ["`bits(weights)`, `bits(activations)` and `bits(output)` are there for every operator"]
                fail("Q0507", text, formula.span, label=f"`{missing[0]}` is missing", labels=labels, helps=helps)


def _check_cost(compute: ComputeUnit, layer: Layer) -> None:
    """Raises SpecError if layers have costs of their own, and this one has none."""
    operator = layer.problem.operator
    labels = [Label(layer.span, f"`{layer.name}` is a `{operator.name}`")] if layer.span else []
    if compute.layers and compute.cost(operator) is None:
        helps = [f"for example `cycles for {operator.name} = 0` and `energy for {operator.name} = 0 pJ`, if it is free"]
        text = f"`{compute.name}` has no cost for a `{operator.name}`"
        fail(
            "Q0514",
            text,
            compute.span,
            label=f"has {quoted(c.operator for c in compute.layers)}",
            labels=labels,
            helps=helps,
        )
    for formula in compute.formulas(operator):
        if missing := formula.missing_dims(operator):
            text = f"`{operator.name}` has no dimension `{missing[0]}`, which this formula reads"
            helps = [f"it has {quoted(operator.dims)}"]
            fail("Q0201", text, formula.span, label=f"`{missing[0]}` is missing", labels=labels, helps=helps)
