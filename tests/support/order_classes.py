"""The class of a mapping up to loop orders that no count depends on, read off its loops tile by tile."""

from __future__ import annotations

from qdsl.model.accelerator import Accelerator
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem, Tensor


def order_class(accelerator: Accelerator, problem: Problem, mapping: Mapping) -> object:
    """Equal for mappings of one class: the factors, what is kept, and for every tile below the backing store which loops
    leave it in place and which one slides its window."""
    machine = accelerator.resolved(mapping.bypass)
    tiles = [
        (tensor.name, level.name, _unchanging(machine, problem, mapping, tensor, i))
        for tensor in problem.operator.tensors
        for i, level in enumerate(machine.levels[1:], 1)
        if level.keeps(tensor.name)
    ]
    return placement(mapping), tuple(tiles)


def placement(mapping: Mapping) -> object:
    """The factors at all places and what is kept."""
    return mapping.bypass, tuple((p, frozenset((x.dim, x.factor) for x in loops)) for p, loops in mapping.places)


def _unchanging(machine: Accelerator, problem: Problem, mapping: Mapping, tensor: Tensor, level: int) -> object:
    outside = [(x.name, loop.dim) for x in reversed(machine.levels[:level]) for loop in reversed(mapping.loops(x.name))]
    relevant = [i for i, (_, dim) in enumerate(outside) if dim in tensor.dims]
    inside = outside[: relevant[0]] if relevant else outside
    slides = outside[:1] if outside and _slides(problem, tensor, outside[0][1]) else []
    return frozenset(inside), tuple(slides)


def _slides(problem: Problem, tensor: Tensor, dim: str) -> bool:
    """Whether a loop over a dimension moves an input's tile along just one axis, which has other dimensions too."""
    axes = [axis for axis in tensor.axes if dim in axis.dims]
    if tensor.is_output or len(axes) != 1:
        return False
    return any(problem.size(other) > 1 for other in axes[0].dims if other != dim)
