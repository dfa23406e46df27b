"""Why a mapping costs what it costs: for every level and tensor the tile, the counts as formulas and as numbers, the
reasons, and the energy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem, Tensor
from qdsl.symbolic.cost import lower
from qdsl.symbolic.evaluate import evaluate
from qdsl.symbolic.functions import ceil_div
from qdsl.symbolic.nest import Nest, axis_extent, extents, nest_of, tile_values
from qdsl.symbolic.notation import Factors
from qdsl.symbolic.result import Evaluation, TensorCounts
from qdsl.symbolic.reuse import Reason, forwards, reasons
from qdsl.symbolic.roofline import Roofline, roofline
from qdsl.symbolic.widths import Packing, widths_of

KINDS = ("words", "reads", "fills", "updates")


@dataclass(frozen=True, slots=True)
class Count:
    """One of KINDS in words of one instance over the run. formula: an expression that `notation.write` writes; None where it
    is a mere number, and where iterations are partial, so that counts are sums over tiles of different sizes."""

    kind: str
    value: int
    formula: Any


@dataclass(frozen=True, slots=True)
class Access:
    """Accesses of one kind ('reads', 'forwards', 'fills', 'updates') by one instance, of some words each. pj: of one."""

    kind: str
    words: int
    accesses: int
    pj: float


@dataclass(frozen=True, slots=True)
class TensorPart:
    """A tensor at a level. packing: `8 bits, 2 per 16-bit word`; tile: extents of its dimensions that are not 1; shape: of
    the tile by axis; counts: of KINDS, those that are not always 0; accesses: without those that never happen; energy_pj:
    of all instances."""

    name: str
    packing: str
    tile: tuple[tuple[str, int], ...]
    shape: tuple[int, ...]
    values: int
    counts: tuple[Count, ...]
    reasons: tuple[Reason, ...]
    accesses: tuple[Access, ...]
    instances: int
    energy_pj: float


@dataclass(frozen=True, slots=True)
class LevelPart:
    """block_words: words of one access."""

    name: str
    block_words: int
    tensors: tuple[TensorPart, ...]

    @property
    def energy_pj(self) -> float:
        return sum(t.energy_pj for t in self.tensors)


@dataclass(frozen=True)
class Explanation:
    """levels: outermost first; networks: of arrays whose hops cost energy, (array, pJ per bit and hop, ((tensor, pJ), ...));
    compute: name, pJ per operation; leakage_pj_per_cycle: of the whole machine; factors: what symbols of the formulas stand
    for; partial: whether the last iterations of loops may be, so that there are no formulas."""

    levels: tuple[LevelPart, ...]
    networks: tuple[tuple[str, float, tuple[tuple[str, float], ...]], ...]
    compute: tuple[str, float]
    leakage_pj_per_cycle: float
    evaluation: Evaluation
    roofline: Roofline
    factors: Factors
    partial: bool

    def share(self, energy_pj: float) -> float:
        """Of the whole energy, 0..1."""
        return energy_pj / self.evaluation.energy_pj if self.evaluation.energy_pj else 0.0


def explanation(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mapping: Mapping
) -> Explanation:
    """Of a legal mapping at the given bit-widths."""
    machine = accelerator.resolved(mapping.bypass)
    numbers = evaluate(accelerator, problem, bits, mapping)
    nest, widths = nest_of(machine, problem, mapping), widths_of(machine, problem, bits)
    symbolic, factors = _symbolic(nest)
    formulas = None if nest.partial else lower(symbolic, widths).counts
    levels = []
    for item, level in enumerate(machine.hierarchy):
        if not isinstance(level, StorageLevel):
            continue
        tensors = []
        for name, counts in numbers.level(level.name).tensors:
            tensor = problem.operator.tensor(name)
            lowered = formulas[level.name][name] if formulas else None
            tensors.append(_tensor_part(nest, item, level, tensor, widths.packing[level.name, name], counts, lowered))
        levels.append(LevelPart(level.name, level.block_words, tuple(tensors)))
    return Explanation(
        tuple(levels),
        tuple((name, machine.fanout(name).hop_pj_per_bit, tensors) for name, tensors in numbers.networks),
        (machine.compute.name, float(widths.operation_pj)),
        machine.leakage_pj,
        numbers,
        roofline(accelerator, problem, bits, numbers),
        factors,
        nest.partial,
    )


def _tensor_part(
    nest: Nest, item: int, level: StorageLevel, tensor: Tensor, packing: Packing, counts: TensorCounts, formulas: Any
) -> TensorPart:
    """formulas: an object with an expression per kind; None where there are none."""
    tile = {d: min(e, nest.sizes[d]) for d, e in extents(nest, item).items()}
    passed = packing.words(forwards(nest, tensor, item)) if formulas else 0
    moves = (
        ("reads", counts.reads - passed, level.energy.read_pj),
        ("forwards", passed, level.energy.read_pj),
        ("fills", counts.fills, level.energy.write_pj),
        ("updates", counts.updates, level.energy.update_pj),
    )
    return TensorPart(
        tensor.name,
        _packed(level, packing, tensor.name),
        tuple((d, tile[d]) for d in tensor.dims if tile[d] > 1),
        tuple(axis_extent(axis, tile) for axis in tensor.axes),
        tile_values(tensor, tile),
        tuple(_counts(counts, formulas)),
        reasons(nest, tensor, item, counts.reads) if formulas else (),
        tuple(Access(k, words, ceil_div(words, level.block_words), pj) for k, words, pj in moves if words),
        counts.instances,
        counts.energy_pj,
    )


def _counts(counts: TensorCounts, formulas: Any) -> Iterator[Count]:
    from qdsl.symbolic.simplify import simplified

    for kind in KINDS:
        value = getattr(counts, kind)
        formula = simplified(getattr(formulas, kind)) if formulas else None
        if value or (formula is not None and formula != 0):
            yield Count(kind, value, formula if formula is not None and formula.free_symbols else None)


def _packed(level: StorageLevel, packing: Packing, tensor: str) -> str:
    how = "densely in" if level.dense else f"{packing.per} per"
    words = "words" if level.dense else "word"
    twice = ", twice" if level.copies(tensor) > 1 else ""
    return f"{packing.stored} bits, {how} {level.word_bits}-bit {words}{twice}"


def _symbolic(nest: Nest) -> tuple[Nest, Factors]:
    """The nest with a symbol of its own for every factor, and what each stands for."""
    from qdsl.symbolic.symbols import count_symbol

    met: Counter[tuple[str, str]] = Counter()
    loops, factors = [], {}
    for i, loop in enumerate(nest.loops):
        met[loop.dim, loop.place] += 1
        factors[f"f{i}"] = loop.dim, loop.place, met[loop.dim, loop.place]
        loops.append(replace(loop, factor=count_symbol(f"f{i}")))
    sizes = {d: prod(loop.factor for loop in loops if loop.dim == d) for d in nest.operator.dims}
    return replace(nest, sizes=sizes, loops=tuple(loops)), factors
