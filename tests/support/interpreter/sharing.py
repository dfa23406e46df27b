"""Which instances are served by one read, or reduced into one update."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from qdsl.model.accelerator import FanOut
from qdsl.model.operator import Tensor
from tests.support.interpreter.nest import Address, Box, LoopNest


def fanouts_between(nest: LoopNest, parent: int, child: int) -> list[int]:
    """Items of the fan-outs between two items, outermost first."""
    return [i for i in range(parent + 1, child) if isinstance(nest.accelerator.hierarchy[i], FanOut)]


def representatives(
    nest: LoopNest, tensor: Tensor, fanouts: Sequence[int], address: Address, tiles: Mapping[Address, Box]
) -> list[Address]:
    """One child per group below the instance at `address`.

    At every fan-out the branches whose tiles coincide are one, if the fan-out can share the tensor; their inner fan-outs
    are looked at only inside one branch.
    """
    if not fanouts:
        return [address]
    branches = [address + local for local in nest.branches(fanouts[0])]
    if _shares(nest, tensor, fanouts[0]):
        seen: dict[object, Address] = {}
        for branch in branches:
            seen.setdefault(_group(nest, tensor, fanouts, branch, tiles), branch)
        branches = list(seen.values())
    return [leaf for branch in branches for leaf in representatives(nest, tensor, fanouts[1:], branch, tiles)]


def _group(
    nest: LoopNest, tensor: Tensor, fanouts: Sequence[int], branch: Address, tiles: Mapping[Address, Box]
) -> object:
    """What the branches of a group have in common: the tiles inside them, or, where diagonals are separate, the position
    in all dimensions of the tensor."""
    if _fanout(nest, fanouts[0]).separate_diagonals:
        counters = [c for c in nest.spatial if c.item <= fanouts[0]]
        return tuple(i for c, i in zip(counters, branch, strict=True) if c.dim in tensor.dims)
    return tuple(tiles[leaf] for leaf in _leaves(nest, fanouts[1:], branch))


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
