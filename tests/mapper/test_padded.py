"""Mappings in imperfect factors, padded: the search equals plain enumeration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, product
from math import prod

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from qdsl.mapper import Objective, best_front, best_mapping
from qdsl.mapper.objective import value
from qdsl.model import load
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.resources import data_dir
from qdsl.symbolic import Evaluation, evaluate, legality
from tests.support.brute_force import all_mappings
from tests.support.features import bypassed, featured_cases
from tests.support.strategies import Case, cases

LIMIT = 1500


def padded_mappings(case: Case) -> Iterator[tuple[Case, Mapping]]:
    """All mappings of which every loop does something in each iteration, with the accelerator that they are for."""
    dims = case.problem.operator.dims
    for sizes in product(*(range(n, max(2 * n - 1, n + 1)) for n in case.problem.sizes)):
        padded = Problem(case.problem.operator, sizes)
        for _, accelerator in bypassed(case):
            for mapping in all_mappings(accelerator, padded):
                if all(busy(mapping, d, case.problem.size(d)) for d in dims):
                    imperfect = "padded" if sizes != case.problem.sizes else ""
                    yield replace(case, accelerator=accelerator), replace(mapping, imperfect=imperfect)


def busy(mapping: Mapping, dim: str, size: int) -> bool:
    factors = [loop.factor for _, loops in mapping.places for loop in loops if loop.dim == dim]
    return not factors or prod(factors[1:]) * (factors[0] - 1) < size


def brute_force(case: Case, limit: int) -> list[Evaluation] | None:
    found = []
    for n, (resolved, mapping) in enumerate(islice(padded_mappings(case), limit + 1)):
        if n == limit:
            return None
        given = (resolved.accelerator, case.problem, case.bits, mapping)
        if not legality(*given, None):
            found.append(evaluate(*given))
    return found


@given(st.one_of(cases(), featured_cases()))
@settings(max_examples=15, deadline=None)
def test_the_best_padded_mapping_is_that_of_all_mappings(case: Case) -> None:
    every = brute_force(case, LIMIT)
    assume(every is not None)
    assert every is not None
    for objective in (Objective.ENERGY, Objective.LATENCY, Objective.EDP):
        found = best_mapping(case.accelerator, case.problem, case.bits, objective=objective, padded=True)
        if not every:
            assert found.status == "infeasible"
            continue
        assert found.status == "optimal"
        assert found.mapping is not None
        assert found.value == pytest.approx(min(value(objective.quantities[0], e) for e in every), rel=1e-9)
        assert not legality(case.accelerator, case.problem, case.bits, found.mapping, None)
        event(f"{objective}: {'padded' if found.mapping.imperfect else 'perfect'}")
    front = best_front(case.accelerator, case.problem, case.bits, padded=True)
    expected: list[tuple[int, float]] = []
    for cycles, energy_pj in sorted((e.cycles, e.energy_pj) for e in every):
        if not expected or energy_pj < expected[-1][1] * (1 - 1e-9):
            expected.append((cycles, energy_pj))
    assert [e.cycles for _, e in front.points] == [cycles for cycles, _ in expected]
    assert [e.energy_pj for _, e in front.points] == pytest.approx([pj for _, pj in expected], rel=1e-9)


@pytest.mark.parametrize(("layer", "least_gain"), [("fc", 0.3), ("b1.d", 0.0)])
def test_what_padding_gains_on_an_array_of_14_by_12(layer: str, least_gain: float) -> None:
    """1000 classes do not divide among 14 x 12 units, 1008 do; 112 columns do, and nothing is gained."""
    study = load(data_dir("specs") / "studies" / "mobilenet_v1_eyeriss.qdsl").studies[0]
    problem = study.network.layer(layer).problem
    found = best_mapping(
        study.accelerator,
        problem,
        {"I": 8, "W": 8, "O": 8},
        study.constraints,
        objective=Objective.EDP,
        padded=True,
    )
    assert found.status == "optimal"
    assert found.perfect is not None
    assert found.value is not None
    assert found.value <= found.perfect * (1 - least_gain)
    assert (found.mapping is not None and bool(found.mapping.imperfect)) == (found.value < found.perfect)
