"""Objectives of populations against plain sums over the layers."""

from __future__ import annotations

from dataclasses import replace
from math import log10

import numpy as np
import pytest

from qdsl.model.study import OBJECTIVES
from qdsl.study.objectives import Evaluator
from qdsl.study.progress import Silent
from qdsl.study.result import OBJECTIVE_UNITS
from qdsl.study.store import Store
from qdsl.study.tables import Tables, build_tables, layer_bits
from tests.support.small_study import small_model, study_text


@pytest.fixture(scope="module")
def evaluator_and_tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Evaluator, Tables]:
    directory = tmp_path_factory.mktemp("objectives")
    study = small_model(directory, study_text(widths="2, 3, 8")).studies[0]
    with Store(directory / "store.sqlite") as store:
        tables = build_tables(study, store, Silent(), workers=1)
    return Evaluator(study, tables.layers), tables


def test_values_are_sums_over_the_layers(evaluator_and_tables: tuple[Evaluator, Tables]) -> None:
    evaluator, tables = evaluator_and_tables
    study = evaluator.study
    designs = np.random.default_rng(1).integers(0, 3, (20, len(study.precision.variables)))
    values = evaluator.values(designs, ("energy", "weight_memory", "noise"))
    for design, (energy, memory, noise) in zip(designs, values, strict=True):
        bits = layer_bits(study, evaluator.choice(design))
        layers = study.network.layers
        assert energy == pytest.approx(sum(tables.optimum(x.problem, bits[x.name]).energy_pj for x in layers))
        # Weights: 12 x 8 in a, 8 x 8 in b and c.
        assert memory == sum(n * dict(bits[x])["W"] for n, x in ((96, "a"), (64, "b"), (64, "c")))
        assert noise == pytest.approx(10 * log10(sum(4.0 ** -dict(bits[x])[t] for x in "abc" for t in "IW")))


def test_the_bounds_are_attained_when_every_width_is_feasible(evaluator_and_tables: tuple[Evaluator, Tables]) -> None:
    evaluator, _ = evaluator_and_tables
    designs = np.stack(np.meshgrid(*[range(3)] * 6), axis=-1).reshape(-1, 6)
    values = evaluator.values(designs)
    best, worst = evaluator.bounds
    np.testing.assert_allclose([values.min(axis=0), values.max(axis=0)], [best, worst], rtol=1e-12)
    np.testing.assert_allclose(evaluator.spans, [worst[0], worst[1] - best[1]])


def test_every_objective_of_the_language_has_values_and_a_unit(
    evaluator_and_tables: tuple[Evaluator, Tables],
) -> None:
    evaluator, _ = evaluator_and_tables
    assert evaluator.known == tuple(
        name for name in OBJECTIVES if name not in ("latency", "edp", "area", "error", "sensitivity")
    )
    assert evaluator.values(np.zeros((1, 6), np.int64), evaluator.known).shape == (1, len(OBJECTIVES) - 5)
    objectives = tuple(
        name for name in OBJECTIVES if name not in ("area", "error", "sensitivity")
    )  # which not every study knows
    timed = replace(
        evaluator,
        study=replace(evaluator.study, objectives=objectives),
        tables=tuple(replace(t, cycles=np.ones_like(t.energy_pj)) for t in evaluator.tables),
    )
    assert timed.known == objectives
    assert timed.values(np.zeros((1, 6), np.int64)).shape == (1, len(objectives))
    assert set(OBJECTIVE_UNITS) == set(OBJECTIVES)
