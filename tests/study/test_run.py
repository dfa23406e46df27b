"""A whole study: numbers that agree with each other, files, repetition, interruption."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qdsl.diagnostics import SpecError
from qdsl.study.progress import Silent
from qdsl.study.result import Generation, StudyRun
from qdsl.study.run import STORE_FILE, chosen_index, run_study
from qdsl.study.runfile import RUN_FILE, load_run, save_run
from tests.support.small_study import small_model, study_text


def _run(directory: Path, text: str = "", **options: object) -> StudyRun:
    model = small_model(directory, text or study_text(generations=3))
    return run_study(model.studies[0], model, directory / "out", workers=1, **options)  # type: ignore[arg-type]


def _without_timings(run: StudyRun) -> StudyRun:
    return replace(run, timings=(), counts=replace(run.counts, solved=0, from_store=0))


def test_points_layers_and_details_add_up(tmp_path: Path) -> None:
    run = _run(tmp_path, study_text(widths="2..8", generations=4))
    assert [p.energy_pj for p in run.front] == sorted(p.energy_pj for p in run.front)
    for point in (*run.front, *run.references):
        assert point.energy_pj == pytest.approx(sum(x.energy_pj for x in point.layers), rel=1e-12)
    for detail in run.details:
        total = sum(x.evaluation.energy_pj for x in detail.layers)
        assert total == pytest.approx(detail.point.energy_pj, rel=1e-9)
        for layer in detail.layers:
            levels = sum(level.energy_pj for level in layer.evaluation.levels)
            assert levels + layer.evaluation.compute_energy_pj == pytest.approx(layer.evaluation.energy_pj)
    assert run.details[0].point == run.chosen_point
    assert [p.label for p in run.references] == [f"{w}/{w}" for w in range(2, 9)]
    assert run.baseline is not None and run.baseline.choice == (8,) * 6
    assert {role for d in run.details for role in d.roles} == {
        "chosen",
        "least energy",
        "least weight_memory",
        "baseline",
    }
    assert run.complete and run.counts.evaluated == len(run.explored)


def test_fewer_bits_never_cost_energy_or_memory(tmp_path: Path) -> None:
    run = _run(tmp_path, study_text(widths="2..8", minimize="energy, weight_memory"))
    assert [p.choice for p in run.front] == [(2,) * 6]


def test_run_json_carries_the_run_to_the_last_field(tmp_path: Path) -> None:
    run = _run(tmp_path)
    assert load_run(tmp_path / "out" / RUN_FILE) == run
    data = json.loads((tmp_path / "out" / RUN_FILE).read_text())
    assert (data["format"], data["version"]) == ("qdsl-run", 3)
    assert data["run"]["front"][0]["objectives"]["energy"] == run.front[0].energy_pj


def test_a_repeated_run_solves_nothing_and_says_the_same(tmp_path: Path) -> None:
    first, second = _run(tmp_path), _run(tmp_path)
    assert first.counts.solved == second.counts.from_store == first.counts.classes
    assert second.counts.solved == 0
    assert _without_timings(first) == _without_timings(second)


class _StopsIn(Silent):
    def __init__(self, generation: int) -> None:
        self._stop = generation

    def generation_done(self, generation: Generation, total: int) -> None:
        if generation.number == self._stop:
            raise KeyboardInterrupt


def test_an_interrupted_search_is_a_run_that_says_so(tmp_path: Path) -> None:
    run = _run(tmp_path, progress=_StopsIn(2))
    assert not run.complete
    assert [g.number for g in run.history] == [1, 2]
    assert run.front and run.details
    assert load_run(tmp_path / "out" / RUN_FILE) == run


def test_the_seed_of_the_study_decides_and_is_recorded(tmp_path: Path) -> None:
    run = _run(tmp_path, study_text(widths="2..8", seed=5, operators="seed"), command="qdsl run small.qdsl")
    assert run.provenance.seed == 5
    assert run.provenance.command == "qdsl run small.qdsl"
    path, digest = run.provenance.files[0]
    assert path.endswith("small.qdsl") and len(digest) == 64
    assert [(s.name, s.source) for s in run.provenance.energy_sources] == [
        ("dram", "invented for tests"),
        ("buffer", None),
        ("regs", None),
        ("mac", None),
    ]


def test_the_chosen_design_is_the_nearest_to_the_ideal_corner() -> None:
    # Scaled: (0, 1), (0.2, 0.4), (1, 0): the middle one has the least distance to the origin.
    assert chosen_index(np.array([[10.0, 6.0], [12.0, 3.0], [20.0, 1.0]])) == 1
    assert chosen_index(np.array([[10.0, 6.0]])) == 0
    # Equal distances: the lower energy, which comes first.
    assert chosen_index(np.array([[1.0, 2.0], [2.0, 1.0]])) == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no json", "Expecting value"),
        ("[]", "not the record of a qdsl run"),
        ('{"format": "qdsl-run", "version": 99}', "version is 99"),
        ('{"format": "qdsl-run", "version": 3, "run": {}}', "`study` is missing"),
        ("[" * 100_000, "no run can be read"),
    ],
)
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / RUN_FILE
    path.write_text(text)
    with pytest.raises(SpecError, match=reason):
        load_run(path)


def test_a_run_that_cannot_be_read_or_written_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="Q0906"):
        load_run(tmp_path / RUN_FILE)
    with pytest.raises(SpecError, match="Q0905"):
        save_run(_run(tmp_path), tmp_path / "small.qdsl" / RUN_FILE)


def test_the_store_is_beside_the_run(tmp_path: Path) -> None:
    _run(tmp_path)
    assert (tmp_path / "out" / STORE_FILE).is_file()
