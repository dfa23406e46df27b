"""Spatial plans that are left out: others replace them at no higher cost."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest
from hypothesis import HealthCheck, assume, given, settings

from qdsl.mapper.explore import Exploration
from qdsl.mapper.goal import Best
from qdsl.mapper.objective import Objective, Quantity
from qdsl.mapper.plans import Plan, every_plan, spatial_plans
from qdsl.mapper.symmetry import renamings
from qdsl.mapspace.narrowing import layer_spaces
from qdsl.mapspace.space import Space
from qdsl.model.accelerator import FanOut
from qdsl.model.constraint import Constraint, Order, Scope
from qdsl.model.operator import Operator, Problem
from tests.benchmarks.test_growth import three_level
from tests.benchmarks.test_kernel_speed import conv2d
from tests.support.strategies import Case, cases, single_channel_conv

BITS = {"I": 16, "W": 16, "O": 16}


def space(operator: Operator, sizes: tuple[int, ...], *constraints: Constraint) -> Space:
    (found,) = layer_spaces(three_level(), Problem(operator, sizes), BITS, constraints)
    return found


def test_rows_and_columns_of_a_square_convolution_are_alike() -> None:
    (swap,) = renamings(space(conv2d(), (4, 4, 8, 8, 3, 3)))
    assert swap == {"P": "Q", "Q": "P", "R": "S", "S": "R"}


@pytest.mark.parametrize("sizes", [(4, 4, 8, 4, 3, 3), (4, 4, 8, 8, 3, 1)])
def test_other_sizes_tell_them_apart(sizes: tuple[int, ...]) -> None:
    assert renamings(space(conv2d(), sizes)) == ()


def test_strides_and_constraints_tell_them_apart() -> None:
    assert renamings(space(single_channel_conv(2), (4, 4, 3, 3))) == ()
    order = Order("dram", ("P", "Q"), "", Scope(), "order dram: P, Q")
    assert renamings(space(conv2d(), (4, 4, 8, 8, 3, 3), order)) == ()


def energy_pj(case: Case, asked: Space, plan: Plan) -> float:
    goal = Best(Objective.ENERGY)
    Exploration(asked, case.bits, (), goal, None, only=plan).run()
    return goal.found.value(Quantity.ENERGY) if goal.found else inf


@settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much])
@given(cases(max_levels=3))
def test_no_plan_left_out_is_better(case: Case) -> None:
    """With every array forwarding what has windows."""
    names = frozenset(t.name for t in case.problem.operator.inputs)
    parts = (replace(h, forward=names) if isinstance(h, FanOut) else h for h in case.accelerator.hierarchy)
    machine = replace(case.accelerator, hierarchy=tuple(parts))
    spaces = list(layer_spaces(machine, case.problem, case.bits, ()))
    assume(sum(1 for asked in spaces for _ in every_plan(asked)) <= 100)  # each one is searched
    for asked in spaces:
        kept, every = ([energy_pj(case, asked, p) for p in plans(asked)] for plans in (spatial_plans, every_plan))
        assert min(kept, default=inf) == pytest.approx(min(every, default=inf), rel=1e-9)
