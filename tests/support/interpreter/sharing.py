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

    At every fan-out the branches that hold the same tiles in the same positions are one, if the fan-out can share the
    tensor; their inner fan-outs are looked at only inside one branch.
    """
    if not fanouts:
        return [address]
    branches = [address + local for local in nest.branches(fanouts[0])]
    if _shares(nest, tensor, fanouts[0]):
        seen: dict[tuple[Box, ...], Address] = {}
        for branch in branches:
            held = tuple(tiles[leaf] for leaf in _leaves(nest, fanouts[1:], branch))
            seen.setdefault(held, branch)
        branches = list(seen.values())
    return [leaf for branch in branches for leaf in representatives(nest, tensor, fanouts[1:], branch, tiles)]


def _shares(nest: LoopNest, tensor: Tensor, fanout: int) -> bool:
    part = nest.accelerator.hierarchy[fanout]
    assert isinstance(part, FanOut)
    names = part.reduce if tensor.is_output else part.multicast
    return names is None or tensor.name in names


def _leaves(nest: LoopNest, fanouts: Sequence[int], address: Address) -> list[Address]:
    """Addresses of all children below an address."""
    found = [address]
    for fanout in fanouts:
        found = [around + local for around in found for local in nest.branches(fanout)]
    return found
