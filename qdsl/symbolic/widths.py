"""What bit-widths mean to an accelerator: how values share words, what an operation costs, how many fit a cycle
(section "Words" of README.md)."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass

from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.operator import Problem
from qdsl.symbolic.functions import Count, ceil_div


@dataclass(frozen=True, slots=True)
class Packing:
    """How a level stores a tensor: `words` = ceil(values * bits / per).

    Values that never straddle words: bits 1, per = values in a word, 0 if one does not fit. Dense: bits of a value, per =
    bits of a word. stored: bits of a value either way.
    """

    bits: Count
    per: Count
    stored: Count

    def words(self, values: Count) -> Count:
        return ceil_div(values * self.bits, self.per)


@dataclass(frozen=True)
class Widths:
    """packing: of every kept (level, tensor); operation_pj: energy of an operation; cycles: of one operation on one
    compute unit, as a fraction."""

    packing: MappingABC[tuple[str, str], Packing]
    operation_pj: Count
    cycles: tuple[Count, Count]


def widths_of(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> Widths:
    """The widths of one layer. bits: of every tensor. Raises SpecError where a formula of the accelerator is undefined."""
    cycles = accelerator.compute.cycles_per_operation(problem, bits)
    operation_pj = accelerator.compute.operation_pj(problem, bits)
    return Widths(packing_of(accelerator, problem, bits), operation_pj, (cycles.numerator, cycles.denominator))


def packing_of(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]
) -> dict[tuple[str, str], Packing]:
    """Of every kept (level, tensor)."""
    return {
        (level.name, t.name): packing_at(level, t.name, problem, bits)
        for level in accelerator.levels
        for t in problem.operator.tensors
        if level.keeps(t.name)
    }


def packing_at(level: StorageLevel, tensor: str, problem: Problem, bits: MappingABC[str, int]) -> Packing:
    """Of one tensor at one level."""
    stored = level.stored_bits(tensor, problem, bits)
    return Packing(stored, level.word_bits, stored) if level.dense else Packing(1, level.word_bits // stored, stored)


def cost_key(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> tuple[float, ...]:
    """Assignments of bit-widths with equal keys have the same legal mappings at the same cost, under constraints that do
    not mention bit-widths. () for those that have no legal mapping since a tensor does not fit its words."""
    if not fits_words(accelerator, problem, bits):
        return ()
    widths = widths_of(accelerator.resolved(frozenset()), problem, bits)
    hops = any(f.hop_pj_per_bit for f in accelerator.fanouts)
    numbers = [n for p in widths.packing.values() for n in (p.bits, p.per, *((p.stored,) if hops else ()))]
    return (*numbers, widths.operation_pj, *widths.cycles)


def fits_words(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> bool:
    """Whether every tensor fits a word of every level that keeps it (or may straddle words there)."""
    return not too_wide(accelerator, problem, bits)


def too_wide(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]
) -> list[tuple[StorageLevel, str, int]]:
    """Levels with tensors that do not fit their words, and the width at which they would be stored."""
    found = []
    for level in accelerator.levels:
        for t in problem.operator.tensors:
            if (
                level.keeps(t.name)
                and not level.dense
                and (n := level.stored_bits(t.name, problem, bits)) > level.word_bits
            ):
                found.append((level, t.name, n))
    return found
