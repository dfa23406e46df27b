"""One layer of a network as a module: its weights, their quantiser, batch normalisation and activation function."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from qdsl.model.network import Layer
from qdsl.model.operator import Axis, Operator, Problem
from qdsl.model.operator import Tensor as Operand
from qdsl.quant.contraction import averaged_over, contract
from qdsl.quant.grid import Grid, straight
from qdsl.quant.quantisers import PartialSums, Quantisers, WeightQuantiser

BIAS_BITS = 32


class QuantLayer(nn.Module):
    """What a layer of the network computes. inputs: its activations, in the order of `layer.inputs`."""

    def __init__(
        self,
        layer: Layer,
        settings: Quantisers,
        normalised: bool,
        generator: torch.Generator,
        device: torch.device | str,
    ) -> None:
        super().__init__()
        self.layer = layer
        self.settings = settings
        operator = layer.problem.operator
        self.operand: Operand | None = operator.weights[0] if operator.weights else None
        self.weight: nn.Parameter | None = None
        self.bias: nn.Parameter | None = None
        self.norm: nn.Module | None = None
        self.quantiser: WeightQuantiser | None = None
        if self.operand is None:
            return
        self.axes = channel_axes(operator)
        """Of the output channels: the axis of the weights and that of the output; None where they share none."""
        shape = layer.problem.shape(self.operand)
        channels = shape[self.axes[0]] if self.axes else 1
        self.weight = nn.Parameter(_initial(shape, layer.problem, generator, device))
        self.quantiser = WeightQuantiser(settings.weights, channels, device)
        if self.axes:
            self.bias = nn.Parameter(torch.zeros(channels, device=device))
            if normalised and self.axes[1] == 1:
                self.norm = (
                    nn.BatchNorm1d(channels, device=device)
                    if len(layer.problem.shape(operator.output)) < 4
                    else (nn.BatchNorm2d(channels, device=device))
                )

    def forward(self, inputs: list[Tensor], grids: list[Grid | None]) -> Tensor:
        """grids: of the inputs, None for one that is not quantised. The result is not quantised."""
        return activate(self.linear(inputs, grids), self.layer.function)

    def linear(self, inputs: list[Tensor], grids: list[Grid | None]) -> Tensor:
        """The result before the activation function."""
        tensors = dict(zip((t for t, _ in self.layer.inputs), inputs, strict=True))
        if self.operand is None:
            found = contract(self.layer.problem, self.layer.padding, tensors)
            n = averaged_over(self.layer.problem)
            return found / n if n > 1 else found
        grid = self.weight_grid()
        tensors[self.operand.name] = self.quantised_weight(grid)
        unit = self.unit(grid, grids)
        if self.settings.partial_sums is not None and unit is not None:
            found = self._in_parts(tensors, unit, self.settings.partial_sums)
        else:
            found = contract(self.layer.problem, self.layer.padding, tensors)
        if self.bias is not None:
            bias = self.bias if unit is None or self.norm is not None else rounded_bias(self.bias, unit)
            found = found + self.along(bias, found)
        normalised: Tensor = found if self.norm is None else self.norm(found)
        kept = self.kept
        return normalised if all(kept) else normalised * self.along(normalised.new_tensor(kept), normalised)

    @property
    def kept(self) -> tuple[bool, ...]:
        """Whether an output channel is there: one whose weights have 0 bits is 0, without bias."""
        return tuple(b > 0 for b in (self.quantiser.bits if self.quantiser else None) or ())

    def weight_grid(self) -> Grid | None:
        """Of shape [output channels, 1]; None for weights that are not quantised."""
        if self.quantiser is None or self.weight is None or self.quantiser.bits is None:
            return None
        return self.quantiser.grid(self.rows(self.weight))

    def quantised_weight(self, grid: Grid | None) -> Tensor:
        """In the layout of the operator; grid: of `weight_grid`."""
        assert self.weight is not None and self.quantiser is not None
        if grid is None:
            return self.weight
        return self.unrowed(self.quantiser.on(grid, self.rows(self.weight)))

    def unit(self, weights: Grid | None, grids: list[Grid | None]) -> Tensor | None:
        """The value that a sum of products of codes counts, per output channel; None unless all is quantised."""
        if weights is None or any(g is None for g in grids):
            return None
        unit = weights.unit.reshape(-1).detach()
        for grid in grids:
            assert grid is not None
            unit = unit * grid.unit.detach()
        return unit

    def rows(self, weight: Tensor) -> Tensor:
        """[output channels, values]"""
        return self._moved(weight).reshape(self.quantiser.channels if self.quantiser else 1, -1)

    def unrowed(self, rows: Tensor) -> Tensor:
        """Rows in the layout of the operator."""
        assert self.weight is not None
        if self.axes is None:
            return rows.reshape(self.weight.shape)
        return rows.reshape(self._moved(self.weight).shape).movedim(0, self.axes[0])

    def fold(self) -> None:
        """Moves the batch normalisation into weights and bias."""
        if self.norm is None or self.weight is None or self.bias is None:
            return
        norm = self.norm
        assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d) and norm.running_var is not None
        assert norm.running_mean is not None and self.axes
        with torch.no_grad():
            gain = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            self.weight.mul_(gain.reshape([-1 if i == self.axes[0] else 1 for i in range(self.weight.dim())]))
            self.bias.copy_((self.bias - norm.running_mean) * gain + norm.bias)
        self.norm = None

    def _in_parts(self, tensors: dict[str, Tensor], unit: Tensor, sums: PartialSums) -> Tensor:
        unit = unit if self.axes else unit.reshape(())
        total: Tensor | None = None
        for problem, parts in portions(self.layer.problem, sums.channels, tensors):
            part = contract(problem, self.layer.padding, parts)
            per = self.along(unit, part)
            counted = part / per
            total = sums.held(straight(counted, counted.round()) + (0 if total is None else total))
        assert total is not None
        return total * self.along(unit, total)

    def along(self, channels: Tensor, out: Tensor) -> Tensor:
        """A value per output channel, shaped to broadcast to the output."""
        if not self.axes:
            return channels
        return channels.reshape([-1 if i == self.axes[1] else 1 for i in range(out.dim())])

    def _moved(self, weight: Tensor) -> Tensor:
        return weight.movedim(self.axes[0], 0) if self.axes else weight.unsqueeze(0)


def activate(x: Tensor, function: str) -> Tensor:
    if function == "relu":
        return torch.relu(x)
    return torch.clamp(x, 0, 6) if function == "relu6" else x


def rounded_bias(bias: Tensor, unit: Tensor) -> Tensor:
    """The bias as a multiple of what an accumulator counts, as hardware adds it."""
    steps = bias / unit
    half = 2.0 ** (BIAS_BITS - 1)
    return straight(steps, torch.clamp(torch.round(steps), -half, half - 1)) * unit


def channel_axes(operator: Operator) -> tuple[int, int] | None:
    """The axis of the weights and of the output that are the output channels: the first dimension on an axis of its own in
    both, as a study splits a layer."""
    plain = {a.dims[0]: i for i, a in enumerate(operator.output.axes) if a.is_plain}
    for i, axis in enumerate(operator.weights[0].axes):
        if axis.is_plain and axis.dims[0] in plain:
            return i, plain[axis.dims[0]]
    return None


def portions(problem: Problem, channels: int, tensors: dict[str, Tensor]) -> list[tuple[Problem, dict[str, Tensor]]]:
    """The operator over so many input channels at a time: the first dimension that is summed over and that all inputs have
    as an axis. A single portion where there is none."""
    operator = problem.operator
    summed = [d for d in operator.dims if d not in operator.output.dims]
    places = {d: {t.name: _axis(t.axes, d) for t in operator.inputs} for d in summed}
    chosen = next((d for d in summed if all(i is not None for i in places[d].values())), None)
    if chosen is None:
        return [(problem, tensors)]
    found = []
    for start in range(0, problem.size(chosen), channels):
        n = min(channels, problem.size(chosen) - start)
        sizes = tuple(n if d == chosen else problem.size(d) for d in operator.dims)
        parts = {name: tensors[name].narrow(i, start, n) for name, i in places[chosen].items() if i is not None}
        found.append((Problem(operator, sizes), parts))
    return found


def _axis(axes: tuple[Axis, ...], dim: str) -> int | None:
    return next((i for i, a in enumerate(axes) if a.is_plain and a.dims[0] == dim), None)


def _initial(
    shape: tuple[int, ...], problem: Problem, generator: torch.Generator, device: torch.device | str
) -> Tensor:
    """Normal, so that the variance of rectified activations is kept (He et al., 2015). The same on every device."""
    if torch.device(device).type == "meta":
        return torch.empty(shape, device=device)
    deviation = (2 / max(1, problem.summands)) ** 0.5
    drawn: Tensor = torch.randn(shape, generator=generator) * deviation
    return drawn.to(device)
