"""Whether a mapping fits the hardware: widths, fan-outs, capacities. Every violation names the level and the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingABC

from qdsl.diagnostics import Diagnostic, Label, Span
from qdsl.model.accelerator import Accelerator, StorageLevel
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import partial
from qdsl.symbolic.limits import memory_uses, mesh_uses
from qdsl.symbolic.nest import Nest, nest_of
from qdsl.symbolic.widths import Packing, packing_of, too_wide


def legality(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mapping: Mapping, span: Span | None
) -> list[Diagnostic]:
    """Why a mapping is not legal, nothing if it is. span: where the mapping is written, if it is."""
    accelerator = accelerator.resolved(mapping.bypass)
    nest = nest_of(accelerator, problem, mapping)
    found = [
        *_width_violations(accelerator, problem, bits, span),
        *_fanout_violations(nest, mapping, span),
        *_uncounted(nest, span),
    ]
    return found or [*_capacity_violations(nest, packing_of(accelerator, problem, bits), mapping, span)]


def _width_violations(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], span: Span | None
) -> Iterator[Diagnostic]:
    for level, tensor, stored in too_wide(accelerator, problem, bits):
        rule = level.width_rule(tensor, problem.operator)
        labels = [Label(level.span, f"words of {level.word_bits} bits")] if level.span else []
        labels += [Label(rule.span, f"makes `{tensor}` {stored} bits")] if rule and rule.span else []
        read = sorted(level.widths_read(tensor, problem.operator))
        yield Diagnostic(
            "Q0604",
            f"`{tensor}` at {stored} bits does not fit a {level.word_bits}-bit word of `{level.name}`",
            span,
            labels=tuple(labels),
            helps=(f"use at most {level.word_bits} bits for `{tensor}`" if rule is None else _rule_help(level, read),),
        )


def _rule_help(level: StorageLevel, read: Sequence[str]) -> str:
    """read: the tensors from whose widths a rule makes that of another one."""
    others = f", or other widths of {' and '.join(f'`{t}`' for t in read)}" if read else ""
    return f"use a rule that gives at most {level.word_bits} bits{others}"


def _fanout_violations(nest: Nest, mapping: Mapping, span: Span | None) -> Iterator[Diagnostic]:
    for use in mesh_uses(nest):
        if use.needed > use.available:
            loops = mapping.loops(use.place)
            where = (use.fanout.x_span if use.axis == "x" else use.fanout.y_span) or use.fanout.span
            shared = " with the arrays outside it" if use.fanout.pooled and use.needed > use.factors else ""
            yield Diagnostic(
                "Q0606",
                f"`{use.place}`{shared} has {use.available} instances, the mapping needs {use.needed}",
                next((loop.span for loop in loops if loop.span), span),
                label=" x ".join(f"{loop.dim} {loop.factor}" for loop in loops) + f" = {use.factors}",
                labels=(Label(where, f"{use.fanout.mesh(use.axis)} along {use.axis}"),) if where else (),
                helps=(f"spatial factors whose product is at most {use.available}",),
            )


def _uncounted(nest: Nest, span: Span | None) -> Iterator[Diagnostic]:
    for reason in partial.obstacles(nest) if nest.partial else ():
        yield Diagnostic(
            "Q0610",
            f"partial iterations cannot be counted: {reason}",
            span,
            helps=("use `imperfect padded`, or factors that make the size",),
        )


def _capacity_violations(
    nest: Nest, packing: MappingABC[tuple[str, str], Packing], mapping: Mapping, span: Span | None
) -> Iterator[Diagnostic]:
    for use in memory_uses(nest, packing):
        if use.needed > use.available:
            level, tensors = use.level, use.partition.tensors
            where = use.partition.span or level.span
            whose = f" for {', '.join(sorted(tensors))}" if tensors else ""
            yield Diagnostic(
                "Q0607",
                f"the tiles at `{level.name}` need {use.needed} words{whose}, its capacity is {use.available}",
                next((loop.span for loop in mapping.loops(level.name) if loop.span), span),
                labels=(Label(where, f"holds {use.available} words of {level.word_bits} bits"),) if where else (),
                notes=tuple(_note(level, *row) for row in use.rows),
                helps=(
                    f"smaller factors at `{level.name}` and inside it, fewer bits, or `size {use.needed} word{whose}`",
                ),
            )


def _note(level: StorageLevel, tensor: str, values: int, packing: Packing, words: int) -> str:
    packed = "packed densely" if level.dense else f"{packing.per} per {level.word_bits}-bit word"
    twice = ", twice" if level.copies(tensor) > 1 else ""
    return f"{tensor}: {values} values of {packing.stored} bits, {packed}{twice}: {words} words"
