"""Dimensions that nothing tells apart, as rows and columns of a square convolution: renaming them turns mappings into others of
the same cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping as MappingABC
from itertools import combinations

from qdsl.mapspace.space import Space
from qdsl.model.operator import Tensor

Renaming = MappingABC[str, str]


def renamings(space: Space) -> tuple[Renaming, ...]:
    """Swaps of two dimensions, or of two pairs at once, that leave every tensor and every rule of the space as it is."""
    if any(space.orders.values()) or space.spatial or any(space.levels.values()):
        return ()
    dims = [d for d in space.problem.operator.dims if space.problem.size(d) > 1]
    alike = [(a, b) for a, b in combinations(dims, 2) if _rules(space, a) == _rules(space, b)]
    pairs = [(p, q) for p, q in combinations(alike, 2) if not {*p} & {*q}]
    swaps = [_swap(p) for p in alike] + [_swap(p, q) for p, q in pairs]
    return tuple(s for s in swaps if all(_axes(t, s) == _axes(t, {}) for t in space.problem.operator.tensors))


def _swap(*pairs: tuple[str, str]) -> Renaming:
    return {x: y for a, b in pairs for x, y in ((a, b), (b, a))}


def _rules(space: Space, dim: str) -> tuple[object, ...]:
    """All that is said of one dimension."""
    problem, accelerator = space.problem, space.accelerator
    places = {p for p, d in space.factors if d == dim}
    factors = sorted((p, space.factors[p, dim]) for p in places)
    tiles = [space.tiles.get((level.name, dim)) for level in accelerator.levels]
    return problem.size(dim), problem.unpadded.size(dim), factors, tiles


def _axes(tensor: Tensor, renaming: Renaming) -> Counter[frozenset[tuple[str, int]]]:
    return Counter(frozenset((renaming.get(t.dim, t.dim), t.coefficient) for t in a.terms) for a in tensor.axes)
