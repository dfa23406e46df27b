"""Many assignments of bit-widths at once: those that lead to one space share the work on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingABC

from qdsl.mapspace.demands import mentions
from qdsl.mapspace.space import Space
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint
from qdsl.model.operator import Problem
from qdsl.symbolic.widths import too_wide

SpacesOf = Callable[[Accelerator, Problem, MappingABC[str, int], Sequence[Constraint]], tuple[Space, ...]]


def members_of_spaces(
    spaces_of: SpacesOf,
    accelerator: Accelerator,
    problem: Problem,
    bits_list: Sequence[MappingABC[str, int]],
    constraints: Sequence[Constraint],
) -> list[tuple[Space, tuple[int, ...]]]:
    """Every different space with the assignments, by their numbers, that it is one of. spaces_of: `layer_spaces`, or what
    refuses more. Raises as it does."""
    read = [t.name for t in problem.operator.tensors if any(mentions(c, t.name) for c in constraints)]
    machine = accelerator.resolved(frozenset())
    known: dict[tuple[object, ...], tuple[Space, ...]] = {}
    spaces: dict[str, tuple[Space, list[int]]] = {}
    for i, bits in enumerate(bits_list):
        # what a space depends on besides: whether tensors fit words at all
        asked = (*(bits[t] for t in read), *((x.name, t) for x, t, _ in too_wide(machine, problem, bits)))
        if asked not in known:
            known[asked] = spaces_of(accelerator, problem, bits, constraints)
        for space in known[asked]:
            spaces.setdefault(space.key, (space, []))[1].append(i)
    return [(space, tuple(members)) for space, members in spaces.values()]
