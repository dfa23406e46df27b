"""Layers with the same spatial factors: their energies add up to the least of all mappings with equal spatial loops."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from math import inf

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from qdsl.diagnostics import SpecError
from qdsl.mapper import Part, best_mapping, best_together, solve_batch
from qdsl.mapspace import count_mappings, feasible
from qdsl.model.constraint import Same, Scope
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import evaluate
from tests.mapspace.strategies import ConstrainedCase, constrained_cases, every_mapping, is_legal

LIMIT = 1500
SAME = Same(Scope(), "same spatial for everything")

Spatial = tuple[tuple[str, str, int], ...]


def spatial(case: ConstrainedCase, mapping: Mapping) -> Spatial:
    places = [p for f in case.accelerator.fanouts for p in f.places]
    return tuple(sorted((p, x.dim, x.factor) for p in places for x in mapping.loops(p) if x.factor > 1))


def least_by_choice(case: ConstrainedCase) -> dict[Spatial, float] | None:
    """Spatial choice -> least energy of a legal mapping; None if there are too many mappings."""
    least: dict[Spatial, float] = {}
    for n, mapping in enumerate(islice(every_mapping(case), LIMIT + 1)):
        if n == LIMIT:
            return None
        if is_legal(case, mapping):
            energy_pj = evaluate(case.accelerator, case.problem, case.bits, mapping).energy_pj
            choice = spatial(case, mapping)
            least[choice] = min(least.get(choice, inf), energy_pj)
    return least


@st.composite
def groups(draw: st.DrawFn) -> tuple[ConstrainedCase, ConstrainedCase]:
    """Two layers of one operator on one machine under the same constraints."""
    case = draw(constrained_cases())
    sizes = tuple(draw(st.sampled_from([n, n, 1, 2, 4])) for n in case.problem.sizes)
    bits = {t: draw(st.sampled_from([n, 2, 4])) for t, n in case.bits.items()}
    return case, replace(case, problem=Problem(case.problem.operator, sizes), bits=bits)


@given(groups(), st.integers(1, 3))
@settings(max_examples=40, deadline=None)
def test_the_energies_of_a_group_add_up_to_the_least(
    group: tuple[ConstrainedCase, ConstrainedCase], times: int
) -> None:
    parts = [Part(c.problem, c.bits, (*c.constraints, SAME), n) for c, n in zip(group, (times, 1), strict=True)]
    try:
        answers = best_together(group[0].accelerator, parts)
    except SpecError:
        assume(False)
    tables = [least_by_choice(case) for case in group]
    assume(None not in tables)
    first, second = (t or {} for t in tables)
    best = min((times * first[c] + second[c] for c in first.keys() & second.keys()), default=inf)
    event(answers[0].status)
    if best == inf:
        assert {a.status for a in answers} == {"infeasible"}
        return
    total, choices = 0.0, set()
    for case, part, answer in zip(group, parts, answers, strict=True):
        assert answer.status == "optimal"
        assert answer.mapping is not None
        assert answer.energy_pj is not None
        assert answer.lower_bound is not None
        assert answer.lower_bound <= answer.energy_pj * (1 + 1e-9)
        assert is_legal(case, answer.mapping)
        total += part.times * answer.energy_pj
        choices.add(spatial(case, answer.mapping))
    assert len(choices) == 1
    assert total == pytest.approx(best, rel=1e-9)


@given(constrained_cases())
@settings(max_examples=10, deadline=None)
def test_a_layer_of_a_group_is_refused_by_itself(case: ConstrainedCase) -> None:
    tied = (*case.constraints, SAME)
    for ask in (
        lambda: best_mapping(case.accelerator, case.problem, case.bits, tied),
        lambda: solve_batch(case.accelerator, case.problem, [case.bits], tied),
        lambda: count_mappings(case.accelerator, case.problem, case.bits, tied),
        lambda: feasible(case.accelerator, case.problem, case.bits, tied),
    ):
        with pytest.raises(SpecError, match="Q0710"):
            ask()
