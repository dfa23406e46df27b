"""Operators on tensors, against their rules executed value by value."""

from __future__ import annotations

from itertools import product
from math import prod
from pathlib import Path

import pytest
import torch
from torch import Tensor

from qdsl.model.network import Layer
from qdsl.quant.contraction import as_conv2d, averaged_over, contract, pad
from tests.quant.networks import shipped, written

LAYERS = [
    "conv2d(x, K = 3, R = 3, S = 2, stride = 2, pad = 1)",
    "conv2d(x, K = 3, R = 2, S = 2, dilation = 2, pad = 1)",
    "conv2d(x, K = 3, R = 4, S = 2, stride = 2, pad_P = 2)",
    "depthwise(x, R = 3, S = 3, stride = 2, pad = 1)",
    "conv_transposed2d(x, K = 3, R = 3, S = 2, stride = 2)",
    "add(x, x)",
    "widen(x, D = 1, stride = 2, pad = 1)",
    "flat_linear(x, K = 3)",
    "max_pool2d(x, R = 3, S = 3, stride = 2, pad = 1)",
    "pool2d(x, R = 2, S = 2)",
    "mean(x)",
]


def by_loops(layer: Layer, tensors: dict[str, Tensor]) -> Tensor:
    """The rule of the operator, executed."""
    problem = layer.problem
    operator = problem.operator
    padded = {
        t.name: x if t.is_weight else pad(x, t, operator, layer.padding)
        for t in operator.inputs
        for x in (tensors[t.name],)
    }
    start = float("-inf") if operator.reduction == "max" else 0.0
    found = torch.full(problem.shape(operator.output), start, dtype=torch.float64)
    for point in product(*(range(n) for n in problem.sizes)):
        at = dict(zip(operator.dims, point, strict=True))
        place = {
            t.name: tuple(sum(x.coefficient * at[x.dim] for x in a.terms) for a in t.axes) for t in operator.tensors
        }
        parts = [padded[t.name][place[t.name]].double().item() for t in operator.inputs]
        value = sum(parts) if operator.combine == "+" else prod(parts)
        target = place[operator.output.name]
        found[target] = max(float(found[target]), value) if operator.reduction == "max" else found[target] + value
    return found


@pytest.mark.parametrize("call", LAYERS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.int64])
def test_every_operator_computes_its_rule(call: str, dtype: torch.dtype, tmp_path: Path) -> None:
    layer = written(f"network n {{\n batch 2\n input x: 2 x 5 x 4\n y = {call}\n output y\n}}", tmp_path).layers[0]
    generator = torch.Generator().manual_seed(1)
    tensors = {
        t.name: torch.randint(-9, 9, _shape(layer, t.name), generator=generator).to(dtype)
        for t in layer.problem.operator.inputs
    }
    found = contract(layer.problem, layer.padding, tensors)
    assert found.dtype == dtype
    assert torch.equal(found.double(), by_loops(layer, tensors))


def _shape(layer: Layer, tensor: str) -> tuple[int, ...]:
    if tensor in dict(layer.inputs):
        return (2, 2, 5, 4)
    return layer.problem.shape(layer.problem.operator.tensor(tensor))


def test_convolutions_are_recognised_by_their_rules() -> None:
    stem, depthwise = (shipped("mobilenet_v1").layer(n).problem.operator for n in ("stem", "b1.d"))
    assert as_conv2d(stem) is not None and as_conv2d(depthwise) is not None
    assert as_conv2d(stem).stride == (2, 2) and as_conv2d(depthwise).depthwise  # type: ignore[union-attr]
    others = {x.problem.operator.name for x in shipped("resnet20").layers if as_conv2d(x.problem.operator) is None}
    assert others == {"add", "widen", "mean", "linear"}


def test_only_a_sum_of_one_input_is_an_average() -> None:
    layers = {x.problem.operator.name: averaged_over(x.problem) for x in shipped("resnet20").layers}
    assert layers == {"conv2d": 1, "add": 1, "widen": 1, "mean": 64, "linear": 1}
