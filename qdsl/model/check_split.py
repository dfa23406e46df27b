"""Layers split into groups of output channels whose weights differ in width: each group is mapped as a layer of its own.

The channels are the first dimension of the weights that the output has, too: of a depthwise layer those of its input.
"""

from __future__ import annotations

from dataclasses import replace

from qdsl.diagnostics import Label, Sink, Span
from qdsl.model.accelerator import Accelerator
from qdsl.model.check_mapping import BITS_LIMIT, find_layers
from qdsl.model.check_precision import check_fit
from qdsl.model.expressions import number, split_arguments
from qdsl.model.findings import collecting, fail
from qdsl.model.network import Group, Layer, Network
from qdsl.model.operator import Problem
from qdsl.model.units import BITS, COUNT, SIZE_LIMIT, Dimension, whole
from qdsl.syntax.tree import ChannelGroup, Expr, PrecisionBlock, SplitLayer, WidthRule


def split_layers(block: PrecisionBlock, network: Network, accelerator: Accelerator, sink: Sink) -> Network:
    """The network with every split layer replaced by its groups: `conv` by `conv.1`, `conv.2`, ... in its place."""
    stmts: dict[str, SplitLayer] = {}
    groups: dict[str, tuple[Layer, ...]] = {}
    for stmt in block.statements:
        with collecting(sink):
            if isinstance(stmt, SplitLayer):
                (layer,) = find_layers(network, stmt.layer, stmt.layer.parts)
                first = stmts.setdefault(layer.name, stmt)
                if first is not stmt:
                    labels = [Label(first.span, "first split here")]
                    fail("Q0805", f"layer `{layer.name}` is split twice", stmt.span, labels=labels)
                groups[layer.name] = _groups(stmt, layer, network, accelerator)
    for rule in block.statements:
        if isinstance(rule, WidthRule) and (rule.role, rule.granularity.name) == ("weights", "channel"):
            with collecting(sink):
                most = _most_groups(rule)
                for layer in network.layers:
                    if layer.has_weights and layer.name not in groups:
                        groups[layer.name] = _equal_groups(layer, most, rule)
    return replace(network, layers=tuple(g for x in network.layers for g in groups.get(x.name, (x,))))


def _groups(stmt: SplitLayer, layer: Layer, network: Network, accelerator: Accelerator) -> tuple[Layer, ...]:
    dim = _channels(layer, stmt.layer.span)
    size = layer.problem.size(dim)
    counts = [_whole(g.channels, "the channels of a group", SIZE_LIMIT, COUNT) for g in stmt.groups]
    if sum(counts) != size:
        labels = [Label(layer.span, f"{dim} is {size:,}")] if layer.span else []
        text = f"the groups of `{layer.name}` have {sum(counts):,} channels together, the layer has {size:,}"
        fail("Q0808", text, stmt.span, label=" + ".join(f"{n:,}" for n in counts), labels=labels)
    return tuple(
        replace(
            layer,
            name=f"{layer.name}.{i}",
            problem=_with_size(layer.problem, dim, channels),
            group=Group(layer.name, dim, size, _bits(group, network, accelerator), group.span),
        )
        for i, (group, channels) in enumerate(zip(stmt.groups, counts, strict=True), 1)
    )


def _most_groups(rule: WidthRule) -> int:
    """Of the channels of a layer, by `per channel(groups = 4)`."""
    positional, named = split_arguments(rule.arguments)
    if positional or set(named) != {"groups"}:
        text = "widths per channel need the number of groups that the channels of a layer make"
        fail("Q0806", text, rule.span, helps=["write `per channel(groups = 4)`"])
    _, expr = named["groups"]
    return whole(number(expr, {}, "the number of groups", "groups = 4"), expr.span, "the number of groups", 2, 64)


def _equal_groups(layer: Layer, most: int, rule: WidthRule) -> tuple[Layer, ...]:
    """Groups of as many channels each, or one more in the first ones; fewer where there are not enough channels."""
    dim = _channels(layer, rule.span)
    size = layer.problem.size(dim)
    count = min(most, size)
    if count == 1:
        return (layer,)
    return tuple(
        replace(
            layer,
            name=f"{layer.name}.{i + 1}",
            problem=_with_size(layer.problem, dim, size // count + (i < size % count)),
            group=Group(layer.name, dim, size, None, rule.span),
        )
        for i in range(count)
    )


def _channels(layer: Layer, span: Span) -> str:
    """The dimension along which the layer is split: alone on an axis of its output and of each tensor of weights, so that
    the groups have no value of either in common."""
    operator = layer.problem.operator
    if not operator.weights:
        fail("Q0805", f"layer `{layer.name}` has no weights to split", span)
    first, *others = ([a.dims[0] for a in t.axes if a.is_plain] for t in (*operator.weights, operator.output))
    for dim in first:
        if all(dim in dims for dims in others):
            return dim
    notes = ["its channels would be a dimension of its weights that its output has, too"]
    fail("Q0808", f"layer `{layer.name}` has no channels to split", span, notes=notes)


def _bits(group: ChannelGroup, network: Network, accelerator: Accelerator) -> int:
    bits = _whole(group.bits, "the width of weights in bits", BITS_LIMIT, COUNT, BITS)
    check_fit((bits,), "weights", network, accelerator, group.bits.span)
    return bits


def _whole(expr: Expr, what: str, limit: int, *dimensions: Dimension) -> int:
    return whole(number(expr, {}, what, "16 at 8 bit", *dimensions), expr.span, what, 1, limit)


def _with_size(problem: Problem, dim: str, size: int) -> Problem:
    sizes = zip(problem.operator.dims, problem.sizes, strict=True)
    return replace(problem, sizes=tuple(size if d == dim else n for d, n in sizes))
