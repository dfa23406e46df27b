"""Dead widths and clashes of a study, against enumeration of every choice."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from qdsl.model.study import Study
from qdsl.study.choices import Choices, Combination, Option, Table
from qdsl.study.options import StudyOptions, study_options
from qdsl.study.regions import regions, regions_text, runs, widths_text
from tests.support.small_study import CLASH, DEAD, HOPELESS, PAIR, small_model, study_text


def study(directory: Path, constrain: str) -> Study:
    return small_model(directory, study_text(constrain=constrain)).studies[0]


def decided(study: Study, timeout_s: float = 10.0) -> StudyOptions:
    return study_options(study, timeout_s, lambda layer, n, of: None)


def dead(options: StudyOptions) -> set[tuple[str, int]]:
    return {(options.study.precision.variables[d.variable].name, d.width) for d in options.dead}


# --- studies ------------------------------------------------------------------------------------


def enumerated(options: StudyOptions) -> set[tuple[str, int]] | None:
    """The dead widths by trying every choice of all widths; None if no choice serves every layer."""
    study = options.study
    variables = study.precision.variables
    legal = {x: {row.bits for row in options.of(x.name).at("feasible")} for x in study.network.layers}
    alive: set[tuple[str, int]] = set()
    for choice in product(*(v.options for v in variables)):
        bits = study.precision.layer_bits(choice)
        if all(
            tuple((t.name, bits[x.name][t.name]) for t in x.problem.operator.tensors) in rows
            for x, rows in legal.items()
        ):
            alive |= {(v.name, width) for v, width in zip(variables, choice, strict=True)}
    return {(v.name, width) for v in variables for width in v.options} - alive if alive else None


@pytest.mark.parametrize(
    ("constrain", "expected"),
    [
        ("", set()),
        (DEAD, {("a.weights", 4), ("b.weights", 4), ("c.weights", 4)}),
        (PAIR, {("a.weights", 3), ("a.weights", 4), ("b.activations", 2), ("b.activations", 3)}),
    ],
)
def test_dead_widths_are_those_of_no_choice(tmp_path: Path, constrain: str, expected: set[tuple[str, int]]) -> None:
    options = decided(study(tmp_path, constrain))
    assert dead(options) == enumerated(options) == expected
    assert options.feasible is True and options.clash == () and options.undecided == ()


def test_a_width_may_be_dead_only_because_of_two_layers(tmp_path: Path) -> None:
    options = decided(study(tmp_path, PAIR))
    assert {(d.variable, d.width): d.layers for d in options.dead} == {
        (1, 3): ("a", "b"),
        (1, 4): ("a", "b"),
        (2, 2): ("b",),
        (2, 3): ("b",),
    }
    for d in options.dead:
        for layer in d.layers:
            statuses = {options.of(layer).decisions[i].status for i in range(len(options.of(layer).rows))}
            assert "feasible" in statuses


def test_layers_that_share_a_width_may_clash(tmp_path: Path) -> None:
    options = decided(study(tmp_path, CLASH))
    assert (options.feasible, options.clash, options.dead) == (False, ("a", "b"), ())
    assert enumerated(options) is None
    assert all(x.at("feasible") for x in options.layers)


def test_a_layer_without_mapping_at_any_width_clashes_alone(tmp_path: Path) -> None:
    options = decided(study(tmp_path, HOPELESS))
    assert options.clash == ("a",)
    assert [len(x.at("feasible")) for x in options.layers] == [0, 9, 3]


def test_a_solver_without_time_leaves_all_undecided(tmp_path: Path) -> None:
    options = decided(study(tmp_path, DEAD), timeout_s=0.0)
    assert (options.feasible, options.clash, options.dead) == (None, (), ())
    assert len(options.undecided) == 18
    assert all(x.solved == len(x.rows) == len(x.at("unknown")) for x in options.layers)


def test_layers_with_one_problem_and_one_choice_are_decided_once(tmp_path: Path) -> None:
    model = small_model(
        tmp_path, study_text(constrain=DEAD).replace("output 8 bit", "output 8 bit\n    layer a: weights = 2")
    )
    options = decided(model.studies[0])
    assert [x.layers for x in options.layers] == [("a",), ("b",), ("c",)]
    assert [len(x.rows) for x in options.layers] == [9, 27, 9]


# --- choices ------------------------------------------------------------------------------------


@st.composite
def networks(draw: st.DrawFn) -> tuple[list[int], list[Table]]:
    counts = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    tables = []
    for i in range(draw(st.integers(1, 4))):
        variables = sorted(draw(st.sets(st.integers(0, len(counts) - 1), min_size=1, max_size=3)))
        kinds: dict[str, list[Combination]] = {"feasible": [], "infeasible": [], "unknown": []}
        for combination in product(*([(v, o) for o in range(counts[v])] for v in variables)):
            kinds[draw(st.sampled_from(["feasible", "feasible", "infeasible", "unknown"]))].append(combination)
        tables.append(Table(f"layer {i}", *(tuple(kinds[k]) for k in ("feasible", "infeasible", "unknown"))))
    return counts, tables


def served(counts: list[int], tables: list[Table], known: bool, option: Option | None = None) -> bool:
    """By enumeration: whether a choice (with an option) gives every layer a combination that is legal, or may be."""
    for choice in product(*(range(n) for n in counts)):
        if option is not None and choice[option[0]] != option[1]:
            continue
        chosen = set(enumerate(choice))
        if all(any(chosen.issuperset(c) for c in (t.feasible if known else (*t.feasible, *t.unknown))) for t in tables):
            return True
    return False


@given(networks())
@settings(max_examples=150)
def test_choices_and_conflicts_are_those_of_enumeration(network: tuple[list[int], list[Table]]) -> None:
    counts, tables = network
    choices = Choices(counts, tables, 10.0)
    for option in [None, *((v, o) for v, n in enumerate(counts) for o in range(n))]:
        conflict = choices.conflict(*([option] if option else []))
        event(f"conflict of {len(conflict)}")
        assert bool(conflict) == (not served(counts, tables, False, option))
        involved = [t for t in tables if t.layer in conflict]
        for left_out in involved:
            assert served(counts, [t for t in involved if t is not left_out], False, option)
        if option:
            found = choices.serving_all(option)
            assert bool(found) == served(counts, tables, True, option)
            if found:
                assert option in found and sorted(v for v, _ in found) == list(range(len(counts)))
                assert all(any(set(found).issuperset(c) for c in t.feasible) for t in tables)


# --- regions ------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data())
def test_regions_cover_just_the_points(counts: list[int], data: st.DataObject) -> None:
    everything = list(product(*(range(n) for n in counts)))
    points = data.draw(st.sets(st.sampled_from(everything)))
    found = list(regions(points, counts))
    inside = {p for p in everything for r in found if all(a <= i <= b for i, (a, b) in zip(p, r, strict=True))}
    assert inside == points
    assert len(found) <= len(points)


def test_widths_in_words() -> None:
    axes = [("W", (2, 3, 4)), ("I", (4, 6, 8))]
    assert regions_text([(2, 0), (2, 1), (2, 2)], axes) == "W 4"
    assert regions_text([(1, 1), (2, 1), (1, 2), (2, 2), (0, 2)], axes) == "I 8; W 3..4, I {6, 8}"
    assert regions_text(list(product(range(3), range(3))), axes) == "all widths"
    assert (widths_text((2, 3, 4)), widths_text((5,)), widths_text((2, 3, 8))) == ("2..4", "5", "{2..3, 8}")
    assert runs([]) == []
