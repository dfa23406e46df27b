"""Evaluating many mappings of one layer: those whose loops fit into a common order go through one kernel together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from qdsl.model.accelerator import Accelerator, Bypass
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic.evaluate import evaluate
from qdsl.symbolic.kernel import Evaluated, evaluation_kernel
from qdsl.symbolic.legality import legality
from qdsl.symbolic.result import Evaluation
from qdsl.symbolic.widths import widths_of

# Per place of the accelerator the dimensions of its loops, outermost first.
_Orders: TypeAlias = tuple[tuple[str, ...], ...]

WORTHWHILE = 200
"""So many mappings take longer one by one than making a kernel for them takes."""
KERNELS = 32
"""At most so many for one call: mappings with little in common are evaluated one by one sooner than they are grouped."""


@dataclass(frozen=True)
class Evaluations:
    """legal (bool), energy_pj and cycles (float64): arrays in the order of the mappings."""

    legal: Any
    energy_pj: Any
    cycles: Any
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
    import numpy as np

    legal = np.empty(len(mappings), dtype=bool)
    energy_pj, cycles = np.empty(len(mappings)), np.empty(len(mappings))
    found: dict[int, tuple[Evaluated | Evaluation, int]] = {}
    for bypass, orders, rows in _groups(accelerator, mappings):
        together = _through_kernel(accelerator.resolved(bypass), problem, bits, orders, [mappings[i] for i in rows])
        if together is not None:
            legal[rows] = together.legal
            energy_pj[rows], cycles[rows] = together.numbers.energy_pj, together.numbers.cycles
            found |= {i: (together, row) for row, i in enumerate(rows)}
    for i, mapping in enumerate(mappings):
        if i not in found:
            one = evaluate(accelerator, problem, bits, mapping)
            legal[i] = not legality(accelerator, problem, bits, mapping, None)
            energy_pj[i], cycles[i] = one.energy_pj, one.cycles
            found[i] = one, 0
    return Evaluations(legal, energy_pj, cycles, [found[i] for i in range(len(mappings))])


def _through_kernel(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], orders: _Orders, mappings: Sequence[Mapping]
) -> Evaluated | None:
    """None if a kernel does not have the numbers exactly."""
    import numpy as np

    kernel = evaluation_kernel(accelerator, problem.operator, dict(zip(accelerator.places, orders, strict=True)))
    given = [{(place, loop.dim): loop.factor for place, loops in m.places for loop in loops} for m in mappings]
    try:
        factors = [np.array([of.get(loop, 1) for of in given], dtype=np.int64) for loop in kernel.loops]
        if any(factors[i].min() == 1 for i in kernel.apart):
            return None
        return kernel(factors, widths_of(accelerator, problem, bits))
    except OverflowError:
        return None


def _groups(accelerator: Accelerator, mappings: Sequence[Mapping]) -> Iterator[tuple[Bypass, _Orders, list[int]]]:
    """Large groups of mappings whose loops keep to one order at every place, by index."""
    alike: dict[tuple[Bypass, _Orders], list[int]] = {}
    for i, mapping in enumerate(mappings):
        orders = _orders(accelerator, mapping)
        if any(orders) and not mapping.imperfect and all(len(set(order)) == len(order) for order in orders):
            alike.setdefault((mapping.bypass, orders), []).append(i)
    groups: list[tuple[Bypass, _Orders, list[int]]] = []
    for (bypass, orders), rows in sorted(alike.items(), key=lambda item: -len(item[1])):
        for i, (other, wider, others) in enumerate(groups):
            merged = [_merged(a, b) for a, b in zip(wider, orders, strict=True)]
            if other == bypass and all(order is not None for order in merged):
                groups[i] = bypass, tuple(order for order in merged if order is not None), others + rows
                break
        else:
            if len(groups) < KERNELS:
                groups.append((bypass, orders, rows))
    return (group for group in groups if len(group[2]) >= WORTHWHILE)


def _orders(accelerator: Accelerator, mapping: Mapping) -> _Orders:
    """That of spatial loops means nothing; they are sorted."""
    spatial = {place for fanout in accelerator.fanouts for place in fanout.places}
    dims = ((place, [loop.dim for loop in mapping.loops(place)]) for place in accelerator.places)
    return tuple(tuple(sorted(order) if place in spatial else order) for place, order in dims)


def _merged(a: Sequence[str], b: Sequence[str]) -> tuple[str, ...] | None:
    """An order that has both in it, None if they contradict each other."""
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
