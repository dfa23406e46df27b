"""Why a mapping costs what it costs: for every level and tensor the symbolic counts, their values, and the reasons."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from typing import Any

from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem, Tensor
from qdsl.symbolic.cost import Lowered, LoweredNest, lower
from qdsl.symbolic.evaluate import evaluate, packing
from qdsl.symbolic.nest import Nest, extents, fanout_tiles, nest_of, sliding_axis, spatial_factors, symbolic_nest
from qdsl.symbolic.result import Evaluation, TensorCounts

_KINDS = ("words", "reads", "fills", "updates")


@dataclass(frozen=True, slots=True)
class CountRow:
    """One count of one tensor at one level. formula: text; latex: the same for a report; value: in words."""

    kind: str
    formula: str
    latex: str
    value: int


@dataclass(frozen=True, slots=True)
class TensorExplanation:
    level: str
    tensor: str
    rows: tuple[CountRow, ...]
    reasons: tuple[str, ...]
    energy_pj: float
    energy_formula: str


def symbolic_counts(accelerator: Accelerator, problem: Problem, mapping: Mapping) -> LoweredNest:
    """Sympy expressions of every count for the loop orders of a mapping; `v_<level>_<tensor>` is values per word."""
    from qdsl.symbolic.symbols import count_symbol

    orders = {place: [loop.dim for loop in loops] for place, loops in mapping.places}
    per_word = {
        (level.name, t.name): count_symbol(f"v_{level.name}_{t.name}")
        for level in accelerator.levels
        for t in problem.operator.tensors
        if level.keeps(t.name)
    }
    return lower(symbolic_nest(accelerator, problem.operator, orders), per_word)


def explanations(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mapping: Mapping
) -> tuple[TensorExplanation, ...]:
    """Rows for every kept tensor of every level, outermost level first."""
    symbolic = symbolic_counts(accelerator, problem, mapping)
    numbers = evaluate(accelerator, problem, bits, mapping)
    nest = nest_of(accelerator, problem, mapping)
    out = []
    for level in accelerator.levels:
        item = accelerator.hierarchy.index(level)
        for name, counts in numbers.level(level.name).tensors:
            expressions = symbolic.counts[level.name][name]
            rows = tuple(_row(kind, expressions, counts) for kind in _KINDS)
            reasons = tuple(_reasons(nest, problem.operator.tensor(name), item))
            energy = level.energy
            formula = (
                f"{counts.instances} x (ceil({counts.reads} / {level.block_words}) x {energy.read_pj:g}"
                f" + ceil({counts.fills} / {level.block_words}) x {energy.write_pj:g}"
                f" + ceil({counts.updates} / {level.block_words}) x {energy.update_pj:g}) pJ"
            )
            out.append(TensorExplanation(level.name, name, rows, reasons, counts.energy_pj, formula))
    return tuple(out)


def explain(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mapping: Mapping) -> str:
    """A text for people. Symbols: `K_glb` is the factor of K at glb; `v_glb_I` the values of I in one word of glb."""
    numbers = evaluate(accelerator, problem, bits, mapping)
    lines = [
        "symbols: K_glb is the factor of K at `glb`; v_glb_I the values of `I` in one word of `glb`",
        "         f^[g > 1] is f if g > 1 and 1 otherwise; counts are words per instance over the whole run",
        "",
    ]
    per_word = packing(accelerator, problem.operator, bits)
    for x in explanations(accelerator, problem, bits, mapping):
        v = per_word[x.level, x.tensor]
        lines.append(f"{x.level}: {x.tensor}, {bits[x.tensor]} bits, {v} per word")
        lines += [f"  {row.kind:<8}= {row.formula} = {row.value}" for row in x.rows if row.formula != "0"]
        lines += [f"  {reason}" for reason in x.reasons]
        lines += [f"  energy  = {x.energy_formula} = {x.energy_pj:.6g} pJ", ""]
    return "\n".join([*lines, *_totals(accelerator, numbers)]) + "\n"


def _totals(accelerator: Accelerator, numbers: Evaluation) -> list[str]:
    compute = accelerator.compute
    return [
        f"{compute.name}: {numbers.operations} operations x {compute.energy_pj:g} pJ = {numbers.compute_energy_pj:.6g} pJ",
        f"total   = {numbers.energy_pj:.6g} pJ in {numbers.cycles} cycles, {numbers.utilization:.1%} of the compute units used",
    ]


def _row(kind: str, expressions: Lowered, counts: TensorCounts) -> CountRow:
    import sympy

    expression: Any = sympy.sympify(getattr(expressions, kind))
    return CountRow(kind, str(expression), sympy.latex(expression), getattr(counts, kind))


def _reasons(nest: Nest, tensor: Tensor, item: int) -> list[str]:
    """Which loops outside leave the tile alone, which loop slides it, which fan-outs share it."""
    out = []
    outside = [loop for loop in reversed(nest.loops) if not loop.spatial and loop.item < item and loop.factor > 1]
    idle = []
    for loop in outside:
        if loop.dim in tensor.dims:
            break
        idle.append(f"{loop.dim} {loop.factor} at {loop.place}")
    if idle:
        out.append(f"stationary: the tile stays during {', '.join(idle)}")
    if outside and not tensor.is_output and sliding_axis(tensor, outside[0].dim) is not None:
        out.append(
            f"sliding: {outside[0].dim} at {outside[0].place} is innermost, only new values are fetched if windows overlap"
        )
    for f in range(item + 1, nest.compute_item):
        fanout = nest.accelerator.hierarchy[f]
        if not isinstance(fanout, FanOut):
            if fanout.keeps(tensor.name):
                break
            continue
        factors = spatial_factors(nest, f)
        used = 1
        for n in factors.values():
            used *= n
        served = fanout_tiles(fanout, tensor, extents(nest, f + 1), factors)
        if used > served:
            verb = "reduces" if tensor.is_output else "multicasts"
            out.append(f"{verb}: {used} instances of `{fanout.name}` hold {served} different tiles")
    return out
