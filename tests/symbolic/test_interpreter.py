"""Symbolic counts against an interpreter that executes the loop nest, on random einsums, hierarchies and mappings."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from qdsl.model.mapping import Mapping
from qdsl.symbolic import evaluate, legality
from tests.support.interpreter import interpret
from tests.support.strategies import Case, nests

RELAXED = [HealthCheck.too_slow, HealthCheck.data_too_large]


def check(case: Case, mapping: Mapping) -> None:
    """Every number of the symbolic evaluation is the one that execution counts."""
    assert legality(case.accelerator, case.problem, case.bits, mapping, None) == []
    found = evaluate(case.accelerator, case.problem, case.bits, mapping)
    executed = interpret(case.accelerator, case.problem, case.bits, mapping)
    kinds = ("words", "reads", "fills", "updates", "instances")
    rows = {(level.name, name): c for level in found.levels for name, c in level.tensors}
    counted = {key: tuple(getattr(c, kind) for kind in kinds) for key, c in executed.counts.items()}
    assert {key: tuple(getattr(c, kind) for kind in kinds) for key, c in rows.items()} == counted
    energies = {key: c.energy_pj for key, c in executed.counts.items()}
    assert {key: c.energy_pj for key, c in rows.items()} == pytest.approx(energies, rel=1e-12)
    assert found.energy_pj == pytest.approx(executed.energy_pj, rel=1e-12)
    assert found.operations == executed.operations
    assert found.utilization * case.accelerator.compute_instances == pytest.approx(executed.compute_instances)
    # In double precision a whole quotient may become the next cycle.
    assert found.cycles - executed.cycles in (0, 1)
    if all(x.read_bandwidth is None and x.write_bandwidth is None for x in case.accelerator.levels):
        assert found.cycles == executed.steps


@given(nests(max_operations=288))
@settings(max_examples=300, suppress_health_check=RELAXED)
def test_counts_are_what_execution_counts(drawn: tuple[Case, Mapping]) -> None:
    check(*drawn)


@pytest.mark.slow
@given(nests(max_operations=1500))
@settings(max_examples=2000, suppress_health_check=RELAXED)
def test_2000_more_counts_are_what_execution_counts(drawn: tuple[Case, Mapping]) -> None:
    check(*drawn)
