"""Every mapping of a layer that fixed loop orders and `only` constraints leave: factor tuples, for counting spaces."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Only
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem
from tests.support.brute_force import factorisations


def factor_mappings(
    accelerator: Accelerator, problem: Problem, constraints: Sequence[Constraint], order: Sequence[str]
) -> Iterator[Mapping]:
    """One mapping per choice of factors at the places where `Only` constraints admit a dimension.

    order: dimensions outermost first, in which loops stand at every place. Other constraints are not checked.
    """
    only = {c.place: c.dims for c in constraints if isinstance(c, Only)}
    dims = [d for d in order if problem.size(d) > 1]
    choices: list[list[dict[str, int]]] = []
    for dim in dims:
        places = [p for p in accelerator.places if p not in only or dim in only[p]]
        choices.append([dict(zip(places, f, strict=True)) for f in factorisations(problem.size(dim), len(places))])
    for choice in product(*choices):
        yield Mapping(
            tuple(
                (p, tuple(Loop(d, f[p]) for d, f in zip(dims, choice, strict=True) if f.get(p, 1) > 1))
                for p in accelerator.places
            )
        )
