"""Studies whose mappings are found without a proof."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qdsl.diagnostics import SpecError
from qdsl.mapspace import constraint_violations
from qdsl.report import write_report
from qdsl.study.keys import KeyMaker, cost_class
from qdsl.study.result import StudyRun
from qdsl.study.run import run_study
from qdsl.study.runfile import RUN_FILE, load_run
from qdsl.symbolic import legality
from tests.support.small_study import small_model, study_text

RANDOM = "random(victory = 40, seed = 3)"
GENETIC = "genetic(population = 8, generations = 3)"


def run(directory: Path, mapper: str, constrain: str = "spatial pe.x only N, K") -> StudyRun:
    directory.mkdir(exist_ok=True)
    model = small_model(directory, study_text(widths="2..2", generations=1, mapper=mapper, constrain=constrain))
    return run_study(model.studies[0], model, directory / "out", workers=1)


@pytest.mark.parametrize("mapper", [RANDOM, GENETIC])
def test_every_layer_has_the_mapping_that_was_found(tmp_path: Path, mapper: str) -> None:
    exact, found = run(tmp_path / "exact", "exact"), run(tmp_path / "other", mapper)
    for detail in found.details:
        for layer, row in zip(detail.layers, detail.point.layers, strict=True):
            assert (layer.status, row.status) == ("feasible", "feasible")
            assert layer.evaluation.energy_pj == pytest.approx(row.energy_pj, rel=1e-9)
            question = found.study.accelerator, found.study.network.layer(layer.name).problem, dict(layer.bits)
            assert not legality(*question, layer.mapping, None)
            assert not constraint_violations(found.study.constraints, *question, layer.mapping)
    least, none_better = (min(p.energy_pj for p in x.references) for x in (found, exact))
    assert least >= none_better * (1 - 1e-9)
    assert load_run(tmp_path / "other" / "out" / RUN_FILE) == found
    page = write_report(found, tmp_path / "report", ("markdown",))[0].read_text()
    assert "without a proof that none is better" in page
    assert str(found.study.mapper) in page


def test_what_a_mapper_found_is_kept_for_this_mapper(tmp_path: Path) -> None:
    first, again, other, exact = (run(tmp_path, m) for m in (RANDOM, RANDOM, "random(victory = 41, seed = 3)", "exact"))
    assert first.counts.from_store == again.counts.solved == 0
    assert other.counts.from_store == exact.counts.from_store == 0
    assert replace(again, timings=(), counts=first.counts) == replace(first, timings=())


def test_every_setting_of_a_mapper_changes_the_keys(tmp_path: Path) -> None:
    keys = []
    for mapper in (
        "exact",
        RANDOM,
        "random(seed = 3)",
        "random(victory = 40)",
        "random(samples = 9)",
        GENETIC,
        "genetic",
    ):
        study = small_model(tmp_path, study_text(mapper=mapper)).studies[0]
        problem, bits = study.network.layer("a").problem, {"I": 4, "W": 4, "O": 4}
        maker = KeyMaker(study.accelerator, problem, study.constraints, study.mapper)
        keys.append(maker.key(cost_class(study.accelerator, problem, bits, study.constraints)))
    assert len(set(keys)) == len(keys)


def test_limits_of_the_energy_are_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="Q0710") as error:
        run(tmp_path, RANDOM, "energy <= 1 uJ")
    assert "without a proof" in error.value.diagnostics[0].message
