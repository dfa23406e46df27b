"""Evaluating many mappings of one layer through one kernel per choice of kept tensors, whatever the orders of their loops.

A kernel's loops stand in one order. Where the mappings have one order in common at a place, that is the kernel's;
else its loops go over all dimensions again and again, so that every order is a part of theirs: a loop of one iteration
counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from qdsl.model.accelerator import Accelerator, Bypass
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic.evaluate import evaluate
from qdsl.symbolic.kernel import Evaluated, EvaluationKernel, evaluation_kernel
from qdsl.symbolic.legality import legality
from qdsl.symbolic.result import Evaluation
from qdsl.symbolic.widths import widths_of

# The dimensions of loops at one place, outermost first.
_Order: TypeAlias = tuple[str, ...]

WORTHWHILE = 200
"""So many mappings take longer one by one than making a kernel for them takes, ..."""
WORTHWHILE_IN_ROUNDS = 1000
"""... and so many if loops of one place stand in different orders."""


@dataclass(frozen=True)
class Evaluations:
    """legal (bool), energy_pj, cycles and accesses, words read from and written to the outermost level (float64): arrays in
    the order of the mappings."""

    legal: Any
    energy_pj: Any
    cycles: Any
    accesses: Any
    _found: Sequence[tuple[Evaluated | Evaluation, int]] = field(repr=False, compare=False)

    def __len__(self) -> int:
        return len(self._found)

    def at(self, index: int) -> Evaluation:
        """What `evaluate` gives for the mapping."""
        found, row = self._found[index]
        return found if isinstance(found, Evaluation) else found.at(row)


def evaluate_many(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], mappings: Sequence[Mapping]
) -> Evaluations:
    """`evaluate` and `legality` of mappings, which need not be legal. Arguments and errors as of `evaluate`."""
    return Evaluator(accelerator, problem, bits).evaluate(mappings)


@dataclass
class Evaluator:
    """`evaluate_many` for mappings of one layer that come bit by bit: its kernels are used again."""

    accelerator: Accelerator
    problem: Problem
    bits: MappingABC[str, int]
    _kernels: dict[Bypass, _Kernel] = field(init=False, default_factory=dict)

    def evaluate(self, mappings: Sequence[Mapping]) -> Evaluations:
        import numpy as np

        legal = np.empty(len(mappings), dtype=bool)
        energy_pj, cycles, accesses = (np.empty(len(mappings)) for _ in range(3))
        found: dict[int, tuple[Evaluated | Evaluation, int]] = {}
        alike: dict[Bypass, list[int]] = {}
        for i, mapping in enumerate(mappings):
            if not mapping.imperfect and any(loops for _, loops in mapping.places):
                alike.setdefault(mapping.bypass, []).append(i)
        for bypass, indices in alike.items():
            kernel = self._kernels.setdefault(bypass, _Kernel(self.accelerator, self.problem, self.bits, bypass))
            rows, together = kernel.evaluate(indices, mappings)
            if together is not None:
                legal[rows] = together.legal
                numbers = together.numbers
                energy_pj[rows], cycles[rows], accesses[rows] = numbers.energy_pj, numbers.cycles, _accesses(numbers)
                found |= {i: (together, row) for row, i in enumerate(rows)}
        for i, mapping in enumerate(mappings):
            if i not in found:
                one = evaluate(self.accelerator, self.problem, self.bits, mapping)
                legal[i] = not legality(self.accelerator, self.problem, self.bits, mapping, None)
                energy_pj[i], cycles[i], accesses[i] = one.energy_pj, one.cycles, _accesses(one)
                found[i] = one, 0
        return Evaluations(legal, energy_pj, cycles, accesses, [found[i] for i in range(len(mappings))])


@dataclass
class _Kernel:
    """The kernel of one choice of kept tensors. orders: per place that of its loops, which holds those of all mappings so
    far; positions: where the loops of an order stand in it, None if one dimension has several of them."""

    accelerator: Accelerator
    problem: Problem
    bits: MappingABC[str, int]
    bypass: Bypass
    seen: int = 0
    orders: dict[str, _Order] = field(default_factory=dict)
    positions: dict[tuple[str, _Order], tuple[int, ...] | None] = field(default_factory=dict)

    def evaluate(self, indices: Sequence[int], mappings: Sequence[Mapping]) -> tuple[list[int], Evaluated | None]:
        """The indices of the mappings that go through the kernel, with their numbers; None if it does not have them
        exactly, or if making it is not worth while."""
        loops = {i: [(p, tuple(x.dim for x in found)) for p, found in mappings[i].places] for i in indices}
        self._take_in(order for found in loops.values() for order in found)
        self.seen += len(indices)
        if self.seen < (WORTHWHILE_IN_ROUNDS if self.in_rounds else WORTHWHILE):
            return [], None
        rows = [i for i in indices if all(self.positions[order] is not None for order in loops[i])]
        kernel = evaluation_kernel(self.accelerator.resolved(self.bypass), self.problem.operator, self.orders)
        return rows, self._through(kernel, [(mappings[i], loops[i]) for i in rows]) if rows else None

    def _take_in(self, found: Iterable[tuple[str, _Order]]) -> None:
        """Makes room for orders that have not been seen before."""
        new = [x for x in dict.fromkeys(found) if x not in self.positions]
        wider = dict(self.orders)
        for place, order in new:
            if len(set(order)) == len(order):
                wider[place] = _wider(wider.get(place, ()), order, place in self._spatial)
        moved = {place for place in wider if wider[place] != self.orders.get(place)}
        self.orders = wider
        for place, order in [x for x in self.positions if x[0] in moved] + new:
            self.positions[place, order] = _positions(order, wider.get(place, ()), place in self._spatial)

    @property
    def in_rounds(self) -> bool:
        return any(len(set(order)) < len(order) for order in self.orders.values())

    @property
    def _spatial(self) -> set[str]:
        return {place for fanout in self.accelerator.fanouts for place in fanout.places}

    def _through(
        self, kernel: EvaluationKernel, given: Sequence[tuple[Mapping, Sequence[tuple[str, _Order]]]]
    ) -> Evaluated | None:
        import numpy as np

        first: dict[str, int] = {}
        for i, (place, _) in enumerate(kernel.loops):
            first.setdefault(place, i)
        factors = np.ones((len(kernel.loops), len(given)), dtype=np.int64)
        cells = [
            (first[place] + position, row, loop.factor)
            for row, (mapping, orders) in enumerate(given)
            for (place, loops), key in zip(mapping.places, orders, strict=True)
            for position, loop in zip(self.positions[key] or (), loops, strict=True)
        ]
        at, rows, values = np.array(cells, dtype=np.int64).T
        factors[at, rows] = values
        if any(factors[i].min() == 1 for i in kernel.apart):
            return None
        try:
            return kernel(list(factors), widths_of(self.accelerator.resolved(self.bypass), self.problem, self.bits))
        except OverflowError:
            return None


def _accesses(found: Evaluation) -> int:
    return sum(x.reads + x.fills + x.updates for _, x in found.levels[0].tensors)


def _wider(order: _Order, other: _Order, spatial: bool) -> _Order:
    """An order that has both in it."""
    if _positions(other, order, spatial) is not None:
        return order
    dims = tuple(dict.fromkeys((*order, *other)))
    merged = tuple(sorted(dims)) if spatial else _merged(order, other) if len(set(order)) == len(order) else None
    # every order of n dimensions is a part of n rounds, of the last of which it needs the first one at most
    return merged or dims * (len(dims) - 1) + dims[:1]


def _positions(order: _Order, inside: _Order, spatial: bool) -> tuple[int, ...] | None:
    """Where the loops of an order stand in a longer one; None if they do not. That of spatial loops means nothing."""
    if len(set(order)) < len(order) or not {*order} <= {*inside}:
        return None
    if spatial:
        return tuple(map(inside.index, order))
    found: list[int] = []
    for dim in order:
        try:
            found.append(inside.index(dim, found[-1] + 1 if found else 0))
        except ValueError:
            return None
    return tuple(found)


def _merged(a: Sequence[str], b: Sequence[str]) -> _Order | None:
    """An order that has both in it, each dimension once, None if they contradict each other."""
    out: list[str] = []
    rest = list(a)
    for dim in b:
        if dim in rest:
            cut = rest.index(dim) + 1
            out, rest = out + rest[:cut], rest[cut:]
        elif dim in a:
            return None
        else:
            out.append(dim)
    return (*out, *rest)
