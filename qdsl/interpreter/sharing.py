"""Which instances are served by one read, or reduced into one update."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qdsl.interpreter.nest import Address, Box, LoopNest
from qdsl.model.accelerator import FanOut
from qdsl.model.operator import Tensor


def fanouts_between(nest: LoopNest, parent: int, child: int) -> list[int]:
    """Items of the fan-outs between two items, outermost first."""
    return [i for i in range(parent + 1, child) if isinstance(nest.accelerator.hierarchy[i], FanOut)]


def groups(
    nest: LoopNest, tensor: Tensor, fanouts: Sequence[int], together: Sequence[Address], tile: Callable[[Address], Box]
) -> list[list[Address]]:
    """The children below an instance, or several that are served `together`, in groups that are served together.

    At every fan-out the branches whose tiles coincide are one, if the fan-out can share the tensor; their inner fan-outs
    are looked at only inside one branch. tile: with what lies past the ends of dimensions, so that a branch in which some
    instances have nothing to do belongs to a group as well; groups name such instances too.
    """
    if not fanouts:
        return [list(together)]
    branches: dict[object, list[Address]] = {}
    for local in nest.branches(fanouts[0]):
        branch = [address + local for address in together]
        key = _group(nest, tensor, fanouts, branch[0], tile) if _shares(nest, tensor, fanouts[0]) else local
        branches.setdefault(key, []).extend(branch)
    return [group for branch in branches.values() for group in groups(nest, tensor, fanouts[1:], branch, tile)]


def _group(
    nest: LoopNest, tensor: Tensor, fanouts: Sequence[int], branch: Address, tile: Callable[[Address], Box]
) -> object:
    """What the branches of a group have in common: the tiles inside them, or, where diagonals are separate, the position
    in all dimensions of the tensor."""
    if _fanout(nest, fanouts[0]).separate_diagonals:
        counters = [c for c in nest.spatial if c.item <= fanouts[0]]
        return tuple(i for c, i in zip(counters, branch, strict=True) if c.dim in tensor.dims)
    return tuple(tile(leaf) for leaf in _leaves(nest, fanouts[1:], branch))


def _shares(nest: LoopNest, tensor: Tensor, fanout: int) -> bool:
    names = _fanout(nest, fanout).reduce if tensor.is_output else _fanout(nest, fanout).multicast
    return names is None or tensor.name in names


def _fanout(nest: LoopNest, item: int) -> FanOut:
    part = nest.accelerator.hierarchy[item]
    assert isinstance(part, FanOut)
    return part


def _leaves(nest: LoopNest, fanouts: Sequence[int], address: Address) -> list[Address]:
    """Addresses of all children below an address."""
    found = [address]
    for fanout in fanouts:
        found = [around + local for around in found for local in nest.branches(fanout)]
    return found
