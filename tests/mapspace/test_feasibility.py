"""Z3's answer on a mapping space agrees with plain enumeration and with the exact search; conflicts are minimal."""

from __future__ import annotations

from itertools import islice

from hypothesis import assume, event, given, settings

from qdsl.mapper import best_mapping
from qdsl.mapspace import feasible
from qdsl.mapspace.feasibility import System
from qdsl.model import load
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, StorageLevel
from qdsl.model.operator import Problem
from qdsl.resources import data_dir
from tests.mapspace.strategies import ConstrainedCase, constrained_cases, every_mapping, is_legal
from tests.support.strategies import matmul

LIMIT = 4000
MAC = ComputeUnit("mac", 1.0)


def is_empty(case: ConstrainedCase) -> bool | None:
    """Whether no mapping is legal; None if there are too many to look at."""
    for n, mapping in enumerate(islice(every_mapping(case), LIMIT + 1)):
        if n == LIMIT:
            return None
        if is_legal(case, mapping):
            return False
    return True


@given(constrained_cases())
@settings(max_examples=60, deadline=None)
def test_a_space_is_infeasible_exactly_when_enumeration_finds_it_empty(case: ConstrainedCase) -> None:
    found = feasible(case.accelerator, case.problem, case.bits, case.constraints)
    event(found.status)
    if found.status == "feasible":
        assert found.mapping is not None
        assert is_legal(case, found.mapping)
        return
    empty = is_empty(case)
    assume(empty is not None)
    assert found.status == "infeasible"
    assert empty


@given(constrained_cases())
@settings(max_examples=60, deadline=None)
def test_a_conflict_is_one_and_needs_each_of_its_rules(case: ConstrainedCase) -> None:
    system = System(case.accelerator, case.problem, case.bits, case.constraints, float("inf"))
    assume(system.solve(range(len(system.rules))).status == "infeasible")
    core = system.core()
    event(f"{len(core)} rules")
    afresh = System(case.accelerator, case.problem, case.bits, case.constraints, float("inf"))
    assert afresh.solve(core).status == "infeasible"
    for rule in core:
        assert afresh.solve(r for r in core if r != rule).status == "feasible"
    parts = system.core_demands(core)
    assert all(parts[rule] for rule in core)
    demands = [i for rule in core for i in parts[rule]]
    assert system.solve_demands(demands).status == "infeasible"
    for demand in demands:
        assert system.solve_demands(i for i in demands if i != demand).status == "feasible"


@given(constrained_cases())
@settings(max_examples=40, deadline=None)
def test_the_exact_search_finds_a_mapping_exactly_when_there_is_one(case: ConstrainedCase) -> None:
    found = feasible(case.accelerator, case.problem, case.bits, case.constraints)
    best = best_mapping(case.accelerator, case.problem, case.bits, case.constraints)
    event(found.status)
    assert (best.status == "infeasible") == (found.status == "infeasible")


def test_a_solver_without_time_says_unknown() -> None:
    accelerator = Accelerator("machine", (StorageLevel("dram", 8, 1, None, None, AccessEnergy(1, 1, 1)),), MAC)
    found = feasible(accelerator, Problem(matmul(), (2, 2, 2)), {"I": 8, "W": 8, "O": 8}, (), timeout_s=0.0)
    assert (found.status, found.mapping, found.core) == ("unknown", None, ())


def test_every_layer_of_a_shipped_study_has_a_legal_mapping_at_its_widest() -> None:
    study = load(data_dir("specs") / "studies" / "mobilenet_v1_eyeriss.qdsl").studies[0]
    widest = study.precision.layer_bits(tuple(max(v.options) for v in study.precision.variables))
    for layer in study.network.layers:
        bits = widest[layer.name]
        found = feasible(study.accelerator, layer.problem, bits, study.constraints)
        assert found.mapping is not None
        case = ConstrainedCase(study.accelerator, layer.problem, bits, study.constraints)
        assert is_legal(case, found.mapping)
