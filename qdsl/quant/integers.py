"""A quantised network executed with integers alone, as an accelerator does: products of codes in accumulators, a whole
number as bias, and rescaling by a ratio of whole numbers.

It equals the module in double precision bit for bit. There every product and sum is exact, because scales have short
mantissas; only the division by the output's scale is rounded, by too little to change the nearest code.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from qdsl.quant.contraction import averaged_over, contract
from qdsl.quant.grid import MANTISSA_BITS, Grid
from qdsl.quant.layers import BIAS_BITS, QuantLayer, portions
from qdsl.quant.network import QuantNetwork

LARGEST = 2**50
"""Sums beyond it would not be exact in double precision."""


@dataclass(frozen=True)
class Whole:
    """Integers times mantissa times 2^exponent, all int64; mantissa and exponent broadcast to the integers."""

    numbers: Tensor
    mantissa: Tensor
    exponent: Tensor


def integer_run(network: QuantNetwork, *inputs: Tensor) -> dict[str, Tensor]:
    """The codes of every activation, int64, by its name; of concatenations those that layers read.

    inputs: as the module takes them; all on the CPU.

    Raises ValueError for a network with something that is not quantised, with batch normalisation not folded, or with sums
    beyond what double precision holds exactly.
    """
    grids: dict[str, Grid] = {}
    for name in network.activations:
        if (grid := network.grid(name)) is None:
            raise ValueError(f"activation `{name}` has no width")
        grids[name] = grid
    with torch.no_grad():
        codes = {
            n: grids[n].codes(x.to(grids[n].scale.dtype)).long() for n, x in zip(network.inputs, inputs, strict=True)
        }
        for name, layer in network.layers.items():
            reads = [grids[a] for _, a in layer.layer.inputs]
            values = [
                _numbers(g, network.joined(a, codes)) for g, (_, a) in zip(reads, layer.layer.inputs, strict=True)
            ]
            found, divisor = _result(layer, values, reads)
            codes[name] = _coded(found, divisor, layer.layer.function, grids[name])
    return codes


def integer_output(network: QuantNetwork, *inputs: Tensor) -> Tensor:
    """The first output in real numbers, to compare with what the module puts out."""
    name = network.network.outputs[0]
    grid = network.grid(name)
    codes = network.joined(name, integer_run(network, *inputs))
    assert grid is not None
    return grid.values(codes.to(grid.scale.dtype)).detach()


def _result(layer: QuantLayer, values: list[Tensor], grids: list[Grid]) -> tuple[Whole, int]:
    """(what the layer computes before its activation function, by what it is still to be divided)"""
    tensors = dict(zip((t for t, _ in layer.layer.inputs), values, strict=True))
    if layer.operand is not None:
        return _weighted(layer, tensors, grids), 1
    problem = layer.layer.problem
    scales = [_split(g.unit) for g in grids]
    if problem.operator.combine == "+" and len(grids) > 1:
        least = torch.stack([e for _, e in scales]).amin()
        for name, (m, e) in zip(tensors, scales, strict=True):
            tensors[name] = tensors[name] * (m << (e - least))
        return Whole(_held(contract(problem, layer.layer.padding, tensors)), torch.ones_like(least), least), 1
    mantissa, exponent = scales[0]
    for m, e in scales[1:]:
        mantissa, exponent = mantissa * m, exponent + e
    found = _held(contract(problem, layer.layer.padding, tensors))
    return Whole(found, mantissa, exponent), averaged_over(problem)


def _weighted(layer: QuantLayer, tensors: dict[str, Tensor], grids: list[Grid]) -> Whole:
    if layer.norm is not None:
        raise ValueError(f"the batch normalisation of layer `{layer.layer.name}` is not folded")
    weights = layer.weight_grid()
    if weights is None or layer.operand is None or layer.weight is None or layer.quantiser is None:
        raise ValueError(f"the weights of layer `{layer.layer.name}` have no width")
    rows = layer.rows(layer.weight)
    numbers = _numbers(weights, weights.codes(rows)) * torch.tensor(layer.kept).unsqueeze(1)
    tensors = {**tensors, layer.operand.name: layer.unrowed(numbers)}
    sums = layer.settings.partial_sums
    if sums is None:
        total = contract(layer.layer.problem, layer.layer.padding, tensors)
    else:
        total = torch.zeros((), dtype=torch.int64)
        for problem, parts in portions(layer.layer.problem, sums.channels, tensors):
            total = sums.held(total + contract(problem, layer.layer.padding, parts))
    mantissa, exponent = _split(weights.unit.reshape(-1))
    for grid in grids:
        m, e = _split(grid.unit)
        mantissa, exponent = mantissa * m, exponent + e
    if layer.bias is not None:
        unit = layer.unit(weights, list(grids))
        assert unit is not None
        half = 2 ** (BIAS_BITS - 1)
        bias = torch.clamp(torch.round(layer.bias / unit).long(), -half, half - 1)
        total = total + layer.along(bias * torch.tensor(layer.kept), total)
    return Whole(_held(total), layer.along(mantissa, total), layer.along(exponent, total))


def _coded(found: Whole, divisor: int, function: str, grid: Grid) -> Tensor:
    """The codes of a result on the grid of its activation."""
    codes = _nearest(found, divisor, grid)
    lowest, highest = grid.low.long(), grid.high.long()
    if function:
        lowest = torch.maximum(lowest, _nearest(_whole(0), 1, grid))
    if function == "relu6":
        highest = torch.minimum(highest, _nearest(_whole(6), 1, grid))
    return torch.clamp(codes, lowest, highest)


def _nearest(found: Whole, divisor: int, grid: Grid) -> Tensor:
    """Of found / divisor, not limited to the codes of the grid; ties to even."""
    mantissa, exponent = _split(grid.scale)
    above = _held(found.numbers * found.mantissa)
    below = divisor * mantissa
    shift = found.exponent - exponent
    left, right = torch.clamp(shift, min=0), torch.clamp(-shift, min=0)
    if int(above.abs().max()) << int(left.max()) > LARGEST << 8 or divisor << int(right.max()) > LARGEST:
        raise ValueError("scales are too far apart for 64-bit integers")
    above, below = above << left, below << right
    half = grid.zero - torch.floor(grid.zero)
    doubled = (2 * half).long()
    return _rounded(2 * above + doubled * below, 2 * below) + torch.floor(grid.zero).long()


def _rounded(above: Tensor, below: Tensor) -> Tensor:
    """above / below to the nearest integer, ties to even."""
    quotient = torch.div(above, below, rounding_mode="floor")
    twice = 2 * (above - quotient * below)
    return quotient + ((twice > below) | ((twice == below) & (quotient % 2 == 1))).long()


def _numbers(grid: Grid, codes: Tensor) -> Tensor:
    """Values as whole multiples of the grid's unit."""
    halved = grid.zero != torch.floor(grid.zero)
    return torch.where(halved, 2 * codes.long() - 1, codes.long() - torch.floor(grid.zero).long())


def _split(scale: Tensor) -> tuple[Tensor, Tensor]:
    """(mantissa, exponent) of scales that are short: scale = mantissa * 2^exponent."""
    mantissa, exponent = torch.frexp(scale)
    return torch.ldexp(mantissa, torch.full_like(exponent, MANTISSA_BITS)).long(), exponent.long() - MANTISSA_BITS


def _whole(number: int) -> Whole:
    zero = torch.zeros((), dtype=torch.int64)
    return Whole(zero + number, zero + 1, zero)


def _held(numbers: Tensor) -> Tensor:
    if numbers.numel() and int(numbers.abs().max()) > LARGEST:
        raise ValueError(f"sums exceed {LARGEST:.0e}: double precision would round them")
    return numbers
