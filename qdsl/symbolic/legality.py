"""Whether a mapping fits the hardware: widths, fan-outs, capacities. Every violation names the level and the numbers."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from math import prod

from qdsl.diagnostics import Diagnostic, Label, Span
from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic.functions import ceil_div
from qdsl.symbolic.nest import extents, nest_of, tile_values
from qdsl.symbolic.traffic import values_per_word


def legality(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mapping: Mapping, span: Span | None
) -> list[Diagnostic]:
    """Why a mapping is not legal, nothing if it is. span: where the mapping is written, if it is."""
    found = [*_width_violations(accelerator, problem, bits, span), *_fanout_violations(accelerator, mapping, span)]
    if not found:
        found.extend(_capacity_violations(accelerator, problem, bits, mapping, span))
    return found


def _width_violations(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], span: Span | None
) -> Iterator[Diagnostic]:
    for level in accelerator.levels:
        for tensor in problem.operator.tensors:
            if level.keeps(tensor.name) and bits[tensor.name] > level.word_bits:
                yield Diagnostic(
                    "Q0604",
                    f"`{tensor.name}` at {bits[tensor.name]} bits does not fit a {level.word_bits}-bit word of `{level.name}`",
                    span,
                    labels=(Label(level.span, f"words of {level.word_bits} bits"),) if level.span else (),
                    helps=(f"use at most {level.word_bits} bits for `{tensor.name}`",),
                )


def _fanout_violations(accelerator: Accelerator, mapping: Mapping, span: Span | None) -> Iterator[Diagnostic]:
    for axis in "xy":
        used = mesh = 1
        for fanout in accelerator.fanouts:
            place = f"{fanout.name}.{axis}"
            loops = mapping.loops(place)
            factors = prod(loop.factor for loop in loops)
            used, mesh = (used * factors, mesh * fanout.mesh(axis)) if fanout.pooled else (factors, fanout.mesh(axis))
            if used > mesh:
                where = (fanout.x_span if axis == "x" else fanout.y_span) or fanout.span
                shared = " with the arrays outside it" if fanout.pooled and used > factors else ""
                yield Diagnostic(
                    "Q0606",
                    f"`{place}`{shared} has {mesh} instances, the mapping needs {used}",
                    next((loop.span for loop in loops if loop.span), span),
                    label=" x ".join(f"{loop.dim} {loop.factor}" for loop in loops) + f" = {factors}",
                    labels=(Label(where, f"{fanout.mesh(axis)} along {axis}"),) if where else (),
                    helps=(f"spatial factors whose product is at most {mesh}",),
                )


def _capacity_violations(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mapping: Mapping, span: Span | None
) -> Iterator[Diagnostic]:
    nest = nest_of(accelerator, problem, mapping)
    for item, level in enumerate(accelerator.hierarchy):
        if not isinstance(level, StorageLevel) or level.size_words is None:
            continue
        tile = extents(nest, item)
        words: dict[str, int] = {}
        notes = []
        for tensor in problem.operator.tensors:
            if level.keeps(tensor.name):
                values = tile_values(tensor, tile)
                per_word = values_per_word(level, bits[tensor.name])
                words[tensor.name] = ceil_div(values, per_word)
                notes.append(
                    f"{tensor.name}: {values} values of {bits[tensor.name]} bits, {per_word} per {level.word_bits}-bit word: "
                    f"{words[tensor.name]} words"
                )
        total = sum(words.values())
        if total > level.size_words:
            where = level.size_span or level.span
            yield Diagnostic(
                "Q0607",
                f"the tiles at `{level.name}` need {total} words, its capacity is {level.size_words}",
                next((loop.span for loop in mapping.loops(level.name) if loop.span), span),
                labels=(Label(where, f"holds {level.size_words} words of {level.word_bits} bits"),) if where else (),
                notes=tuple(notes),
                helps=(f"smaller factors at `{level.name}` and inside it, fewer bits, or `size {total} word`",),
            )
