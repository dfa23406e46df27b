"""Operators as einsums with affine indices, and operators with sizes (problems).

Invariant: every dimension of a problem has a size of at least 1, every coefficient is a positive integer,
and every dimension occurs at most once in an axis.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from math import gcd, prod

from qdsl.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Term:
    """`coefficient * dim` inside an axis expression."""

    dim: str
    coefficient: int


@dataclass(frozen=True)
class Axis:
    """One axis of a tensor: a sum of terms. Its extent for tile extents e is 1 + sum c_i * (e_i - 1)."""

    terms: tuple[Term, ...]

    @cached_property
    def dims(self) -> tuple[str, ...]:
        return tuple(t.dim for t in self.terms)

    @property
    def is_plain(self) -> bool:
        """Whether the axis is one dimension as it is."""
        return len(self.terms) == 1 and self.terms[0].coefficient == 1


@dataclass(frozen=True)
class Tensor:
    """A tensor of an operator. `is_weight`: a parameter of the network rather than an activation."""

    name: str
    axes: tuple[Axis, ...]
    is_output: bool = False
    is_weight: bool = False

    @cached_property
    def dims(self) -> tuple[str, ...]:
        """Dimensions the tensor depends on (its relevant dimensions), in order of appearance."""
        return tuple(dict.fromkeys(d for axis in self.axes for d in axis.dims))


@dataclass(frozen=True)
class Operator:
    """An einsum with its parameters bound: coefficients are numbers here.

    reduction: how the iterations that meet in one output value are combined: 'sum', 'max', or 'none' where none do. The
    output is the last tensor. parameters: the names and values from which the coefficients come. combine: what joins the
    inputs, '*' or '+'; nothing that is counted depends on it.
    """

    name: str
    dims: tuple[str, ...]
    tensors: tuple[Tensor, ...]
    reduction: str
    parameters: tuple[tuple[str, int], ...] = field(default=(), compare=False)
    span: Span | None = field(default=None, compare=False, repr=False)
    combine: str = field(default="*", compare=False, repr=False)

    @cached_property
    def output(self) -> Tensor:
        return next(t for t in self.tensors if t.is_output)

    @cached_property
    def inputs(self) -> tuple[Tensor, ...]:
        return tuple(t for t in self.tensors if not t.is_output)

    @property
    def combines(self) -> bool:
        """Whether several iterations meet in one output value: over a dimension that the output lacks, or where several
        share an axis of it."""
        return set(self.output.dims) != set(self.dims) or any(len(a.terms) > 1 for a in self.output.axes)

    @property
    def weights(self) -> tuple[Tensor, ...]:
        return tuple(t for t in self.tensors if t.is_weight)

    def sliding(self, axis: Axis) -> str | None:
        """The dimension along which the window of an axis moves: of several that are added, the first that the output has;
        None for an axis of one term, which has no window."""
        if len(axis.terms) == 1:
            return None
        return next((d for d in axis.dims if d in self.output.dims), axis.dims[0])

    def tensor(self, name: str) -> Tensor:
        return next(t for t in self.tensors if t.name == name)


@dataclass(frozen=True)
class Problem:
    """An operator with sizes: what a mapping maps. `sizes` follows `operator.dims`.

    Equality is identity for the cost model: two layers with equal problems are solved once. needed: the sizes without the
    zeros that pad them, if these are others.
    """

    operator: Operator
    sizes: tuple[int, ...]
    needed: tuple[int, ...] | None = None

    def padded(self, sizes: tuple[int, ...]) -> Problem:
        """With zeros up to other sizes."""
        return self if sizes == self.sizes else Problem(self.operator, sizes, self.needed or self.sizes)

    @property
    def unpadded(self) -> Problem:
        """Without the zeros."""
        return Problem(self.operator, self.needed) if self.needed else self

    @cached_property
    def _size(self) -> dict[str, int]:
        return dict(zip(self.operator.dims, self.sizes, strict=True))

    def size(self, dim: str) -> int:
        """Size of a dimension; 1 for a dimension the operator does not have."""
        return self._size.get(dim, 1)

    @property
    def operations(self) -> int:
        """Multiply-accumulates (or additions, comparisons) of the whole problem."""
        return prod(self.sizes)

    @property
    def summands(self) -> int:
        """How many operations, other than with zeros that pad the sizes, add up to one output value, at most."""
        output = self.operator.output
        size = dict(zip(self.operator.dims, self.needed or self.sizes, strict=True))
        over = prod(n for d, n in size.items() if d not in output.dims)
        return over * prod(_meeting([(t.coefficient, size[t.dim]) for t in a.terms]) for a in output.axes)

    def shape(self, tensor: Tensor) -> tuple[int, ...]:
        """Extent of each axis of the whole tensor."""
        return tuple(1 + sum(t.coefficient * (self.size(t.dim) - 1) for t in a.terms) for a in tensor.axes)

    def values(self, tensor: Tensor) -> int:
        """Number of values in the whole tensor."""
        return self._values[tensor.name]

    @cached_property
    def _values(self) -> dict[str, int]:
        return {t.name: prod(self.shape(t)) for t in self.operator.tensors}


def _meeting(terms: list[tuple[int, int]]) -> int:
    """How many different k_i < size_i have the same sum of c_i * k_i, at most; exact for two. terms: (c_i, size_i)."""
    if len(terms) == 1:
        return 1
    every = prod(size for _, size in terms)
    found = []
    for (a, n), (b, m) in combinations(terms, 2):
        g = gcd(a, b)
        # the next pair with the same sum is b / g and a / g further on
        found.append(every // (n * m) * min(-(-n * g // b), -(-m * g // a)))
    return min(found)
