"""The exact search equals plain enumeration on small problems of every kind the model has."""

from __future__ import annotations

from itertools import islice
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qdsl.mapper import Objective, best_front, best_mapping, recover_mapping, remaining, solve_batch
from qdsl.mapper.objective import value
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.operator import Operator, Problem
from qdsl.symbolic import Evaluation, evaluate, legality
from tests.support.brute_force import all_mappings
from tests.support.features import bypassed, featured_cases
from tests.support.strategies import Case, accelerators, cases, tensor

LIMIT = 3000
OBJECTIVES = ("energy", "latency", "edp", "accesses", "energy,latency", "accesses,edp")


def brute_force(case: Case, limit: int) -> list[Evaluation] | None:
    """Costs of all legal mappings and all they may bypass, None if there are more than `limit` mappings."""
    found = []
    everything = ((a, m) for _, a in bypassed(case) for m in all_mappings(a, case.problem))
    for n, (accelerator, mapping) in enumerate(islice(everything, limit + 1)):
        if n == limit:
            return None
        if not legality(accelerator, case.problem, case.bits, mapping, None):
            found.append(evaluate(accelerator, case.problem, case.bits, mapping))
    return found


def check_against_brute_force(case: Case, limit: int) -> None:
    every = brute_force(case, limit)
    assume(every is not None)
    assert every is not None
    with patch.object(remaining, "_FEW", 0):  # the cost to go bounds every plan
        for objective in map(Objective.parse, OBJECTIVES):
            check_best(case, objective, every)
        check_front(case, every)


def check_best(case: Case, objective: Objective, every: list[Evaluation]) -> None:
    result = best_mapping(case.accelerator, case.problem, case.bits, objective=objective)
    if not every:
        assert result.status == "infeasible"
        return
    assert result.status == "optimal"
    assert result.mapping is not None
    assert result.evaluation is not None
    assert result.lower_bound == result.value
    assert not legality(case.accelerator, case.problem, case.bits, result.mapping, None)
    left = every
    for quantity in objective.compared:
        least = min(value(quantity, e) for e in left)
        assert value(quantity, result.evaluation) == pytest.approx(least, rel=1e-9)
        left = [e for e in left if value(quantity, e) <= least * (1 + 1e-9)]


def check_front(case: Case, every: list[Evaluation]) -> None:
    result = best_front(case.accelerator, case.problem, case.bits)
    assert result.status == ("optimal" if every else "infeasible")
    expected: list[tuple[int, float]] = []
    for cycles, energy_pj in sorted((e.cycles, e.energy_pj) for e in every):
        if not expected or energy_pj < expected[-1][1] * (1 - 1e-9):
            expected.append((cycles, energy_pj))
    assert [e.cycles for _, e in result.points] == [cycles for cycles, _ in expected]
    assert [e.energy_pj for _, e in result.points] == pytest.approx([pj for _, pj in expected], rel=1e-9)


@given(cases())
@settings(max_examples=40, deadline=None)
def test_the_optimum_is_the_least_energy_of_all_mappings(case: Case) -> None:
    check_against_brute_force(case, LIMIT)


@st.composite
def scattering(draw: st.DrawFn) -> Case:
    """O[a*p + b*r] on any machine, with sizes that leave several places for the factors of both dimensions."""
    a, b = draw(st.sampled_from([(1, 1), (2, 1), (1, 2), (3, 1), (3, 2), (4, 2)]))
    tensors = (tensor("I", [("P", 1)], [("R", 1)]), tensor("O", [("P", a), ("R", b)], output=True))
    sizes = draw(st.tuples(*[st.sampled_from([2, 4, 4, 6, 8])] * 2))
    accelerator = draw(accelerators(("I", "O")))
    bits = {n: draw(st.sampled_from([2, 3, 4, 5, 8])) for n in ("I", "O")}
    return Case(accelerator, Problem(Operator("scatter", ("P", "R"), tensors, "sum"), sizes), bits)


@given(scattering())
@settings(max_examples=15, deadline=None)
def test_outputs_that_come_in_pieces_are_mapped_exactly(case: Case) -> None:
    check_against_brute_force(case, LIMIT)


def test_pieces_that_neighbours_pass_on_may_be_fewer_than_pieces_in_a_row() -> None:
    """I[3*p + r] with r in steps of 3 over time and p across the inner array: what one instance of `buffer` reads, I[0],
    I[3] and I[6], is less than the four values that two p and two neighbouring r need."""
    cheap, dear = AccessEnergy(1.0, 1.0, 1.0), AccessEnergy(100.0, 1.0, 100.0)
    hierarchy = (
        StorageLevel("dram", 8, 1, None, None, cheap),
        FanOut("outer", 3, 1),
        StorageLevel("buffer", 8, 1, 1000, frozenset("I"), dear),
        FanOut("inner", 2, 1, forward=frozenset("I")),
        StorageLevel("pad", 8, 1, 1, frozenset("I"), cheap),
    )
    tensors = (tensor("I", [("P", 3), ("R", 1)]), tensor("O", [("P", 1)], [("R", 1)], output=True))
    problem = Problem(Operator("stretched", ("P", "R"), tensors, "none"), (2, 6))
    case = Case(Accelerator("machine", hierarchy, ComputeUnit("mac", 1.0)), problem, {"I": 8, "O": 8})
    every = brute_force(case, 10 * LIMIT)
    assert every is not None
    assert min(e.energy_pj for e in every) == pytest.approx(990)
    assert best_mapping(case.accelerator, problem, case.bits).energy_pj == pytest.approx(990)


@pytest.mark.slow
@given(cases())
@settings(max_examples=240, deadline=None)
def test_the_optimum_is_the_least_energy_of_all_mappings_on_larger_spaces(case: Case) -> None:
    check_against_brute_force(case, 4 * LIMIT)


@given(featured_cases())
@settings(max_examples=40, deadline=None)
def test_the_optimum_is_the_least_energy_with_every_feature_of_the_hardware(case: Case) -> None:
    check_against_brute_force(case, LIMIT)


@pytest.mark.slow
@given(featured_cases())
@settings(max_examples=160, deadline=None)
def test_the_optimum_is_the_least_energy_with_every_feature_on_larger_spaces(case: Case) -> None:
    check_against_brute_force(case, 3 * LIMIT)


@given(st.one_of(cases(), featured_cases()))
@settings(max_examples=12, deadline=None)
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
