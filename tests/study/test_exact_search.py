"""Studies with the exact search, and the default search beside it."""

from __future__ import annotations

import csv
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qdsl.diagnostics import SpecError
from qdsl.mapper import Objective, best_mapping
from qdsl.model.study import Search
from qdsl.study import exact_search, run
from qdsl.study.archive import Archive, hypervolume
from qdsl.study.chosen import chosen_index
from qdsl.study.exact import exact_front, of_study
from qdsl.study.exact.of_study import sum_of
from qdsl.study.nsga2 import search
from qdsl.study.objectives import Designs, Evaluator
from qdsl.study.progress import Silent
from qdsl.study.result import Generation, StudyRun
from qdsl.study.store import Store
from qdsl.study.tables import build_tables, layer_bits
from tests.support.small_study import PAIR, small_model, study_text


def _run(directory: Path, workers: int = 1, **options: Any) -> StudyRun:
    directory.mkdir(exist_ok=True)
    model = small_model(directory, study_text(**options))
    return run.run_study(model.studies[0], model, directory / "out", workers=workers)


def _evaluator(directory: Path, **options: Any) -> Evaluator:
    study = small_model(directory, study_text(**options)).studies[0]
    with Store(directory / "store.sqlite") as store:
        return Evaluator(study, build_tables(study, store, Silent(), workers=1).layers)


def _all(evaluator: Evaluator) -> Designs:
    axes = [np.arange(n) for n in evaluator.option_counts]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))


@pytest.mark.parametrize("minimize", ["energy, weight_memory, noise", "activation_memory, noise"])
def test_a_run_finds_the_front_of_all_designs(tmp_path: Path, minimize: str) -> None:
    found = _run(tmp_path, minimize=minimize, search="exact", constrain=PAIR, widths="2, 4, 8")
    evaluator = _evaluator(tmp_path, minimize=minimize, constrain=PAIR, widths="2, 4, 8")
    archive = Archive(evaluator)
    designs = _all(evaluator)
    archive.add(designs, evaluator.values(designs))
    names = found.study.objectives
    values = np.array([[p.objectives[name] for name in names] for p in found.front])
    np.testing.assert_allclose(np.unique(values, axis=0), np.unique(archive.values, axis=0), rtol=1e-12)
    assert found.exact is not None and found.exact.epsilon == 0 and found.exact.points == len(values)
    assert found.exact.hypervolume[0] == found.exact.hypervolume[1] == pytest.approx(archive.hypervolume())
    assert found.complete and not found.history and found.counts.evaluated == len(designs)


def test_all_of_a_large_front_is_in_a_file_and_few_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exact_search, "REPORTED", 5)
    found = _run(tmp_path, search="exact", widths="2..8")
    with (tmp_path / "out" / exact_search.FRONT_FILE).open() as file:
        rows = list(csv.reader(file))
    assert found.exact is not None and len(found.front) == 5 < found.exact.points == len(rows) - 1
    assert rows[0] == ["energy", "noise", *(v.name for v in found.study.precision.variables)]
    written = {tuple(map(int, row[2:])): tuple(map(float, row[:2])) for row in rows[1:]}
    for point in found.front:
        assert written[point.choice] == (point.objectives["energy"], point.objectives["noise"])
    assert found.front[0].energy_pj == min(v[0] for v in written.values())
    values = np.array(sorted(written.values()))
    chosen = found.chosen_point.objectives
    assert (chosen["energy"], chosen["noise"]) == tuple(values[chosen_index(values)])


def test_a_front_that_is_too_large_is_refused_with_help(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_front, "__defaults__", (0.0, 0, 10, lambda step, steps, points: None))
    with pytest.raises(SpecError) as refused:
        _run(tmp_path, search="exact", widths="2..8", minimize="energy, weight_memory, noise")
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "Q0921" and "exact(epsilon = 5 %)" in diagnostic.helps[0]


def test_too_many_activations_together_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_study, "MOST_COMBINATIONS", 3)
    with pytest.raises(SpecError) as refused:
        _run(tmp_path, search="exact", minimize="activation_memory, noise")
    (diagnostic,) = refused.value.diagnostics
    assert diagnostic.code == "Q0920" and "`a.activations`, `b.activations`" in diagnostic.notes[0]
    assert _run(tmp_path, minimize="activation_memory, noise").exact is None  # a search without that start


def test_where_latency_counts_layers_have_the_least_energy_delay_product(tmp_path: Path) -> None:
    found = _run(tmp_path, search="exact", minimize="energy, latency, noise", widths="2, 8")
    study = found.study
    for point in (found.front[0], found.front[-1]):
        bits = layer_bits(study, point.choice)
        best = [
            best_mapping(study.accelerator, x.problem, dict(bits[x.name]), objective=Objective.EDP)
            for x in study.network.layers
        ]
        evaluations = [x.evaluation for x in best if x.evaluation]
        energy, cycles = sum(e.energy_pj for e in evaluations), sum(e.cycles for e in evaluations)
        assert point.energy_pj == pytest.approx(energy)
        assert point.objectives["latency"] == cycles
        assert point.objectives["edp"] == pytest.approx(energy * cycles)
    again = _run(tmp_path, search="exact", minimize="energy, latency, noise", widths="2, 8")
    assert again.counts.solved == 0 and again.front == found.front


def test_the_product_of_energy_and_latency_is_searched_but_not_exactly(tmp_path: Path) -> None:
    found = _run(tmp_path, minimize="edp, noise", widths="2, 8", generations=2)
    assert found.exact is None and found.history
    for point in found.front:
        assert point.objectives["edp"] == pytest.approx(point.energy_pj * point.objectives["latency"])
    assert "latency" not in _run(tmp_path, widths="2, 8", generations=1).front[0].objectives


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Evaluator:
    return _evaluator(tmp_path_factory.mktemp("beside"), widths="2..8", minimize="energy, weight_memory, noise")


def test_a_thinned_front_bounds_the_hypervolume_of_the_whole_one(evaluator: Evaluator) -> None:
    x = sum_of(evaluator)
    whole, thinned = (exact_search._found(evaluator, exact_front(x, e, few=0)).facts for e in (0.0, 0.2))
    assert 0 < thinned.epsilon <= 0.2 + 1e-12 and thinned.points < whole.points
    low, high = thinned.hypervolume
    assert low <= whole.hypervolume[0] == whole.hypervolume[1] <= high
    least, most = thinned.reached(low)
    assert least == pytest.approx(low / high) and most == 1


def test_a_reference_that_is_too_large_is_none(evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_search, "REFERENCE_POINTS", (0, 0))
    monkeypatch.setattr(exact_search, "REFERENCE_MOST", 1)
    assert exact_search.reference(evaluator, sum_of(evaluator), Silent()) is None


def _search(evaluator: Evaluator, warm: bool, **settings: Any) -> tuple[Archive, list[Generation]]:
    evaluator = replace(evaluator, study=replace(evaluator.study, search=Search(**settings)))
    archive = Archive(evaluator)
    return archive, list(search(evaluator, archive, sum_of(evaluator) if warm else None))


def test_a_search_from_points_of_the_exact_front_is_ahead_and_never_repeats_itself(evaluator: Evaluator) -> None:
    whole = hypervolume(evaluator, evaluator.values(exact_front(sum_of(evaluator)).designs))
    (cold, first), (warm, second) = (
        _search(evaluator, start, population=48, offspring=24, generations=5) for start in (False, True)
    )
    assert first[0].hypervolume < second[0].hypervolume <= whole * (1 + 1e-12)
    assert cold.hypervolume() < warm.hypervolume() <= whole * (1 + 1e-12)
    for history in (first, second):
        assert [g.evaluations - f.evaluations for f, g in pairwise(history)] == [24] * 4


def test_a_run_says_what_share_of_the_exact_front_it_reached(tmp_path: Path) -> None:
    found = _run(tmp_path, widths="2..8", generations=8)
    assert found.exact is not None and found.exact.epsilon == 0
    least, most = found.exact.reached(found.history[-1].hypervolume)
    assert 0.8 < least == most <= 1


@pytest.mark.slow
def test_processes_change_nothing(tmp_path: Path) -> None:
    runs = [_run(tmp_path / str(n), workers=n, generations=3) for n in (1, 2)]
    assert replace(runs[0], timings=(), provenance=runs[1].provenance) == replace(runs[1], timings=())
