"""Limits of the cost are kept: proven where the search can, else the answer says what is open."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import assume, event, given, settings

from qdsl.diagnostics import SpecError
from qdsl.mapper import best_mapping, solve_batch
from qdsl.mapspace import admits, count_mappings, decide_widths, explain_infeasible, feasible
from qdsl.mapspace.limits import is_spatial
from qdsl.model.constraint import Limit
from qdsl.symbolic import evaluate
from tests.mapspace.limits import limited_cases
from tests.mapspace.strategies import ConstrainedCase, every_mapping, is_legal

LIMIT = 1500


def least_pj(case: ConstrainedCase) -> float:
    found = (m for m in every_mapping(case) if is_legal(case, m))
    return min((evaluate(case.accelerator, case.problem, case.bits, m).energy_pj for m in found), default=inf)


@given(limited_cases(LIMIT))
@settings(max_examples=50, deadline=None)
def test_an_answer_under_limits_is_the_optimum_or_says_what_is_open(case: ConstrainedCase) -> None:
    try:
        found = best_mapping(case.accelerator, case.problem, case.bits, case.constraints)
    except SpecError:
        assume(False)
    best = least_pj(case)
    event(found.status)
    if found.status == "infeasible":
        assert best == inf
        return
    assert best < inf or found.status == "unknown"
    assert found.lower_bound is not None
    assert found.lower_bound <= best * (1 + 1e-9)
    if found.status != "unknown":
        assert found.mapping is not None
        assert is_legal(case, found.mapping)
    if found.status == "optimal":
        assert found.energy_pj == pytest.approx(best, rel=1e-9)
    bandwidth = any(c.quantity == "bandwidth" for c in case.constraints if isinstance(c, Limit))
    if not (bandwidth and any(level.all_ports for level in case.accelerator.levels)):
        assert found.status == ("optimal" if best < inf else "infeasible")


@given(limited_cases(LIMIT))
@settings(max_examples=30, deadline=None)
def test_a_batch_under_limits_is_proven_or_refused(case: ConstrainedCase) -> None:
    try:
        (found,) = solve_batch(case.accelerator, case.problem, [case.bits], case.constraints)
    except SpecError:
        event("refused")
        return
    event(found.status)
    assert found.energy_pj == pytest.approx(least_pj(case), rel=1e-9)


@given(limited_cases(LIMIT))
@settings(max_examples=30, deadline=None)
def test_counts_refuse_limits_that_are_no_matter_of_spatial_factors(case: ConstrainedCase) -> None:
    limits = [c for c in case.constraints if isinstance(c, Limit)]
    try:
        counts = count_mappings(case.accelerator, case.problem, case.bits, case.constraints)
    except SpecError:
        event("refused")
        return
    event("counted")
    legal = sum(is_legal(case, m) for m in every_mapping(case))
    assert counts.mappings == legal
    assert legal == 0 or all(is_spatial(x, case.accelerator) for x in limits)


@given(limited_cases(LIMIT))
@settings(max_examples=30, deadline=None)
def test_the_solver_claims_of_limits_only_what_it_knows(case: ConstrainedCase) -> None:
    found = feasible(case.accelerator, case.problem, case.bits, case.constraints)
    (decision,) = decide_widths(case.accelerator, case.problem, [case.bits], case.constraints)
    legal = [m for m in every_mapping(case) if is_legal(case, m)]
    event(found.status)
    for answer in (found, decision):
        if answer.status == "feasible":
            assert answer.mapping is not None
            assert is_legal(case, answer.mapping)
        if answer.status == "infeasible":
            assert not legal
    if not legal:
        told = explain_infeasible(case.accelerator, case.problem, "layer", case.bits, case.constraints)
        assert told.code == "Q0701"
    for mapping in legal[:1]:
        assert admits(case.accelerator, case.problem, case.bits, case.constraints, mapping).status == "feasible"
    without = tuple(c for c in case.constraints if not isinstance(c, Limit))
    free = ConstrainedCase(case.accelerator, case.problem, case.bits, without)
    beyond = [m for m in every_mapping(free) if is_legal(free, m) and m not in legal]
    for mapping in beyond[:1]:
        answer = admits(case.accelerator, case.problem, case.bits, case.constraints, mapping)
        assert answer.status == "infeasible"
        assert all(isinstance(rule, Limit) for rule in answer.core)
