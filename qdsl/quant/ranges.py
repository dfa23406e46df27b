"""Which range of values a grid covers: observers of weights and activations."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import torch
from torch import Tensor

from qdsl.quant.grid import Grid, affine, symmetric

METHODS = ("minmax", "percentile", "mse")
LEARNED = ("", "lsq", "pact")
_SHRINKS = 50
EVERY = 16
"""Passes of a training between two searches for the range of least error."""


@dataclass(frozen=True)
class Quantiser:
    """How one kind of tensor is quantised.

    symmetric: zero is in the middle of the codes, or the least code where no value is negative; otherwise the codes cover
    the range, moved so that 0 is one of them. ranges: 'minmax'; 'percentile': the part of the values in the middle;
    'mse': the part of the range with the least mean squared error. learned: '' for none, 'lsq' step sizes (Esser et al.,
    ICLR 2020), 'pact' the upper limit of activations (Choi et al., 2018, arXiv 1805.06085); ranges are where they start.
    Raises ValueError for other words.
    """

    symmetric: bool = False
    per_channel: bool = False
    ranges: str = "minmax"
    percentile: float = 99.9
    learned: str = ""

    def __post_init__(self) -> None:
        if self.ranges not in METHODS or self.learned not in LEARNED:
            raise ValueError(f"ranges are of {METHODS} and learned ones of {LEARNED}")
        if not 50 < self.percentile <= 100:
            raise ValueError("a percentile is above 50 and at most 100")

    @property
    def centred(self) -> bool:
        """Whether the grid is symmetric: learned ones are."""
        return self.symmetric or bool(self.learned)

    def grid(self, lo: Tensor, hi: Tensor, bits: Tensor, signed: bool) -> Grid:
        """lo, hi, bits: of the same shape. signed: whether values may be negative."""
        if self.centred:
            return symmetric(torch.maximum(-lo, hi), bits, signed)
        return affine(lo, hi, bits)

    def range_of(self, rows: Tensor, bits: int, signed: bool, share: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """(lowest, highest) of the values to cover, one per row. rows: float[rows, values]; bits: of the codes. share: of 'mse'
        where it is known, see `least_error`."""
        if bits == 1 and self.centred and signed:
            bound = rows.abs().mean(1)  # two values +-b are nearest, in the mean square, at the mean magnitude
            return -bound, bound
        if self.ranges == "percentile":
            k = min(rows.shape[1], max(1, ceil(self.percentile / 100 * rows.shape[1])))
            return -torch.kthvalue(-rows, k, dim=1).values, torch.kthvalue(rows, k, dim=1).values
        lo, hi = rows.amin(1), rows.amax(1)
        if self.ranges != "mse":
            return lo, hi
        share = self.least_error(rows, bits, signed) if share is None else share
        return share * lo, share * hi

    def least_error(self, rows: Tensor, bits: int, signed: bool) -> Tensor:
        """The part (0..1) of each row's range with the least mean squared error."""
        lo, hi = rows.amin(1), rows.amax(1)
        best, share = torch.full_like(lo, torch.inf), torch.ones_like(lo)
        width = torch.full_like(lo, bits)
        for i in range(_SHRINKS, 0, -1):
            s = i / _SHRINKS
            grid = self.grid(s * lo, s * hi, width, signed).expanded((-1, 1))
            error = (grid(rows) - rows).square().mean(1)
            share = torch.where(error < best, torch.full_like(share, s), share)
            best = torch.minimum(error, best)
        return share


class Observer:
    """The ranges of one tensor, pass after pass. While it is trained, the part of 'mse' is looked for in every `EVERY`-th pass:
    that takes fifty times as long as to quantise, and the part moves slowly. The extremes are those of the pass."""

    def __init__(self, settings: Quantiser) -> None:
        self._settings = settings
        self._shares: dict[int, Tensor] = {}
        self._passes: dict[int, int] = {}

    def range_of(self, rows: Tensor, bits: int, signed: bool, training: bool) -> tuple[Tensor, Tensor]:
        """As `Quantiser.range_of`. rows: the same ones whenever the width is the same."""
        if not training or self._settings.ranges != "mse":
            return self._settings.range_of(rows, bits, signed)
        passes = self._passes.get(bits, 0)
        if passes % EVERY == 0 or len(self._shares[bits]) != len(rows):
            self._shares[bits] = self._settings.least_error(rows, bits, signed)
        self._passes[bits] = passes + 1
        return self._settings.range_of(rows, bits, signed, self._shares[bits])
