"""Z3's answer about one given mapping is that of the checks that know nothing of Z3."""

from __future__ import annotations

from hypothesis import event, given, settings
from hypothesis import strategies as st

from qdsl.mapspace import admits, constraint_violations, feasible
from qdsl.mapspace.rules import Capacity, Mesh, Width
from qdsl.model.mapping import Mapping
from qdsl.symbolic import legality
from tests.mapspace.strategies import ConstrainedCase, constrained_cases, is_legal
from tests.support.strategies import mappings


@st.composite
def mapped_cases(draw: st.DrawFn) -> tuple[ConstrainedCase, Mapping]:
    """A mapping with any factors and orders, or one that is legal."""
    case = draw(constrained_cases())
    legal = feasible(case.accelerator, case.problem, case.bits, case.constraints).mapping
    any_mapping = mappings(case.accelerator, case.problem)
    return case, draw(st.one_of(any_mapping, st.just(legal)) if legal else any_mapping)


@given(mapped_cases())
@settings(max_examples=100)
def test_a_mapping_is_admitted_when_it_is_legal_and_else_excluded_by_what_it_breaks(
    drawn: tuple[ConstrainedCase, Mapping],
) -> None:
    case, mapping = drawn
    found = admits(case.accelerator, case.problem, case.bits, case.constraints, mapping)
    event(found.status)
    assert found.status == ("feasible" if is_legal(case, mapping) else "infeasible")
    broken = legality(case.accelerator, case.problem, case.bits, mapping, None)
    sizes_known = all(d.code == "Q0607" for d in broken)  # else legality does not look at them
    for rule in found.core:
        if not isinstance(rule, Width | Capacity | Mesh):
            assert constraint_violations([rule], case.accelerator, case.problem, case.bits, mapping)
        elif sizes_known or not isinstance(rule, Capacity):
            name = rule.fanout.name if isinstance(rule, Mesh) else rule.level.name
            assert any(f"`{name}" in d.message for d in broken)


@given(mapped_cases())
@settings(max_examples=20)
def test_an_admitted_mapping_comes_back_as_it_was(drawn: tuple[ConstrainedCase, Mapping]) -> None:
    case, mapping = drawn
    found = admits(case.accelerator, case.problem, case.bits, case.constraints, mapping)
    if found.mapping is not None:
        for place in case.accelerator.places:
            here = [(x.dim, x.factor) for x in mapping.loops(place) if x.factor > 1]
            again = [(x.dim, x.factor) for x in found.mapping.loops(place)]
            assert again == here or ("." in place and sorted(again) == sorted(here))
