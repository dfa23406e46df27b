"""Deciding many assignments of widths together gives what deciding each alone gives."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from qdsl.mapspace import Decision, decide_widths, feasible
from qdsl.mapspace.feasibility import System
from qdsl.model import load
from qdsl.resources import data_dir
from tests.mapspace.strategies import ConstrainedCase, constrained_cases, is_defined, is_legal

WIDTHS = [1, 2, 3, 4, 5, 8, 16]


@st.composite
def width_questions(draw: st.DrawFn) -> list[ConstrainedCase]:
    """One layer at several assignments of widths."""
    case = draw(constrained_cases())
    widths = st.fixed_dictionaries({tensor: st.sampled_from(WIDTHS) for tensor in case.bits})
    found = [replace(case, bits=bits) for bits in draw(st.lists(widths, min_size=2, max_size=8))]
    assume(all(is_defined(c, x.problem, x.bits) for x in found for c in x.constraints))
    return found


def decided(cases: list[ConstrainedCase]) -> tuple[Decision, ...]:
    first = cases[0]
    return decide_widths(first.accelerator, first.problem, [c.bits for c in cases], first.constraints)


@given(width_questions())
@settings(max_examples=60)
def test_together_they_get_the_answers_that_each_gets_alone(cases: list[ConstrainedCase]) -> None:
    answers = decided(cases)
    for case, answer in zip(cases, answers, strict=True):
        alone = feasible(case.accelerator, case.problem, case.bits, case.constraints)
        event(f"{answer.status}, {'solved' if answer.seconds is not None else 'follows'}")
        assert answer.status == alone.status
        if answer.status == "feasible":
            assert answer.mapping is not None and is_legal(case, answer.mapping)
    statuses = [a.status for a in answers]
    assert "feasible" not in statuses or any(a.seconds is not None for a in answers)


@given(width_questions())
@settings(max_examples=60)
def test_a_conflict_at_other_widths_is_one_here_and_needs_each_of_its_rules(cases: list[ConstrainedCase]) -> None:
    for case, answer in zip(cases, decided(cases), strict=True):
        if answer.status == "infeasible":
            system = System(case.accelerator, case.problem, case.bits, case.constraints, float("inf"))
            core = [next(i for i, rule in enumerate(system.rules) if rule == r) for r in answer.core]
            event(f"{len(core)} rules, {'solved' if answer.seconds is not None else 'follows'}")
            assert system.solve(core).status == "infeasible"
            for rule in core:
                assert system.solve(i for i in core if i != rule).status == "feasible"


def test_without_time_nothing_is_claimed() -> None:
    study = load(data_dir("specs") / "examples" / "first.qdsl").studies[0]
    problem = study.network.layers[0].problem
    bits = [{"I": 8, "W": w, "O": 8} for w in (2, 8)]
    for answer in decide_widths(study.accelerator, problem, bits, study.constraints, timeout_s=0.0):
        assert (answer.status, answer.mapping, answer.core) == ("unknown", None, ())
        assert answer.seconds is not None


@pytest.mark.parametrize("layer", ["stem", "b3.d", "b3.p"])
def test_a_layer_of_a_shipped_study_takes_one_question_for_all_its_widths(layer: str) -> None:
    study = load(data_dir("specs") / "studies" / "mobilenet_v1_eyeriss.qdsl").studies[0]
    problem = study.network.layer(layer).problem
    bits = [{"I": i, "W": w, "O": o} for i in range(2, 9) for w in range(2, 9) for o in (2, 8)]
    answers = decide_widths(study.accelerator, problem, bits, study.constraints)
    assert {a.status for a in answers} == {"feasible"}
    assert sum(a.seconds is not None for a in answers) == 1
