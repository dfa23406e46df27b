"""Bounds of a formula over a box hold for every point in it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from qdsl.mapspace.formula import Atom, atoms, substitute, value_of
from qdsl.model.interval import bounds
from tests.mapspace.strategies import formulas
from tests.support.strategies import cases


@given(st.data())
@settings(max_examples=100)
def test_the_bounds_of_a_formula_contain_its_value_at_every_point(data: st.DataObject) -> None:
    case = data.draw(cases())
    formula = substitute(data.draw(formulas(case, 2)), case.problem, case.bits)
    corners: dict[Atom, list[int]] = {
        a: sorted(data.draw(st.lists(st.integers(1, 12), min_size=3, max_size=3)))
        for a in sorted(atoms(formula), key=repr)
    }
    low, high = bounds(formula, lambda atom: (corners[atom][0], corners[atom][2]))
    for point in ({a: values[i] for a, values in corners.items()} for i in range(3)):
        assert low <= value_of(formula, point.__getitem__) <= high
