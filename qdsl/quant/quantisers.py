"""Modules that quantise the weights of a layer and the activations between layers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from qdsl.quant.grid import WIDEST, Grid, straight
from qdsl.quant.ranges import Observer, Quantiser

SAMPLE = 2**14
"""Values that calibration keeps of every activation and batch."""
AVERAGING = 0.05
"""The part of a batch in the running ranges of activations while they are trained."""

Width = int | tuple[int, ...] | None
"""Bits of a tensor, or of each of its channels; None: not quantised."""


@dataclass(frozen=True)
class PartialSums:
    """An accumulator of `bits`, signed, that holds sums of products of codes: after every `channels` input channels it
    wraps around, or stays at its limit if it saturates. The bias is added behind it."""

    bits: int
    saturate: bool = True
    channels: int = 16

    def held(self, sums: Tensor) -> Tensor:
        """What the accumulator holds of whole numbers, with straight gradients."""
        half = 2 ** (self.bits - 1)
        if self.saturate:
            return torch.clamp(sums, -half, half - 1)
        wrapped = torch.remainder(sums + half, 2 * half) - half
        return straight(sums, wrapped) if sums.is_floating_point() else wrapped


@dataclass(frozen=True)
class Quantisers:
    """How a network is quantised. Raises ValueError for what activations or weights cannot have."""

    weights: Quantiser = Quantiser(symmetric=True, per_channel=True)  # noqa: RUF009
    activations: Quantiser = Quantiser()  # noqa: RUF009
    partial_sums: PartialSums | None = None

    def __post_init__(self) -> None:
        if self.activations.per_channel:
            raise ValueError("activations are quantised per tensor: a sum over channels has one scale")
        if self.weights.learned == "pact":
            raise ValueError("PACT is for activations")


class WeightQuantiser(nn.Module):
    """Rows, one per output channel, each with its own width; a scale per row, or one for all rows of a width."""

    step_bits: Tensor

    def __init__(self, settings: Quantiser, channels: int, device: torch.device | str) -> None:
        super().__init__()
        self.settings = settings
        self.observer = Observer(settings)
        self.channels = channels
        self.bits: tuple[int, ...] | None = None
        self.step: nn.Parameter | None = None
        """Learned, for the width `step_bits`; nan before the first pass."""
        if settings.learned:
            self.step = nn.Parameter(torch.full((channels if settings.per_channel else 1,), torch.nan, device=device))
            self.register_buffer("step_bits", torch.ones(1, device=device))

    def set_width(self, width: Width) -> None:
        """Raises ValueError for a number of widths other than that of channels, or one that is not 0..16 bits."""
        bits = (width,) * self.channels if isinstance(width, int) else width
        if bits is not None and len(bits) != self.channels:
            raise ValueError(f"{len(bits)} widths for {self.channels} channels")
        if any(not 0 <= b <= WIDEST for b in bits or ()):
            raise ValueError(f"widths are 0 to {WIDEST} bits")
        self.bits = bits

    def forward(self, rows: Tensor) -> Tensor:
        """float[channels, values]"""
        return rows if self.bits is None else self.on(self.grid(rows), rows)

    def on(self, grid: Grid, rows: Tensor) -> Tensor:
        """Rows on the grid that belongs to them; channels of 0 bits are 0."""
        found = grid(rows)
        return found if all(self.bits or ()) else found * (self._widths(rows) > 0)

    def grid(self, rows: Tensor) -> Grid:
        """Of shape [channels, 1]. Raises ValueError without a width."""
        width = torch.clamp(self._widths(rows), min=1)
        lo, hi = self._ranges(rows.detach()) if self.step is None else self._learned(rows, self.step)
        return self.settings.grid(lo, hi, width, True)

    def _learned(self, rows: Tensor, step: nn.Parameter) -> tuple[Tensor, Tensor]:
        """All widths cover the range of the step."""
        widest = max(1, *(self.bits or ()))
        if step.isnan().any():
            lo, hi = self.settings.range_of(self._shared(rows.detach()), widest, True)
            with torch.no_grad():
                step.copy_(torch.maximum(-lo, hi) * 2 / (2.0**widest - 1))
                self.step_bits.fill_(widest)
        bound = _scaled(step, rows.shape[1], 2.0 ** (widest - 1)).abs() * (torch.exp2(self.step_bits) - 1) / 2
        bound = bound.unsqueeze(1).expand(self.channels, 1)
        return -bound, bound

    @torch.no_grad()
    def _ranges(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Of shape [channels, 1]."""
        lo, hi = torch.zeros_like(rows[:, :1]), torch.zeros_like(rows[:, :1])
        several = sorted({b for b in self.bits or () if b})
        if len(several) == 1 and all(self.bits or ()):
            found = self.observer.range_of(self._shared(rows), several[0], True, self.training)
            return found[0].unsqueeze(1).expand_as(lo), found[1].unsqueeze(1).expand_as(hi)
        for bits in several:
            chosen = [i for i, b in enumerate(self.bits or ()) if b == bits]
            found = self.observer.range_of(self._shared(rows[chosen]), bits, True, self.training)
            lo[chosen], hi[chosen] = (f.unsqueeze(1).expand(len(chosen), 1) for f in found)
        return lo, hi

    def _shared(self, rows: Tensor) -> Tensor:
        """One row for all that share a scale."""
        return rows if self.settings.per_channel else rows.reshape(1, -1)

    def _widths(self, rows: Tensor) -> Tensor:
        if self.bits is None:
            raise ValueError("weights without a width have no grid")
        return torch.tensor(self.bits, dtype=rows.dtype, device=rows.device).unsqueeze(1)


class ActivationQuantiser(nn.Module):
    """One grid for a whole activation, over a range that was observed, or that is learned.

    signed: whether it may be negative. While it is trained its range is a running mean, unless it is learned.
    """

    lo: Tensor
    hi: Tensor
    step_bits: Tensor

    def __init__(self, settings: Quantiser, signed: bool, device: torch.device | str) -> None:
        super().__init__()
        self.settings = settings
        self.observer = Observer(settings)
        self.signed = signed
        self.bits: int | None = None
        self.observing = False
        self.sample: list[Tensor] = []
        """What calibration saw; empty again once the range is trained."""
        self.latest: Grid | None = None
        """Of the last pass, without gradients."""
        self.register_buffer("lo", torch.full((1,), torch.nan, device=device))
        self.register_buffer("hi", torch.full((1,), torch.nan, device=device))
        self.register_buffer("step_bits", torch.ones(1, device=device))
        self.learned = nn.Parameter(torch.ones(1, device=device)) if settings.learned else None
        """The step of 'lsq', for the width `step_bits`; the upper limit of 'pact'."""

    def set_width(self, bits: Width) -> None:
        """Raises ValueError for anything but 1 to 16 bits or none."""
        if isinstance(bits, tuple) or (bits is not None and not 1 <= bits <= WIDEST):
            raise ValueError(f"an activation has one width of 1 to {WIDEST} bits")
        self.bits, self.latest = bits, None
        if bits and self.sample:
            self._start(torch.cat(self.sample))

    def forward(self, x: Tensor) -> Tensor:
        if self.observing:
            self.sample.append(_some(x.detach()))
            return x
        if self.bits is None:
            return x
        if not x.is_meta:
            self._observe(x.detach())
        grid = self.grid(x[0].numel())
        self.latest = grid.detached()
        if self.settings.learned == "pact" and self.learned is not None:
            limit = self.learned.abs()
            x = torch.minimum(x, straight(limit, grid.values(grid.high)))
            x = torch.maximum(x, straight(-limit, grid.values(grid.low))) if self.signed else x
        return grid(x)

    def grid(self, values: int = 1) -> Grid:
        """Of shape [1]. values: of one example, which scales the gradient of a learned step. Raises ValueError without a
        width."""
        if self.bits is None:
            raise ValueError("an activation without a width has no grid")
        width = torch.full_like(self.lo, self.bits)
        if self.learned is None:
            return self.settings.grid(self.lo, self.hi, width, self.signed)
        limit = self.learned.detach().abs()
        if self.settings.learned == "lsq":
            steps = (torch.exp2(self.step_bits) - 1) / (1 + self.signed)
            limit = _scaled(self.learned, values, (2.0**self.bits - 1) / (1 + self.signed)).abs() * steps
        return self.settings.grid(-limit, limit, width, self.signed)

    def finish(self) -> None:
        """Ends calibration: the range follows from the values that were kept."""
        self.observing, self.latest = False, None
        if self.sample:
            self._start(torch.cat(self.sample))

    def _observe(self, x: Tensor) -> None:
        if self.lo.isnan():
            if not self.training:
                raise ValueError("the range of an activation is not known: calibrate or train first")
            self._start(_some(x))
        elif self.training:
            self.sample.clear()
            if self.learned is None:
                rows = _some(x).to(self.lo.dtype).unsqueeze(0)
                lo, hi = self.observer.range_of(rows, self.bits or 8, self.signed, training=True)
                self.lo.lerp_(lo, AVERAGING)
                self.hi.lerp_(hi, AVERAGING)

    def _range(self, values: Tensor) -> tuple[Tensor, Tensor]:
        return self.settings.range_of(values.to(self.lo.dtype).unsqueeze(0), self.bits or 8, self.signed)

    @torch.no_grad()
    def _start(self, values: Tensor) -> None:
        lo, hi = self._range(values)
        self.lo.copy_(lo)
        self.hi.copy_(hi)
        if self.learned is not None:
            self.step_bits.fill_(self.bits or 8)
            limit = torch.maximum(-lo, hi)
            steps = (torch.exp2(self.step_bits) - 1) / (1 + self.signed) if self.settings.learned == "lsq" else 1.0
            self.learned.copy_(torch.where(limit > 0, limit, torch.ones_like(limit)) / steps)


def _some(x: Tensor) -> Tensor:
    """At most SAMPLE values, evenly spread, and the two extremes."""
    flat = x.reshape(-1)
    stride = -(-len(flat) // SAMPLE)
    return flat if stride == 1 else torch.cat((flat[::stride], flat.min()[None], flat.max()[None]))


def _scaled(step: Tensor, values: int, most: float) -> Tensor:
    """The step, its gradient scaled to the number of values that share it (Esser et al., equation 5 and section 2.2)."""
    gain = 1 / (values * max(1.0, most)) ** 0.5
    return straight(step * gain, step)
