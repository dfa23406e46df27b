"""The exact front against all designs, on sums of random terms and on random networks with joins."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdsl.model import load
from qdsl.model.study import Study
from qdsl.study.exact import Sum, Term, TooManyPoints, exact_front, problem, spread, supported_designs
from qdsl.study.exact.dominance import covering, non_dominated
from qdsl.study.exact.of_study import sum_of
from qdsl.study.objectives import Designs, Evaluator, Values
from qdsl.study.tables import LayerTable, variables_of
from tests.support.small_study import HARDWARE

Array = npt.NDArray[np.float64]


@st.composite
def sums(draw: st.DrawFn, peaks: bool = True) -> tuple[Sum, tuple[Term, ...]]:
    """A problem and the terms it was made of; whole numbers with many ties, some choices not legal."""
    counts = draw(st.lists(st.integers(1, 3), min_size=1, max_size=5))
    objectives = draw(st.integers(1, 4))
    peak = draw(st.lists(st.booleans() if peaks else st.just(False), min_size=objectives, max_size=objectives))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    terms = []
    for _ in range(draw(st.integers(1, 6))):
        variables = tuple(
            sorted(random.choice(len(counts), random.integers(0, min(3, len(counts)) + 1), replace=False))
        )
        shape = [counts[v] for v in variables]
        costs = random.integers(0, 6, (*shape, objectives)).astype(float)
        costs[random.random(shape) < 0.1] = np.inf
        terms.append(Term(tuple(map(int, variables)), costs))
    return problem(terms, counts, peak), tuple(terms)


def _totals(x: Sum, terms: Sequence[Term], designs: Designs) -> Values:
    found = [t.costs[tuple(designs[:, v] for v in t.variables)] for t in terms]
    return reduce(x.join, (np.broadcast_to(f, (len(designs), len(x.peak))) for f in found))


def _all(counts: Sequence[int]) -> Designs:
    return np.array(list(itertools.product(*map(range, counts))), np.int64)


def _front(values: Values) -> set[tuple[float, ...]]:
    legal: Values = np.unique(values[np.isfinite(values).all(axis=1)], axis=0)
    return {tuple(p) for p in legal if not bool(((legal <= p).all(axis=1) & (legal < p).any(axis=1)).any())}


@settings(max_examples=60, deadline=None)
@given(sums())
def test_the_front_is_that_of_all_designs(given_sum: tuple[Sum, tuple[Term, ...]]) -> None:
    x, terms = given_sum
    found = exact_front(x)
    np.testing.assert_array_equal(found.values, _totals(x, terms, found.designs))
    assert {tuple(v) for v in found.values} == _front(_totals(x, terms, _all(x.counts)))
    assert len(found.values) == len({tuple(v) for v in found.values})
    assert found.epsilon == 0


@settings(max_examples=40, deadline=None)
@given(sums(), st.sampled_from([0.01, 0.1, 0.5, 1.0]))
def test_epsilon_holds_for_every_design(given_sum: tuple[Sum, tuple[Term, ...]], epsilon: float) -> None:
    x, terms = given_sum
    found = exact_front(x, epsilon, few=0)
    np.testing.assert_array_equal(found.values, _totals(x, terms, found.designs))
    assert found.epsilon <= epsilon * (1 + 1e-12)
    for point in _front(_totals(x, terms, _all(x.counts))):
        assert (found.values <= np.array(point) * (1 + found.epsilon) * (1 + 1e-12)).all(axis=1).any()


def _chain(layers: int) -> Sum:
    """Layers that share activations, with random costs."""
    random = np.random.default_rng(3)
    terms = [Term((i, i + 1), random.random((4, 4, 3)) + 0.1) for i in range(layers)]
    return problem(terms, [4] * (layers + 1), [False] * 3)


def test_a_thinned_front_is_smaller_and_uses_epsilon() -> None:
    x = _chain(20)
    whole, thinned = exact_front(x), exact_front(x, 0.5, few=0)
    assert 3 * len(thinned.values) < len(whole.values)
    assert 0.49 < thinned.epsilon <= 0.5 * (1 + 1e-12)
    worst = max((thinned.values / v).max(axis=1).min() for v in whole.values)
    assert 1.005 < worst <= 1.5
    few = exact_front(x, 0.5, few=10**9)
    assert few.epsilon == 0
    np.testing.assert_array_equal(few.values, whole.values)


@settings(max_examples=30, deadline=None)
@given(sums(peaks=False), st.integers(0, 10**6))
def test_weighted_sums_lead_to_points_of_the_front(given_sum: tuple[Sum, tuple[Term, ...]], seed: int) -> None:
    x, terms = given_sum
    weights = np.random.default_rng(seed).random((5, len(x.peak))) + 0.01
    designs = supported_designs(x, weights)
    values = _totals(x, terms, _all(x.counts))
    values = values[np.isfinite(values).all(axis=1)]
    assert len(designs) == (5 if len(values) else 0)
    for design, weight in zip(designs, weights, strict=False):
        total = _totals(x, terms, design[None])[0]
        assert total @ weight == pytest.approx((values @ weight).min())
        assert tuple(total) in _front(values)


def test_a_weighted_sum_with_a_peak_is_refused() -> None:
    x = problem([Term((0,), np.ones((2, 1)))], [2], [True])
    with pytest.raises(ValueError, match="peak"):
        supported_designs(x, np.ones((1, 1)))


def test_an_option_that_another_replaces_is_not_followed() -> None:
    costs = np.array([[2.0, 1.0], [1.0, 1.0], [1.0, 1.0], [0.0, 5.0]])
    x = problem([Term((0,), costs)], [4], [False, False])
    assert x.kept[0].tolist() == [2, 3]  # 0 costs more than 1, and of 1 and 2, which cost the same, the last one stays


def test_totals_that_differ_by_rounding_are_one_point() -> None:
    cents = [Term((i,), np.array([[0.1, 0.3], [0.3, 0.1 * (1 + 1e-15)]])) for i in range(6)]
    found = exact_front(problem(cents, [2] * 6, [False, False]))
    assert len(found.values) == 7


def test_too_many_points_are_refused() -> None:
    x = _chain(20)
    for epsilon in (0.0, 0.01):
        with pytest.raises(TooManyPoints) as stop:
            exact_front(x, epsilon, few=0, most=300)
        assert stop.value.points > 300


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.floats(0.001, 1.0))
def test_covering_points_cover_all(seed: int, objectives: int, step: float) -> None:
    random = np.random.default_rng(seed)
    values = np.exp(random.normal(0, 1, (60, objectives))) * (random.random((60, objectives)) > 0.1)
    kept = values[covering(values, step)]
    near = np.all(kept[None] <= values[:, None] * (1 + step), axis=2)
    assert np.all(np.any(near, axis=1))


def test_spread_points_include_the_ends_and_the_first() -> None:
    values = np.stack([np.linspace(0, 1, 101), 1 - np.linspace(0, 1, 101)], axis=1)
    assert spread(values, 5, [30]).tolist() == [0, 30, 48, 65, 100]
    assert spread(values, 101).tolist() == list(range(101))
    assert non_dominated(np.array([[1.0], [0.0], [0.0]])).tolist() == [1]


GRAPH_HARDWARE = (
    HARDWARE
    + """
operator add { dims M, N; O[m, n] = A[m, n] + B[m, n] }
"""
)


@st.composite
def networks(draw: st.DrawFn) -> str:
    """Layers that read any earlier activation, joined by additions: several readers, residual joins."""
    names, lines = ["x"], []
    weighted = 0
    for i in range(draw(st.integers(2, 6))):
        name = f"n{i}"
        if weighted and (draw(st.booleans()) or weighted == 3):
            lines.append(f"{name} = add({draw(st.sampled_from(names))}, {draw(st.sampled_from(names))})")
        else:
            weighted += 1
            lines.append(f"{name} = linear({draw(st.sampled_from(names[-2:]))}, N = 4)")
        names.append(name)
    ends = [n for n in names[1:] if not any(f"({n}," in x or f" {n})" in x for x in lines)]
    if not any("(x," in x or " x)" in x for x in lines):
        lines.append(f"last = add({ends.pop()}, x)")
        ends.append("last")
    return "\n".join(["network net {", "batch 2", "input x: 4", *lines, *(f"output {e}" for e in ends), "}"])


def _study(network: str, objectives: tuple[str, ...], directory: Any) -> Study:
    path = directory / "graph.qdsl"
    path.write_text(
        GRAPH_HARDWARE
        + network
        + """
study s {
  map net onto tiny
  precision { weights in {2, 4, 8} per layer; activations in {2, 8} per layer; output 8 bit }
  minimize """
        + ", ".join(objectives)
        + "\n  search exact\n}\n"
    )
    return load(path).studies[0]


@settings(max_examples=12, deadline=None)
@given(
    networks(),
    st.sampled_from(
        [
            ("energy", "noise"),
            ("energy", "weight_memory", "noise"),
            ("activation_memory", "noise"),
            ("energy", "activation_memory", "noise"),
        ]
    ),
    st.integers(0, 10**6),
)
def test_the_front_of_a_network_is_that_of_all_its_designs(
    tmp_path_factory: pytest.TempPathFactory, network: str, objectives: tuple[str, ...], seed: int
) -> None:
    study = _study(network, objectives, tmp_path_factory.mktemp("graph"))
    assert study.search.method == "exact"
    random = np.random.default_rng(seed)
    tables = []
    for layer in study.network.layers:
        variables = tuple(sorted({v for v in variables_of(study, layer).values() if v is not None}))
        shape = [len(study.precision.variables[v].options) for v in variables]
        energy = np.where(random.random(shape) < 0.1, np.inf, random.integers(1, 9, shape) / 7)
        tables.append(LayerTable(layer.name, variables, energy))
    evaluator = Evaluator(study, tuple(tables))
    values = evaluator.values(_all([len(o) for o in evaluator.options]))
    found = evaluator.values(exact_front(sum_of(evaluator)).designs)
    assert {tuple(v) for v in np.round(found, 9)} == _front(np.round(values, 9))


def test_the_peak_counts_the_parts_of_a_concatenation(tmp_path: Any) -> None:
    network = "network net { input x: 4; a = linear(x, N = 4); c = linear(concat(a, x), N = 2); output c }"
    study = _study(network, ("activation_memory", "noise"), tmp_path)
    evaluator = Evaluator(study, ())
    names = [v.name for v in study.precision.variables]
    design = np.array([[0 for _ in names]])  # 2 bits: x, a and their concatenation have one width
    assert [n for n in names if n.endswith("activations")] == ["a.activations"]
    # x and a, then both and c with 8 bits
    assert evaluator.values(design, ("activation_memory",))[0, 0] == 2 * (4 + 4) + 8 * 2


def test_the_peak_counts_what_waits_for_a_residual_join(tmp_path: Any) -> None:
    network = "network net { batch 2; input x: 4; a = linear(x, N = 4); b = linear(a, N = 4); c = add(b, a); output c }"
    study = _study(network, ("activation_memory", "noise"), tmp_path)
    evaluator = Evaluator(study, ())
    names = [v.name for v in study.precision.variables]
    assert [n for n in names if n.endswith("activations")] == ["a.activations", "b.activations"]
    widths = {"a.activations": 0, "b.activations": 1, "a.weights": 0, "b.weights": 0}  # x at 2 bit, a at 8 bit
    design = np.array([[widths[n] for n in names]])
    # 8 values each: x and a; then a, which waits, and b, as wide as the output that first reads it; then a, b and c
    assert evaluator.values(design, ("activation_memory",))[0, 0] == 8 * (8 + 8 + 8)
