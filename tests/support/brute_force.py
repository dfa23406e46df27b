"""Every mapping of a small problem, by plain enumeration: the oracle for the mapper and for counts."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product

from qdsl.mapspace import divisors_of
from qdsl.model.accelerator import Accelerator
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem


def factorisations(size: int, places: int) -> Iterator[tuple[int, ...]]:
    """All ways to write `size` as an ordered product over `places`."""
    if places == 1:
        yield (size,)
        return
    for f in divisors_of(size):
        for rest in factorisations(size // f, places - 1):
            yield (f, *rest)


def all_mappings(accelerator: Accelerator, problem: Problem) -> Iterator[Mapping]:
    """Every factor placement with every order of the loops of more than one iteration; legality is not checked.

    The order of spatial loops does not matter and is not varied.
    """
    places = accelerator.places
    spatial = {p for f in accelerator.fanouts for p in f.places}
    dims = [d for d in problem.operator.dims if problem.size(d) > 1]
    for choice in product(*(list(factorisations(problem.size(d), len(places))) for d in dims)):
        loops = [[Loop(d, c[i]) for d, c in zip(dims, choice, strict=True) if c[i] > 1] for i in range(len(places))]
        orders = [[tuple(x)] if p in spatial else list(permutations(x)) for p, x in zip(places, loops, strict=True)]
        for nest in product(*orders):
            yield Mapping(tuple(zip(places, nest, strict=True)))
