"""Mappers to compare with the exact one. What they find is checked as its answers are, and never called optimal."""

from __future__ import annotations

import time
from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from math import inf

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapper.objective import Objective
from qdsl.mapper.other.answer import Question
from qdsl.mapper.result import MapResult
from qdsl.mapper.search import best_mapping
from qdsl.mapspace import Space, layer_spaces
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Limit
from qdsl.model.mapper import ExactMapper, MapperChoice, RandomMapper, never_ends
from qdsl.model.operator import Problem

__all__ = ["drawable_spaces", "find_mapping"]


def find_mapping(
    mapper: MapperChoice,
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint] = (),
    time_limit_s: float | None = None,
    objective: Objective = Objective.ENERGY,
) -> MapResult:
    """The mapping that a mapper finds, the exact one as `best_mapping` does. time_limit_s: besides that of the mapper.

    Of the others the status is 'feasible', without a bound; 'infeasible' where there are no mappings to draw; 'unknown' if
    none within the limits of the cost was found. Equal seeds give equal answers, unless the time was up.

    Raises SpecError for a constraint that cannot be kept, and ValueError for a search that nothing ends.
    """
    if isinstance(mapper, ExactMapper):
        return best_mapping(accelerator, problem, bits, constraints, time_limit_s, objective)
    if never_ends(mapper) and time_limit_s is None:
        raise ValueError(f"nothing ends {mapper}")
    started = time.perf_counter()
    limit_s = min(x for x in (time_limit_s, mapper.time_limit_s, inf) if x is not None)
    question = Question(accelerator, problem, bits, tuple(constraints), objective, started, started + limit_s)
    if isinstance(mapper, RandomMapper):
        from qdsl.mapper.other.uniform import draw_mappings

        return draw_mappings(mapper, question)
    from qdsl.mapper.other.genetic import breed_mappings

    return breed_mappings(mapper, question)


def drawable_spaces(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint]
) -> tuple[Space, ...]:
    """`layer_spaces`, if none of the mappings there is beyond a limit of its cost, so that what cannot be drawn does not
    exist. Raises SpecError (Q0710) otherwise."""
    spaces = layer_spaces(accelerator, problem, bits, constraints)
    if limits := list(dict.fromkeys(limit for space in spaces for limit in space.limits)):
        raise SpecError(map(_refusal, limits))
    return spaces


def _refusal(limit: Limit) -> Diagnostic:
    return Diagnostic(
        "Q0710",
        f"without a proof no search over all bit-widths keeps a limit of the {limit.quantity}",
        limit.span,
        label="may leave no mapping, or just none that was drawn",
        helps=("`mapper exact`", "`qdsl map` keeps it for given widths, and says what it could not prove"),
    )
