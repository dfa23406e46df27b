"""Tables of best energies."""

from __future__ import annotations

from math import inf
from pathlib import Path

import numpy as np
import pytest

from qdsl.diagnostics import SpecError
from qdsl.mapper import best_mapping
from qdsl.mapspace import constraint_violations
from qdsl.model import load
from qdsl.study.progress import Silent
from qdsl.study.store import Store
from qdsl.study.tables import build_tables, layer_bits, width_rows
from tests.support.small_study import small_model, study_text, write_spec


def test_every_entry_is_the_optimum_of_its_widths(tmp_path: Path) -> None:
    study = small_model(tmp_path, study_text(widths="2..8", constrain="spatial pe.x only N")).studies[0]
    with Store(tmp_path / "store.sqlite") as store:
        tables = build_tables(study, store, Silent(), workers=1)
    assert [t.energy_pj.shape for t in tables.layers] == [(7, 7, 7), (7, 7, 7), (7, 7)]
    rng = np.random.default_rng(0)
    for _ in range(6):
        choice = tuple(int(w) for w in rng.integers(2, 9, len(study.precision.variables)))
        for layer, table in zip(study.network.layers, tables.layers, strict=True):
            bits = dict(layer_bits(study, choice)[layer.name])
            best = best_mapping(study.accelerator, layer.problem, bits, study.constraints)
            entry = table.energy_pj[tuple(choice[v] - 2 for v in table.variables)]
            assert entry == pytest.approx(best.energy_pj, rel=1e-12)


def test_equal_layers_and_equal_words_are_solved_once(tmp_path: Path) -> None:
    study = small_model(tmp_path, study_text(widths="5..8")).studies[0]
    with Store(tmp_path / "store.sqlite") as store:
        tables = build_tables(study, store, Silent(), workers=1)
        # 5 bits: 3 values per word, 6 to 8 bits: 2. Layer a: 2 x 2 x 2 classes; b and c are one problem.
        assert (tables.solved, tables.from_store, len(store)) == (16, 0, 16)
        again = build_tables(study, store, Silent(), workers=1)
    assert (again.solved, again.from_store) == (0, 16)
    for one, two in zip(tables.layers, again.layers, strict=True):
        np.testing.assert_array_equal(one.energy_pj, two.energy_pj)


def test_widths_without_a_legal_mapping_are_dead(tmp_path: Path) -> None:
    study = small_model(
        tmp_path, study_text(widths="4, 8", constrain="tile(regs, K) == K; tile(regs, N) == 2")
    ).studies[0]
    with Store(tmp_path / "store.sqlite") as store:
        tables = build_tables(study, store, Silent(), workers=1)
    # Layer a keeps 12 x 2 weights in 8 words of 16 bits: 6 words at 4 bits, 12 words at 8 bits.
    assert {(d.layer, dict(d.bits)["W"]) for d in tables.dead} == {("a", 8)}
    assert np.isfinite(tables.layers[1].energy_pj).all()
    weights = tables.layers[0].variables.index(1)
    assert (np.take(tables.layers[0].energy_pj, 1, axis=weights) == inf).all()
    assert np.isfinite(np.take(tables.layers[0].energy_pj, 0, axis=weights)).all()


def test_a_layer_without_any_legal_mapping_is_a_finding(tmp_path: Path) -> None:
    study = small_model(
        tmp_path, study_text(widths="4..8", constrain="tile(regs, K) == K; tile(regs, N) == N")
    ).studies[0]
    with Store(tmp_path / "store.sqlite") as store, pytest.raises(SpecError) as caught:
        build_tables(study, store, Silent(), workers=1)
    # a is 12 x 8; b and c are the same problem and named once.
    assert len(caught.value.diagnostics) == 2


def test_all_widths_at_which_a_formula_has_no_value_are_refused_at_once(tmp_path: Path) -> None:
    path = write_spec(tmp_path, study_text(widths="2..5"))
    path.write_text(path.read_text().replace("energy 2 pJ", "energy 2 pJ / (bits(weights) - 3)"))
    study = load(path).studies[0]
    with Store(tmp_path / "store.sqlite") as store:
        with pytest.raises(SpecError) as caught:
            build_tables(study, store, Silent(), workers=1)
        assert len(store) == 0
    negative, zero = caught.value.diagnostics
    assert (negative.code, zero.code) == ("Q0305", "Q0304")
    assert negative.notes[-1] == "`a`, `b` and `c`: at W 2" and zero.notes[-1] == "`a`, `b` and `c`: at W 3"


def test_constraints_that_the_mapper_cannot_keep_are_all_refused_at_once(tmp_path: Path) -> None:
    constrain = "occupancy(buffer) >= occupancy(regs); utilization(pe) * occupancy(regs) >= 0.1"
    study = small_model(tmp_path, study_text(constrain=constrain)).studies[0]
    with Store(tmp_path / "store.sqlite") as store:
        with pytest.raises(SpecError) as caught:
            build_tables(study, store, Silent(), workers=1)
        assert len(store) == 0
    assert [d.code for d in caught.value.diagnostics] == ["Q0710", "Q0710"]


@pytest.mark.parametrize(
    "constrain",
    [
        "tile(regs, K) * spatial(pe.x, K) == K",
        "tile(buffer, N) + tile(regs, K) >= 9",
        "energy <= 30 nJ; occupancy(regs) <= 0.5",
    ],
)
def test_the_best_energies_are_those_of_the_mappings_that_keep_the_constraints(tmp_path: Path, constrain: str) -> None:
    study = small_model(tmp_path, study_text(constrain=constrain)).studies[0]
    with Store(tmp_path / "store.sqlite") as store:
        tables = build_tables(study, store, Silent(), workers=1)
    for layer in study.network.layers:
        for row in width_rows(study, layer)[:3]:
            bits = dict(row.bits)
            found = best_mapping(study.accelerator, layer.problem, bits, study.constraints)
            assert tables.optimum(layer.problem, row.bits).energy_pj == pytest.approx(found.energy_pj or inf)
            if found.mapping:
                assert not constraint_violations(
                    study.constraints, study.accelerator, layer.problem, bits, found.mapping
                )


class _Interrupting(Silent):
    def problem_solved(self, layer: str, seconds: float | None, candidates: int) -> None:
        raise KeyboardInterrupt


@pytest.mark.parametrize("workers", [1, 2])
def test_an_interrupt_keeps_what_is_solved(tmp_path: Path, workers: int) -> None:
    study = small_model(tmp_path).studies[0]
    with Store(tmp_path / "store.sqlite") as store:
        with pytest.raises(KeyboardInterrupt):
            build_tables(study, store, _Interrupting(), workers)
        kept = len(store)
        tables = build_tables(study, store, Silent(), workers)
    assert 0 < kept == tables.from_store < len(tables.optima)
