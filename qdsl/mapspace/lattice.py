"""Tile extents as an array's axes: a prime of a dimension is an axis, its exponent the index along it.

Every extent divides its dimension's size, so an array over this lattice has an element for every combination of extents,
and dividing an extent by a factor is a shift, a slice of the array.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from qdsl.model.operator import Problem
from qdsl.symbolic.nest import tile_values

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

Slices = tuple[slice, ...]


@lru_cache(maxsize=64)
def lattice_of(problem: Problem) -> Lattice:
    """The lattice of a problem, made once."""
    return Lattice(problem)


@dataclass(frozen=True)
class Lattice:
    """The extents of the tiles of one problem."""

    problem: Problem

    @cached_property
    def axes(self) -> tuple[tuple[str, int, int], ...]:
        """(dimension, prime, exponent in the dimension's size), in the order of the dimensions."""
        sizes = zip(self.problem.operator.dims, self.problem.sizes, strict=True)
        return tuple((d, p, n) for d, size in sizes for p, n in prime_exponents(size))

    @cached_property
    def shape(self) -> tuple[int, ...]:
        return tuple(n + 1 for _, _, n in self.axes)

    @cached_property
    def whole(self) -> tuple[int, ...]:
        """The index where every extent is its dimension's size; all zeros stands for extents of 1."""
        return tuple(n for _, _, n in self.axes)

    def shift(self, dim: str, factor: int) -> tuple[Slices, Slices]:
        """(extents that a factor divides, these divided by it), as slices of all axes."""
        source, target = [], []
        for d, prime, n in self.axes:
            k = exponent_of(prime, factor) if d == dim else 0
            source.append(slice(k, n + 1))
            target.append(slice(0, n + 1 - k))
        return tuple(source), tuple(target)

    def multiples_summed(self, array: Ints, dim: str) -> Ints:
        """At every index the sum over all multiples of a dimension's extent. The extents are the array's last axes."""
        import numpy as np

        for axis, (d, _, _) in enumerate(self.axes, start=-len(self.axes)):
            if d == dim:
                array = np.flip(np.cumsum(np.flip(array, axis), axis=axis), axis)
        return array

    def extents(self, dim: str) -> Ints:
        """The extent of a dimension at every index, of length 1 along the axes of other dimensions."""
        import numpy as np

        extents: Ints = np.ones([1] * len(self.axes), dtype=self._dtype)
        for axis, (d, prime, n) in enumerate(self.axes):
            if d == dim:
                shape = [n + 1 if a == axis else 1 for a in range(len(self.axes))]
                extents = extents * np.array([prime**k for k in range(n + 1)], dtype=self._dtype).reshape(shape)
        return extents

    @cached_property
    def values(self) -> dict[str, Ints]:
        """Per tensor the values of its tile, at every index (broadcastable to the shape)."""
        tile = {d: self.extents(d) for d in self.problem.operator.dims}
        return {t.name: tile_values(t, tile) for t in self.problem.operator.tensors}

    def allowed(self, dim: str, extents: Iterable[int]) -> Any:
        """bool, broadcastable to the shape: whether a dimension has one of the extents."""
        import numpy as np

        return np.isin(self.extents(dim), np.array(sorted(extents), dtype=self._dtype))

    @cached_property
    def _dtype(self) -> type:
        """Python's integers where the bits of all tensors together might not fit int64."""
        import numpy as np

        values = sum(self.problem.values(t) for t in self.problem.operator.tensors)
        return np.int64 if max(values, *self.problem.sizes) < 2**48 else object


def prime_exponents(n: int) -> tuple[tuple[int, int], ...]:
    """(prime, exponent) of n >= 1, primes ascending."""
    found = []
    prime = 2
    while n > 1:
        if prime * prime > n:
            prime = n
        if exponent := exponent_of(prime, n):
            found.append((prime, exponent))
            n //= prime**exponent
        prime += 1
    return tuple(found)


def exponent_of(prime: int, n: int) -> int:
    """How often a prime divides n >= 1."""
    exponent = 0
    while n % prime == 0:
        n //= prime
        exponent += 1
    return exponent
