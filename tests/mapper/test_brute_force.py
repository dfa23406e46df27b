"""The exact search equals plain enumeration on small problems of every kind the model has."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import assume, given, settings

from qdsl.mapper import best_mapping, recover_mapping, solve_batch
from qdsl.symbolic import evaluate, legality
from tests.support.brute_force import all_mappings
from tests.support.strategies import Case, cases

LIMIT = 3000


def brute_force_pj(case: Case, limit: int) -> float | None:
    """Least energy over all mappings, inf if none is legal, None if there are more than `limit`."""
    best = float("inf")
    for n, mapping in enumerate(islice(all_mappings(case.accelerator, case.problem), limit + 1)):
        if n == limit:
            return None
        if not legality(case.accelerator, case.problem, case.bits, mapping, None):
            best = min(best, evaluate(case.accelerator, case.problem, case.bits, mapping).energy_pj)
    return best


def check_against_brute_force(case: Case, limit: int) -> None:
    best = brute_force_pj(case, limit)
    assume(best is not None)
    result = best_mapping(case.accelerator, case.problem, case.bits)
    if best == float("inf"):
        assert result.status == "infeasible"
    else:
        assert result.status == "optimal"
        assert result.mapping is not None
        assert result.energy_pj == pytest.approx(best, rel=1e-9)
        assert result.lower_bound_pj == result.energy_pj
        assert not legality(case.accelerator, case.problem, case.bits, result.mapping, None)


@given(cases())
@settings(max_examples=100, deadline=None)
def test_the_optimum_is_the_least_energy_of_all_mappings(case: Case) -> None:
    check_against_brute_force(case, LIMIT)


@pytest.mark.slow
@given(cases())
@settings(max_examples=250, deadline=None)
def test_the_optimum_is_the_least_energy_of_all_mappings_on_larger_spaces(case: Case) -> None:
    check_against_brute_force(case, 10 * LIMIT)


@given(cases())
@settings(max_examples=20, deadline=None)
def test_a_batch_of_widths_gives_each_its_own_optimum(case: Case) -> None:
    names = list(case.bits)
    widths = [{n: (2, 3, 4, 5, 8)[(i * (k + 1)) % 5] for k, n in enumerate(names)} for i in range(3)]
    batch = solve_batch(case.accelerator, case.problem, widths, ())
    for bits, optimum in zip(widths, batch, strict=True):
        alone = best_mapping(case.accelerator, case.problem, bits)
        assert optimum.status == alone.status
        if alone.energy_pj is not None:
            assert optimum.energy_pj == pytest.approx(alone.energy_pj, rel=1e-9)
            mapping = recover_mapping(case.accelerator, case.problem, bits, (), optimum)
            found = evaluate(case.accelerator, case.problem, bits, mapping)
            assert found.energy_pj == pytest.approx(optimum.energy_pj, rel=1e-9)
