"""Uniform quantisation: codes on an integer grid, values that are multiples of a scale, straight-through gradients.

Scales have mantissas of 8 bits. So products of codes and scales are exact in double precision, and what rounds to a code
there is what integer arithmetic alone rounds to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

MANTISSA_BITS = 8
WIDEST = 16


@dataclass(frozen=True)
class Grid:
    """value = (code - zero) * scale for integer codes low..high; tensors that broadcast to what is quantised.

    zero: an integer, or 1/2 where the only two codes are values of opposite sign.
    """

    scale: Tensor
    zero: Tensor
    low: Tensor
    high: Tensor

    @property
    def unit(self) -> Tensor:
        """What all values are whole multiples of: the scale, or half of it."""
        return torch.where(self.zero == torch.floor(self.zero), self.scale, self.scale / 2)

    def codes(self, x: Tensor) -> Tensor:
        """The nearest codes, ties to even, as floats. Gradients pass where the code is within the grid; that of the scale
        is the one of learned step sizes (Esser et al., ICLR 2020, arXiv 1902.08153)."""
        whole = torch.floor(self.zero)
        steps = x / self.scale
        nearest = straight(steps, torch.round(steps + (self.zero - whole)))
        return torch.clamp(nearest + whole, self.low, self.high)

    def values(self, codes: Tensor) -> Tensor:
        return (codes - self.zero) * self.scale

    def __call__(self, x: Tensor) -> Tensor:
        """x with every value replaced by the nearest one of the grid."""
        if self.scale.requires_grad:
            return self.values(self.codes(x))
        found: Tensor = _Nearest.apply(x, self)  # type: ignore[no-untyped-call]
        return found

    def detached(self) -> Grid:
        """Without gradients."""
        return Grid(self.scale.detach(), self.zero, self.low, self.high)

    def expanded(self, shape: tuple[int, ...]) -> Grid:
        """With its tensors in another shape of as many elements."""
        return Grid(*(t.reshape(shape) for t in (self.scale, self.zero, self.low, self.high)))


class _Straight(torch.autograd.Function):
    @staticmethod
    def forward(ctx: object, x: Tensor, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: object, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


class _Nearest(torch.autograd.Function):
    """`values(codes(x))` of a grid that is not learned, in one step: the same to the bit, and twice as fast."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Grid) -> Tensor:
        whole = torch.floor(grid.zero)
        codes = (x / grid.scale).add_(grid.zero - whole).round_().add_(whole)
        found = torch.clamp(codes, grid.low, grid.high)
        ctx.save_for_backward(found == codes)
        return found.sub_(grid.zero).mul_(grid.scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (inside,) = ctx.saved_tensors
        return gradients[0] * inside, None


def straight(x: Tensor, value: Tensor) -> Tensor:
    """`value`, which has the gradient of x."""
    found: Tensor = _Straight.apply(x, value.detach())  # type: ignore[no-untyped-call]
    return found


def short(scale: Tensor) -> Tensor:
    """The next scale that is not less and has a short mantissa; 1 in place of 0."""
    with torch.no_grad():
        mantissa, exponent = torch.frexp(scale)
        rounded = torch.ldexp(torch.ceil(mantissa * 2**MANTISSA_BITS), exponent - MANTISSA_BITS)
        rounded = torch.where(scale > 0, rounded, 1.0)
    return straight(scale, rounded) if scale.requires_grad else rounded


def affine(lo: Tensor, hi: Tensor, bits: Tensor) -> Grid:
    """Codes from 0 on over lo..hi, which is widened to hold 0. bits: of the codes, as floats that broadcast to lo and hi."""
    lo, hi = torch.clamp(lo, max=0), torch.clamp(hi, min=0)
    low, high = _codes(bits, signed=False)
    scale = short((hi - lo) / (high - low))
    zero = torch.clamp(low - torch.round(lo / scale), low, high).detach()
    return Grid(scale, zero, low, high)


def symmetric(bound: Tensor, bits: Tensor, signed: bool = True) -> Grid:
    """Zero is code 0, and +-bound lies half a step outside; without sign 0..bound. One bit with sign is +-bound.

    bits: as for `affine`.
    """
    low, high = _codes(bits, signed)
    steps = (high - low) / 2 if signed else high
    scale = short(bound / steps)
    if not signed:
        return Grid(scale, torch.zeros_like(scale), low, high)
    binary = bits == 1
    zero = torch.where(binary, 0.5, 0.0).to(scale).expand_as(scale)
    return Grid(scale, zero, torch.where(binary, 0.0, low), torch.where(binary, 1.0, high))


def _codes(bits: Tensor, signed: bool) -> tuple[Tensor, Tensor]:
    """(least, greatest) code."""
    levels = torch.exp2(bits)
    low = -levels / 2 if signed else torch.zeros_like(levels)
    return low, low + levels - 1
