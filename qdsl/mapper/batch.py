"""A batch: one problem at many bit-width assignments that share the geometry and differ in packing only."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from qdsl.mapper.measure import ENERGY, Measure
from qdsl.mapspace.space import Space
from qdsl.model.accelerator import StorageLevel
from qdsl.model.operator import Tensor
from qdsl.symbolic.functions import ceil_div
from qdsl.symbolic.nest import sliding_axis
from qdsl.symbolic.widths import Packing, packing_at

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array, Ints


@dataclass(frozen=True, slots=True)
class Costing:
    """How rows count the traffic of a tensor. packing: per item that keeps it."""

    packing: MappingABC[int, Packing]
    measure: Measure


@dataclass(frozen=True)
class Batch:
    """bits: the assignments; every one fits the words of all levels. measures: what the costs of each are. Axis 0 of every
    cost array, its row, is the assignment with its measure."""

    space: Space
    bits: tuple[MappingABC[str, int], ...]
    measures: tuple[Measure, ...]
    shared: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)
    """What plans have in common, by what it depends on."""

    @classmethod
    def of_energies(cls, space: Space, bits: Sequence[MappingABC[str, int]]) -> Batch:
        """The energy of every assignment."""
        return cls(space, tuple(bits), (ENERGY,) * len(bits))

    @classmethod
    def of_measures(cls, space: Space, bits: MappingABC[str, int], measures: Sequence[Measure]) -> Batch:
        """Several measures of one assignment."""
        return cls(space, (bits,) * len(measures), tuple(measures))

    @cached_property
    def dims(self) -> tuple[str, ...]:
        """Dimensions with more than one iteration: the axes 1, 2, ... of every cost array."""
        problem = self.space.problem
        return tuple(d for d in problem.operator.dims if problem.size(d) > 1)

    @cached_property
    def tensors(self) -> tuple[Tensor, ...]:
        return self.space.problem.operator.tensors

    @cached_property
    def keepers(self) -> tuple[tuple[int, ...], ...]:
        """Per tensor the items of the levels that keep it, innermost first."""
        hierarchy = self.space.accelerator.hierarchy
        return tuple(
            tuple(
                i
                for i in reversed(range(len(hierarchy)))
                if isinstance(part := hierarchy[i], StorageLevel) and part.keeps(t.name)
            )
            for t in self.tensors
        )

    @cached_property
    def costings(self) -> tuple[tuple[tuple[Costing, ...], Ints], ...]:
        """Per tensor the different ways in which rows count its traffic and, per row, which one it has."""
        out = []
        for t, items in zip(self.tensors, self.keepers, strict=True):
            packed = [tuple(packing_at(self.level(i), t.name, self.space.problem, b) for i in items) for b in self.bits]
            rows = list(zip(packed, (m.of(t.name) for m in self.measures), strict=True))
            distinct = list(dict.fromkeys(rows))
            index = np.array([distinct.index(r) for r in rows])
            out.append((tuple(Costing(dict(zip(items, p, strict=True)), m) for p, m in distinct), index))
        return tuple(out)

    def cycles(self, steps: Ints) -> Array:
        """float64[rows, n]: cycles of the compute units for so many steps; a bandwidth can only add to them."""
        each, index = self._cycles_of_one
        cycles = [ceil_div(steps * c.numerator, c.denominator) for c in each]
        found: Array = np.array(cycles, dtype=float)[index]
        return found

    @cached_property
    def _cycles_of_one(self) -> tuple[tuple[Fraction, ...], Ints]:
        """The different numbers of cycles of one operation and, per assignment, which one it has."""
        compute, problem = self.space.accelerator.compute, self.space.problem
        cycles = [compute.cycles_per_operation(problem, b) for b in self.bits]
        distinct = tuple(dict.fromkeys(cycles))
        return distinct, np.array([distinct.index(c) for c in cycles])

    def fixed(self, steps: Ints) -> Array:
        """float64[rows, n]: energy of the operations, and of the leakage during `cycles`; 0 of other measures."""
        leakage_pj = self.space.accelerator.leakage_pj
        leaking_pj = leakage_pj * self.cycles(steps) if leakage_pj else np.zeros((1, len(steps)))
        weighted: Array = (self._operations_pj[:, None] + leaking_pj) * np.array([[m.energy] for m in self.measures])
        return weighted

    @cached_property
    def _operations_pj(self) -> Array:
        accelerator, problem = self.space.accelerator, self.space.problem
        operations = [problem.operations * accelerator.compute.operation_pj(problem, b) for b in self.bits]
        return np.array(operations, dtype=float)

    @cached_property
    def relevant(self) -> tuple[frozenset[str], ...]:
        """Per tensor its relevant dimensions with more than one iteration."""
        return tuple(frozenset(t.dims) & frozenset(self.dims) for t in self.tensors)

    @cached_property
    def sliding(self) -> tuple[frozenset[str], ...]:
        """Per tensor the dimensions whose loop, if innermost, can leave an overlap in place or tiles with a neighbour."""
        problem = self.space.problem
        fanouts = self.space.accelerator.fanouts
        out = []
        for t in self.tensors:
            found = set()
            for d in self.dims if not t.is_output else ():
                axis = sliding_axis(t, d)
                if axis is not None:
                    step = next(x.coefficient for x in axis.terms if x.dim == d)
                    others = sum(x.coefficient * (problem.size(x.dim) - 1) for x in axis.terms if x.dim != d)
                    # the overlap 1 + c(e-1) + others - c*step is at most 1 - c + others, as step >= e
                    if 1 - step + others > 0 or any(t.name in f.forward for f in fanouts):
                        found.add(d)
            out.append(frozenset(found))
        return tuple(out)

    def level(self, item: int) -> StorageLevel:
        part = self.space.accelerator.hierarchy[item]
        assert isinstance(part, StorageLevel)
        return part

    def parent(self, tensor: int, child: int) -> int | None:
        """The next outer item that keeps a tensor; None for the outermost. `child` may be the compute units."""
        items = self.keepers[tensor]
        outer = [i for i in items if i < child]
        return outer[0] if outer else None
