"""A whole study: numbers that agree with each other, files, repetition, interruption."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from qdsl.diagnostics import SpecError
from qdsl.mapspace import TimeUp
from qdsl.model import load
from qdsl.study.chosen import chosen_index
from qdsl.study.progress import Silent
from qdsl.study.progress_file import PROGRESS_FILE, read_state
from qdsl.study.result import Counts, Generation, StudyRun
from qdsl.study.run import STORE_FILE, run_study
from qdsl.study.runfile import RUN_FILE, load_run, save_run
from tests.support.small_study import small_model, study_text, write_spec


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
    assert (data["format"], data["version"]) == ("qdsl-run", 5)
    assert data["run"]["front"][0]["objectives"]["energy"] == run.front[0].energy_pj


def test_a_repeated_run_solves_nothing_and_says_the_same(tmp_path: Path) -> None:
    first, second = _run(tmp_path), _run(tmp_path)
    assert first.counts.solved == second.counts.from_store == first.counts.classes
    assert second.counts.solved == 0
    assert _without_timings(first) == _without_timings(second)


def test_layout_and_an_unrelated_layer_change_nothing_that_is_stored(tmp_path: Path) -> None:
    def counts() -> Counts:
        model = load(spec)
        return run_study(model.studies[0], model, tmp_path / "out", workers=1).counts

    spec = write_spec(tmp_path, study_text(generations=2))
    first = counts()
    spec.write_text(spec.read_text().replace("\n", "  // a comment\n\n").replace("  a = ", "     a   =   "))
    again = counts()
    assert (again.solved, again.from_store) == (0, first.classes)
    spec.write_text(
        spec.read_text().replace("output c", "d = linear(c, N = 20)\n  output d").replace("N = 8) relu", "N = 8)")
    )
    extended = counts()
    alone = extended.classes - first.classes
    # `c` now ends in a width that may be chosen; its classes with 8 output bits are still those of before.
    assert extended.from_store > 0 and 0 < extended.solved <= alone + first.classes // 3


class _StopsIn(Silent):
    def __init__(self, generation: int) -> None:
        super().__init__()
        self._stop = generation

    def generation_done(self, generation: Generation, total: int) -> None:
        if generation.number == self._stop:
            raise KeyboardInterrupt


def test_an_interrupted_search_is_a_run_that_says_so(tmp_path: Path) -> None:
    run = _run(tmp_path, progress=_StopsIn(2))
    assert not run.complete
    assert [g.number for g in run.history] == [1, 2]
    assert run.front and run.details
    assert read_state(tmp_path / "out" / PROGRESS_FILE).ended == "interrupted"
    assert load_run(tmp_path / "out" / RUN_FILE) == run


class _StopsAtMapping(Silent):
    def __init__(self, number: int) -> None:
        super().__init__()
        self._left = number

    def mapping_done(self, layer: str) -> None:
        super().mapping_done(layer)
        self._left -= 1
        if self._left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize(("number", "details"), [(1, 1), (5, 1), (7, 2)])
def test_an_interrupt_of_the_mappings_keeps_the_chosen_design(tmp_path: Path, number: int, details: int) -> None:
    whole = _run(tmp_path)
    (tmp_path / "out" / STORE_FILE).unlink()
    run = _run(tmp_path, progress=_StopsAtMapping(number))
    assert not run.complete
    assert run.front == whole.front
    assert run.details == whole.details[:details] and len(whole.details) > 2
    assert {why for _, why in run.legal.uncounted} == {"the run was interrupted"}
    assert load_run(tmp_path / "out" / RUN_FILE) == run


def test_an_interrupt_of_the_counts_keeps_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("qdsl.study.legal._counts", lambda *a: interrupted() if a[-1] > time.perf_counter() else late())

    def late() -> None:
        raise TimeUp

    run = _run(tmp_path)
    assert not run.complete and len(run.details) > 2
    assert {why for _, why in run.legal.uncounted} == {"the run was interrupted"}


def test_the_seed_of_the_study_decides_and_is_recorded(tmp_path: Path) -> None:
    run = _run(tmp_path, study_text(widths="2..8", seed=5, operators="seed"), command="qdsl run small.qdsl")
    assert run.provenance.seed == 5
    assert run.provenance.command == "qdsl run small.qdsl"
    path, digest = run.provenance.files[0]
    assert path.endswith("small.qdsl") and len(digest) == 64
    assert {(s.name, s.source) for s in run.provenance.energy_sources} == {
        (name, "invented for tests") for name in ("dram", "buffer", "regs", "mac")
    }


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
        ('{"format": "qdsl-run", "version": 5, "run": {}}', "`study` is missing"),
        ("[" * 100_000, "no run can be read"),
    ],
)
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / RUN_FILE
    path.write_text(text)
    with pytest.raises(SpecError) as caught:
        load_run(path)
    assert reason in caught.value.diagnostics[0].message


def test_a_run_that_cannot_be_read_or_written_is_a_finding(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="Q0906"):
        load_run(tmp_path / RUN_FILE)
    with pytest.raises(SpecError, match="Q0905"):
        save_run(_run(tmp_path), tmp_path / "small.qdsl" / RUN_FILE)


def test_the_store_is_beside_the_run(tmp_path: Path) -> None:
    _run(tmp_path)
    assert (tmp_path / "out" / STORE_FILE).is_file()
