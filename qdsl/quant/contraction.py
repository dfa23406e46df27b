"""Any operator of the language on tensors, floats or integers: windows as strided views, then products and sums.

Padding is zeros, as the cost model counts it, also under a maximum. Where a sum has one input alone, it stands for an
average; what it is divided by is left to the caller.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor

from qdsl.model.operator import Operator, Problem
from qdsl.model.operator import Tensor as Operand
from qdsl.model.shapes import Padding


@dataclass(frozen=True)
class Conv2d:
    """An operator that is a convolution of images, dense or with one filter per channel."""

    stride: tuple[int, int]
    dilation: tuple[int, int]
    depthwise: bool


def contract(problem: Problem, padding: Padding, tensors: Mapping[str, Tensor]) -> Tensor:
    """The output of the operator, its axes as in the rule. tensors: every input by its name, activations not padded."""
    operator = problem.operator
    problem = _with_batch(problem, tensors)
    padded = {
        t.name: tensors[t.name] if t.is_weight else pad(tensors[t.name], t, operator, padding) for t in operator.inputs
    }
    if (conv := as_conv2d(operator)) and all(x.is_floating_point() for x in padded.values()):
        return _convolve(conv, operator, padded)
    views = [(_window(padded[t.name], t, problem), list(t.dims)) for t in operator.inputs]
    out = [d for axis in operator.output.axes for d in axis.dims]
    found = _combined(operator, views, out, problem)
    if all(axis.is_plain for axis in operator.output.axes):
        return found
    return _scattered(found, problem)


def as_conv2d(operator: Operator) -> Conv2d | None:
    """None for any other operator."""
    weights, out = operator.weights, operator.output
    reads = [t for t in operator.inputs if not t.is_weight]
    if len(weights) != 1 or len(reads) != 1 or len(out.axes) != 4 or operator.combine != "*":
        return None
    if operator.reduction != "sum" or not all(a.is_plain for a in (*out.axes, *weights[0].axes)):
        return None
    axes = reads[0].axes
    if len(axes) != 4 or not all(a.is_plain for a in axes[:2]) or axes[0].dims != out.axes[0].dims:
        return None
    slides = [
        (a.terms[0], a.terms[1], o.dims[0]) for a, o in zip(axes[2:], out.axes[2:], strict=True) if len(a.terms) == 2
    ]
    if len(slides) != 2 or any(row.dim != o or tap.dim in out.dims for row, tap, o in slides):
        return None
    channel, filters = axes[1].dims[0], out.axes[1].dims[0]
    taps = tuple(tap.dim for _, tap, _ in slides)
    dense = channel not in out.dims
    if weights[0].dims != ((filters, channel, *taps) if dense else (filters, *taps)) or not (
        dense or channel == filters
    ):
        return None
    (p, r, _), (q, s, _) = slides
    return Conv2d((p.coefficient, q.coefficient), (r.coefficient, s.coefficient), not dense)


def pad(x: Tensor, operand: Operand, operator: Operator, padding: Padding) -> Tensor:
    """With zeros on each side of the axes along which windows move."""
    sides = [dict(padding).get(operator.sliding(axis) or "", 0) for axis in reversed(operand.axes)]
    return F.pad(x, [n for side in sides for n in (side, side)]) if any(sides) else x


def averaged_over(problem: Problem) -> int:
    """By how much the sum of the operator is divided: more than 1 for an average."""
    operator = problem.operator
    return problem.summands if len(operator.inputs) == 1 and operator.reduction == "sum" else 1


def _with_batch(problem: Problem, tensors: Mapping[str, Tensor]) -> Problem:
    """With as many examples as the inputs have: the dimension that is the first axis of all activations."""
    operator = problem.operator
    first = {t.axes[0].dims if t.axes[0].is_plain else None for t in operator.tensors if not t.is_weight}
    if len(first) != 1 or (dims := first.pop()) is None:
        return problem
    batch = next(len(tensors[t.name]) for t in operator.inputs if not t.is_weight)
    return replace(problem, sizes=tuple(batch if d == dims[0] else problem.size(d) for d in operator.dims))


def _convolve(conv: Conv2d, operator: Operator, tensors: Mapping[str, Tensor]) -> Tensor:
    (weight,) = operator.weights
    x = next(tensors[t.name] for t in operator.inputs if not t.is_weight)
    w = tensors[weight.name]
    if conv.depthwise:
        w = w.unsqueeze(1)
    return F.conv2d(x, w, None, conv.stride, 0, conv.dilation, x.shape[1] if conv.depthwise else 1)


def _window(x: Tensor, operand: Operand, problem: Problem) -> Tensor:
    """A view of x with an axis per dimension of the operand, overlapping where windows do."""
    if all(axis.is_plain for axis in operand.axes):
        return x
    x = x.contiguous()
    step = dict.fromkeys(operand.dims, 0)
    for axis, stride in zip(operand.axes, x.stride(), strict=True):
        for term in axis.terms:
            step[term.dim] += term.coefficient * stride
    return x.as_strided([problem.size(d) for d in operand.dims], [step[d] for d in operand.dims])


def _combined(operator: Operator, views: list[tuple[Tensor, list[str]]], out: list[str], problem: Problem) -> Tensor:
    """Inputs joined and reduced to the dimensions `out`, in that order."""
    number = {d: i for i, d in enumerate(operator.dims)}
    if operator.combine == "*" and operator.reduction != "max" and all(any(d in ds for _, ds in views) for d in out):
        found: Tensor = torch.einsum(
            *(y for x, ds in views for y in (x, [number[d] for d in ds])), [number[d] for d in out]
        )
        return found
    every = [*out, *(d for d in operator.dims if d not in out)]
    spread = [_spread(x, ds, every, problem) for x, ds in views]
    joined = spread[0]
    for x in spread[1:]:
        joined = joined * x if operator.combine == "*" else joined + x
    reduced = list(range(len(out), len(every)))
    if not reduced:
        return joined
    return joined.amax(reduced) if operator.reduction == "max" else joined.sum(reduced)


def _spread(x: Tensor, dims: list[str], every: list[str], problem: Problem) -> Tensor:
    """x with an axis per dimension of `every`, repeated along those it lacks."""
    x = x.permute([dims.index(d) for d in every if d in dims])
    for i, d in enumerate(every):
        if d not in dims:
            x = x.unsqueeze(i)
    return x.expand([problem.size(d) for d in every])


def _scattered(values: Tensor, problem: Problem) -> Tensor:
    """Values per dimension of the output, added up where they share an element of it."""
    shape = problem.shape(problem.operator.output)
    index = torch.zeros((), dtype=torch.int64, device=values.device)
    sizes = []
    for axis, extent in zip(problem.operator.output.axes, shape, strict=True):
        index = index.unsqueeze(-1) * extent
        for i, term in enumerate(axis.terms):
            steps = torch.arange(problem.size(term.dim), device=values.device) * term.coefficient
            index = index + steps if i == 0 else index.unsqueeze(-1) + steps
            sizes.append(problem.size(term.dim))
    flat = torch.zeros(prod(shape), dtype=values.dtype, device=values.device)
    return flat.index_add(0, index.reshape(-1), values.reshape(-1)).reshape(shape)
