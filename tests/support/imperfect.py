"""Loop nests whose factors make more than the sizes of the problem, but leave no iteration without work."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Operator, Problem
from tests.support.nests import einsums, hierarchies
from tests.support.strategies import Case


@st.composite
def imperfect_nests(draw: st.DrawFn, max_operations: int) -> tuple[Case, Mapping]:
    """A problem of at most about `max_operations` with a partial mapping on an accelerator that is large enough for it.

    Two dimensions of one axis are often unrolled on one array; few arrays pass tiles on, which partial tiles exclude.
    """
    operator = draw(einsums())
    names = tuple(t.name for t in operator.tensors)
    accelerator = draw(hierarchies(names, max_levels=5))
    if draw(st.integers(0, 3)):
        parts = [replace(x, forward=frozenset()) if isinstance(x, FanOut) else x for x in accelerator.hierarchy]
        accelerator = replace(accelerator, hierarchy=tuple(parts))
    together = draw(_unrolled_together(accelerator, operator)) if draw(st.booleans()) else {}
    sizes: dict[str, int] = {}
    loops: dict[str, list[Loop]] = {p: [] for p in accelerator.places}
    left = max_operations
    for dim in draw(st.permutations(operator.dims)):
        sizes[dim] = draw(st.sampled_from([n for n in (1, 2, 3, 3, 4, 5, 5, 6, 7, 9, 11, 13) if n <= left]))
        covered = 1
        for place, factor in draw(_imperfect_factors(sizes[dim], together.get(dim, accelerator.places))):
            loops[place].append(Loop(dim, factor))
            covered *= factor
        left = max(1, left // covered)
    places = tuple((p, tuple(draw(st.permutations(loops[p])))) for p in accelerator.places)
    bits = {n: draw(st.sampled_from([2, 3, 4, 5, 8])) for n in names}
    problem = Problem(operator, tuple(sizes[d] for d in operator.dims))
    return Case(accelerator, problem, bits), Mapping(places, imperfect="partial")


@st.composite
def _imperfect_factors(draw: st.DrawFn, size: int, places: tuple[str, ...]) -> list[tuple[str, int]]:
    """Places with factors above 1 that cover a size, the innermost of any factor, the outermost just large enough.

    places: that may have a factor, outermost first.
    """
    some = draw(st.sets(st.sampled_from(places), min_size=min(2, len(places)), max_size=4))
    inwards = [p for p in places if p in some]
    factors, covered = [], 1
    for place in reversed(inwards):
        needed = -(-size // covered)
        factor = needed if place == inwards[0] else draw(st.integers(1, min(needed, 4)))
        factors.append((place, factor))
        covered *= factor
    return [(place, factor) for place, factor in factors if factor > 1]


@st.composite
def _unrolled_together(draw: st.DrawFn, accelerator: Accelerator, operator: Operator) -> dict[str, tuple[str, ...]]:
    """Places for the dimensions of one axis of a tensor: an array, the level around it and the level in it."""
    axes = [axis.dims for t in operator.tensors for axis in t.axes if len(axis.dims) > 1]
    if not axes or not accelerator.fanouts:
        return {}
    fanout = draw(st.sampled_from(accelerator.fanouts))
    item = accelerator.hierarchy.index(fanout)
    around = [x.name for x in accelerator.hierarchy[:item] if isinstance(x, StorageLevel)][-1:]
    within = [x.name for x in accelerator.hierarchy[item:] if isinstance(x, StorageLevel)][:1]
    places = (*around, *fanout.places, *within)
    return dict.fromkeys(draw(st.sampled_from(axes)), places)
