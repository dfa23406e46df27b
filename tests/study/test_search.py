"""The searches against enumeration and against the rules they follow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qdsl.model.study import Search
from qdsl.study.archive import Archive
from qdsl.study.nsga2 import search, uniform_designs
from qdsl.study.objectives import Evaluator
from qdsl.study.progress import Silent
from qdsl.study.seed_operators import _PairMating, crowding, genes, thin_out
from qdsl.study.store import Store
from qdsl.study.tables import build_tables
from tests.support.small_study import small_model, study_text


@pytest.fixture(scope="module")
def evaluator(tmp_path_factory: pytest.TempPathFactory) -> Evaluator:
    directory = tmp_path_factory.mktemp("search")
    study = small_model(directory, study_text(widths="2, 4, 8")).studies[0]
    with Store(directory / "store.sqlite") as store:
        return Evaluator(study, build_tables(study, store, Silent(), workers=1).layers)


def _with(evaluator: Evaluator, **settings: Any) -> Evaluator:
    return replace(evaluator, study=replace(evaluator.study, search=Search(**settings)))


def _all_designs(evaluator: Evaluator) -> np.ndarray[Any, np.dtype[np.int64]]:
    return np.stack(np.meshgrid(*[range(n) for n in evaluator.option_counts]), axis=-1).reshape(
        -1, len(evaluator.option_counts)
    )


def _dominated(values: np.ndarray[Any, np.dtype[np.float64]], point: np.ndarray[Any, np.dtype[np.float64]]) -> bool:
    return bool(((values <= point).all(axis=1) & (values < point).any(axis=1)).any())


def test_the_archive_is_the_front_of_all_it_has_seen(evaluator: Evaluator) -> None:
    designs = np.random.default_rng(2).permutation(_all_designs(evaluator))
    values = evaluator.values(designs)
    archive = Archive(evaluator)
    for start in range(0, len(designs), 100):
        archive.add(designs[start : start + 100], values[start : start + 100])
    expected = {tuple(v) for v in values if not _dominated(values, v)}
    assert {tuple(v) for v in archive.values} == expected
    assert len(archive.values) == len(expected)
    assert archive.evaluated == len(designs)


def test_of_designs_with_equal_values_the_widest_is_kept(tmp_path: Path) -> None:
    study = small_model(tmp_path, study_text(widths="6..8", minimize="energy")).studies[0]
    with Store(tmp_path / "store.sqlite") as store:
        evaluator = Evaluator(study, build_tables(study, store, Silent(), workers=1).layers)
    archive = Archive(evaluator)
    designs = _all_designs(evaluator)
    archive.add(designs, evaluator.values(designs))
    assert evaluator.widths(archive.designs).tolist() == [[8] * 6]


@pytest.mark.parametrize("operators", ["default", "seed"])
def test_equal_seeds_give_equal_runs(evaluator: Evaluator, operators: str) -> None:
    runs = []
    for seed in (7, 7, 8):
        archive = Archive(evaluator)
        history = list(
            search(
                _with(evaluator, population=10, offspring=10, generations=6, seed=seed, operators=operators), archive
            )
        )
        runs.append((archive.designs.tolist(), archive.explored.tolist(), history))
    assert runs[0] == runs[1]
    assert runs[0][1] != runs[2][1]


def test_the_default_search_finds_the_whole_front_of_a_small_space(evaluator: Evaluator) -> None:
    archive, every = Archive(evaluator), Archive(evaluator)
    designs = _all_designs(evaluator)
    every.add(designs, evaluator.values(designs))
    history = list(search(_with(evaluator, population=40, offspring=40, generations=60), archive))
    assert archive.values.tolist() == every.values.tolist()
    volumes = [g.hypervolume for g in history]
    assert volumes == sorted(volumes) and 0 < volumes[-1] < 1
    assert [g.number for g in history] == list(range(1, len(history) + 1))


def test_a_space_of_one_design_needs_no_search(evaluator: Evaluator, tmp_path: Path) -> None:
    study = small_model(tmp_path, study_text(widths="4")).studies[0]
    with Store(tmp_path / "store.sqlite") as store:
        one = Evaluator(study, build_tables(study, store, Silent(), workers=1).layers)
    archive = Archive(one)
    assert [g.evaluations for g in search(one, archive)] == [1]
    assert one.widths(archive.designs).tolist() == [[4] * 6]


def test_a_search_that_has_seen_everything_stops(evaluator: Evaluator, tmp_path: Path) -> None:
    study = small_model(tmp_path, study_text(widths="2, 4", generations=5000)).studies[0]
    study = replace(study, search=replace(study.search, population=200, offspring=200))
    with Store(tmp_path / "store.sqlite") as store:
        small = Evaluator(study, build_tables(study, store, Silent(), workers=1).layers)
    archive = Archive(small)
    assert len(list(search(small, archive))) < 10
    assert archive.evaluated == 64


def test_uniform_designs_round_down_to_what_is_allowed(evaluator: Evaluator) -> None:
    assert evaluator.widths(uniform_designs(evaluator)).tolist() == [[2] * 6, [4] * 6, [8] * 6]


# --- the seed paper's rules ---------------------------------------------------------------------


def test_seed_starts_from_the_uniform_designs_alone(evaluator: Evaluator) -> None:
    archive = Archive(evaluator)
    first = next(search(_with(evaluator, population=10, offspring=10, operators="seed"), archive))
    assert first.evaluations == 3


def test_seed_genes_are_the_widths_of_one_layer(evaluator: Evaluator) -> None:
    names = [v.name for v in evaluator.study.precision.variables]
    assert [[names[i] for i in gene] for gene in genes(evaluator)] == [
        ["a.activations", "a.weights"],
        ["b.activations", "b.weights"],
        ["c.activations", "c.weights"],
    ]


class _Bounds:
    xl = np.zeros(6, int)
    xu = np.full(6, 6)


def test_seed_children_take_whole_genes_from_two_parents_or_the_widest() -> None:
    """Rates of a large sample: 0.95 / 2 for each parent, 0.05 for the widest; 0.1 / 3 of the genes are redrawn."""
    pairs = tuple(np.array(p) for p in ([0, 1], [2, 3], [4, 5]))
    parents = np.stack([np.zeros(6, int), np.full(6, 1)])
    random = np.random.default_rng(3)
    mating = _PairMating(pairs)
    children = np.stack([mating._child(_Bounds, parents, random) for _ in range(4000)])
    found = children.reshape(-1, 2)
    share = {w: float((found == w).all(axis=1).mean()) for w in (0, 1, 6)}
    kept = 1 - 0.1 / 3
    assert share[0] == pytest.approx(0.475 * kept, abs=0.015)
    assert share[1] == pytest.approx(0.475 * kept, abs=0.015)
    assert share[6] == pytest.approx(0.05 * kept, abs=0.01)
    mixed = float((found[:, 0] != found[:, 1]).mean())  # only redrawn genes differ inside: 42 of 49 pairs
    assert mixed == pytest.approx(0.1 / 3 * 42 / 49, abs=0.01)


def test_seed_crowding_is_recomputed_after_each_removal() -> None:
    # Distances of 1, 2, 3, 4 on a line: at first 2 and 3 are as crowded as each other, and 2 goes;
    # then 3 has neighbours 1 and 4, 9 has 4 and 10: removing both crowded ones at once would have taken 3 as well.
    values = np.array([[0.0, 10.0], [1.0, 9.0], [2.0, 8.0], [3.0, 7.0], [10.0, 0.0]])
    np.testing.assert_allclose(crowding(values), [np.inf, 4, 4, 16, np.inf])
    assert thin_out(values, np.arange(5), 4).tolist() == [0, 2, 3, 4]
    assert thin_out(values, np.arange(5), 3).tolist() == [0, 3, 4]
    assert thin_out(values, np.arange(5), 2).tolist() == [0, 4]
