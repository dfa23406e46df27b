"""Under constraints of every kind the exact search equals plain enumeration, or refuses."""

from __future__ import annotations

from itertools import islice

import pytest
from hypothesis import assume, event, given, settings

from qdsl.diagnostics import SpecError
from qdsl.mapper import best_mapping, recover_mapping, solve_batch
from qdsl.mapper.result import MapResult
from qdsl.symbolic import evaluate
from tests.mapspace.strategies import ConstrainedCase, constrained_cases, every_mapping, is_legal

LIMIT = 3000


def least_pj(case: ConstrainedCase, limit: int) -> float | None:
    """Least energy of all legal mappings, inf if there is none; None if there are more than `limit` mappings."""
    best = float("inf")
    for n, mapping in enumerate(islice(every_mapping(case), limit + 1)):
        if n == limit:
            return None
        if is_legal(case, mapping):
            best = min(best, evaluate(case.accelerator, case.problem, case.bits, mapping).energy_pj)
    return best


def searched(case: ConstrainedCase) -> MapResult | None:
    """None where a constraint is refused."""
    try:
        return best_mapping(case.accelerator, case.problem, case.bits, case.constraints)
    except SpecError:
        return None


def check(case: ConstrainedCase, limit: int) -> None:
    result = searched(case)
    assume(result is not None)
    assert result is not None
    best = least_pj(case, limit)
    assume(best is not None)
    event(result.status)
    if best == float("inf"):
        assert result.status == "infeasible"
        return
    assert result.status == "optimal"
    assert result.mapping is not None
    assert result.energy_pj == pytest.approx(best, rel=1e-9)
    assert is_legal(case, result.mapping)


@given(constrained_cases())
@settings(max_examples=60, deadline=None)
def test_the_optimum_under_constraints_is_the_least_energy_of_the_mappings_that_keep_them(
    case: ConstrainedCase,
) -> None:
    check(case, LIMIT)


@pytest.mark.slow
@given(constrained_cases())
@settings(max_examples=60, deadline=None)
def test_the_optimum_under_constraints_is_the_least_energy_on_larger_spaces(case: ConstrainedCase) -> None:
    check(case, 10 * LIMIT)


@given(constrained_cases())
@settings(max_examples=30, deadline=None)
def test_a_batch_of_widths_keeps_the_constraints_that_apply_to_each(case: ConstrainedCase) -> None:
    widths = [{t: (2, 3, 4, 5, 8)[(i * (k + 1)) % 5] for k, t in enumerate(case.bits)} for i in range(3)]
    alone = [searched(ConstrainedCase(case.accelerator, case.problem, b, case.constraints)) for b in widths]
    assume(None not in alone)
    batch = solve_batch(case.accelerator, case.problem, widths, case.constraints)
    for bits, optimum, single in zip(widths, batch, alone, strict=True):
        assert single is not None
        assert optimum.status == single.status
        if single.energy_pj is not None:
            assert optimum.energy_pj == pytest.approx(single.energy_pj, rel=1e-9)
            mapping = recover_mapping(case.accelerator, case.problem, bits, case.constraints, optimum)
            assert is_legal(ConstrainedCase(case.accelerator, case.problem, bits, case.constraints), mapping)
