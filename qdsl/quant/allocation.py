"""The exact front of size and error where the errors of parts add up: which part gets which width.

A part is a channel or a layer. What layers can choose together, their channels can choose one by one: so for the same errors
the front per channel is nowhere behind the front per layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from qdsl.quant.costs import values_per_channel
from qdsl.quant.network import QuantNetwork


@dataclass(frozen=True)
class Part:
    """sizes, errors: of every choice."""

    sizes: tuple[float, ...]
    errors: tuple[float, ...]


@dataclass(frozen=True)
class Allocations:
    """The front, by ascending size. sizes, errors: float64[points]; choices: int64[points, parts]."""

    sizes: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64]
    choices: npt.NDArray[np.int64]


def best_allocations(parts: Sequence[Part]) -> Allocations:
    """All choices for which no other has less error at no more size."""
    sizes, errors, choices = np.zeros(1), np.zeros(1), np.zeros((1, 0), dtype=np.int64)
    for part in parts:
        n = len(part.sizes)
        kept, option = np.repeat(np.arange(len(sizes)), n), np.tile(np.arange(n), len(sizes))
        sizes = sizes[kept] + np.array(part.sizes)[option]
        errors = errors[kept] + np.array(part.errors)[option]
        order = np.lexsort((errors, sizes))
        best = np.concatenate(([np.inf], np.minimum.accumulate(errors[order])[:-1]))
        order = order[errors[order] < best]
        sizes, errors = sizes[order], errors[order]
        choices = np.column_stack((choices[kept[order]], option[order]))
    return Allocations(sizes, errors, choices)


@torch.no_grad()
def weight_errors(net: QuantNetwork, widths: Sequence[int]) -> Mapping[str, list[Part]]:
    """Layer -> channels: bits of the weights, and their squared error at every width as a part of the layer's power."""
    found = {}
    for name, layer in net.layers.items():
        if layer.quantiser is None or layer.weight is None:
            continue
        rows = layer.rows(layer.weight).double()
        values, power = values_per_channel(layer.layer), rows.square().sum()
        kept, columns = layer.quantiser.bits, []
        for bits in widths:
            layer.quantiser.set_width(bits)
            columns.append(((layer.quantiser(rows) - rows).square().sum(1) / power).tolist())
        layer.quantiser.bits = kept
        sizes = tuple(bits * values for bits in widths)
        found[name] = [Part(sizes, errors) for errors in zip(*columns, strict=True)]
    return found


def together(parts: Sequence[Part]) -> Part:
    """A layer whose channels all make the same choice."""
    sizes = zip(*(p.sizes for p in parts), strict=True)
    errors = zip(*(p.errors for p in parts), strict=True)
    return Part(tuple(map(sum, sizes)), tuple(map(sum, errors)))
