"""What is divided by zero is undefined: a mapping with it does not satisfy a formula, unless the rest decides it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qdsl.diagnostics import SpecError
from qdsl.mapper import best_mapping
from qdsl.mapspace import count_mappings, feasible
from qdsl.mapspace.formula import holds
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.constraint import Constant, Factor, Formula, Operation, Require, Scope, TileExtent
from qdsl.model.interval import bounds
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import evaluate
from tests.mapspace.strategies import ConstrainedCase, every_mapping, is_legal
from tests.support.strategies import matmul

ENERGY = AccessEnergy(1.0, 1.0, 1.0)
MACHINE = Accelerator(
    "small",
    (
        StorageLevel("dram", 16, 1, None, None, ENERGY),
        FanOut("pe", 4, 1),
        StorageLevel("buffer", 16, 1, 64, None, ENERGY),
    ),
    ComputeUnit("mac", 1.0),
)
"""A backing store, four instances and a memory."""

BITS = {"I": 8, "W": 8, "O": 8}
ONE = Constant(1.0)


def _op(op: str, *operands: Formula) -> Operation:
    return Operation(op, operands)


def _divided(part: Formula) -> Operation:
    """4 / (part - 1)"""
    return _op("/", Constant(4.0), _op("-", part, ONE))


TEMPORAL, SPATIAL, TILE = Factor("dram", "M"), Factor("pe.x", "N"), TileExtent("buffer", "K")
AT_MOST_4 = {x: _op("<=", _divided(x), Constant(4.0)) for x in (TEMPORAL, SPATIAL, TILE)}
"""True from 2 on, undefined at 1."""


def _case(formula: Formula, sizes: tuple[int, int, int] = (2, 4, 2)) -> ConstrainedCase:
    return ConstrainedCase(MACHINE, Problem(matmul(), sizes), BITS, (Require(formula, Scope(), "formula"),))


def _canonical(mapping: Mapping) -> Mapping:
    """With spatial loops in one order, which has no meaning."""
    spatial = {p for f in MACHINE.fanouts for p in f.places}
    places = ((p, tuple(sorted(x, key=repr)) if p in spatial else x) for p, x in mapping.places)
    return replace(mapping, places=tuple(places))


@pytest.mark.parametrize(
    "formula",
    [
        *AT_MOST_4.values(),
        *(_op("not", f) for f in AT_MOST_4.values()),
        _op("!=", _divided(SPATIAL), _op("*", Constant(2.0), Factor("pe.x", "M"))),
        _op(">=", _op("max", _divided(TILE), Constant(3.0)), TileExtent("buffer", "M")),
        _op(">=", _op("max", _divided(TEMPORAL), Constant(8.0)), TILE),
        _op("in", _divided(TEMPORAL), Constant(4.0)),
        _op("or", _op("==", TEMPORAL, ONE), AT_MOST_4[TEMPORAL]),
        _op("or", AT_MOST_4[TILE], _op("==", SPATIAL, ONE)),
        _op("not", _op("and", _op("==", TILE, ONE), AT_MOST_4[SPATIAL])),
    ],
)
def test_every_search_leaves_out_what_enumeration_does(formula: Formula) -> None:
    case = _case(formula)
    given = case.accelerator, case.problem, case.bits
    legal = [m for m in every_mapping(case) if is_legal(case, m)]
    assert count_mappings(*given, case.constraints).mappings == len(set(map(_canonical, legal)))
    assert feasible(*given, case.constraints).status == ("feasible" if legal else "infeasible")
    found = best_mapping(*given, constraints=case.constraints)
    least = min((evaluate(*given, m).energy_pj for m in legal), default=None)
    assert (found.evaluation.energy_pj if found.evaluation else None) == (pytest.approx(least) if legal else None)


def test_neither_a_formula_nor_its_negation_holds_where_it_is_undefined() -> None:
    formula = AT_MOST_4[TILE]
    assert not holds(formula, lambda atom: 1.0) and not holds(_op("not", formula), lambda atom: 1.0)
    assert holds(formula, lambda atom: 2.0)


def test_bounds_do_not_promise_what_may_be_undefined() -> None:
    formula = _op(">=", _op("max", _divided(TILE), Constant(8.0)), Constant(2.0))
    assert bounds(formula, lambda atom: (1.0, 2.0)) == (0.0, 1.0)
    assert bounds(formula, lambda atom: (2.0, 4.0)) == (1.0, 1.0)


def test_a_factor_that_is_1_on_the_whole_layer_divides_by_zero_always() -> None:
    case = _case(AT_MOST_4[TEMPORAL], (1, 4, 2))
    with pytest.raises(SpecError) as raised:
        count_mappings(case.accelerator, case.problem, case.bits, case.constraints)
    (found,) = raised.value.diagnostics
    assert (found.code, found.label) == ("Q0304", "divides by 0 where `M = 1`")
