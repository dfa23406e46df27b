"""Measured errors in a report."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qdsl.model.accuracy import Accuracy, DataSource
from qdsl.report.accuracy import accuracy_facts, error_picture, remark
from qdsl.report.points import facts, point_rows, units
from qdsl.study.result import AccuracyFacts, DesignPoint, StudyRun

FOUND = AccuracyFacts((60, 20, 20), 1.0, 1.5, 12, 3, 4, 6.2)
TRAIN = Accuracy("train", DataSource("digits"), epochs=2)


@pytest.fixture
def measured_run(run: StudyRun) -> StudyRun:
    """The small run with errors of 16 % less 2 % per bit of the narrowest tensor, and twice as much in the test."""

    def design(point: DesignPoint) -> DesignPoint:
        error = 16.0 - 2 * min(point.choice)
        return replace(point, objectives={**point.objectives, "error": error}, test_error=2 * error)

    study = replace(run.study, objectives=("energy", "error"), accuracy=TRAIN, largest_error=12.0)
    return replace(
        run,
        study=study,
        front=tuple(map(design, run.front)),
        references=tuple(map(design, run.references)),
        accuracy=FOUND,
    )


def test_how_errors_were_measured(measured_run: StudyRun) -> None:
    said = dict(accuracy_facts(measured_run))
    assert said["examples to train on, to choose by, to report on"] == "60, 20, 20"
    assert said["its error, test error"] == "1.00\u202f%, 1.50\u202f%"
    assert said["error at most"] == "12.00\u202f%"
    assert said["errors measured"] == (
        "12, 4 from the store; training ended early for 3 that others beat; 6 s of one core"
    )
    read = replace(measured_run.study, accuracy=replace(TRAIN, weights="/float.pt", method="calibrate"))
    said = dict(accuracy_facts(replace(measured_run, study=read)))
    assert said["float network"] == "weights read from /float.pt" and said["designs"].endswith("not trained")


def test_a_run_without_errors_says_nothing_of_them(run: StudyRun) -> None:
    assert accuracy_facts(run) == () and remark(run) == "" and error_picture(run, units(run)) is None
    assert not {"error", "test error"} & {name for name, _ in facts(point_rows(run)[0], units(run))}


def test_errors_stand_beside_energies(measured_run: StudyRun) -> None:
    point = measured_run.chosen_point
    said = dict(facts(point_rows(measured_run)[measured_run.chosen], units(measured_run)))
    assert (
        said["error"] == f"{point.objectives['error']:.2f}\u202f%"
        and said["test error"] == f"{point.test_error:.2f}\u202f%"
    )
    assert "the float network 1.00\u202f% (test: 1.50\u202f%)" in remark(measured_run)
    picture = error_picture(measured_run, units(measured_run))
    assert picture is not None and "error, %" in picture.body and "darker: less memory" in picture.body


def test_uniform_widths_at_one_place_have_one_label(measured_run: StudyRun) -> None:
    first, *_, last = measured_run.references
    same = replace(last, label="9/9")
    picture = error_picture(replace(measured_run, references=(first, last, same)), units(measured_run))
    assert picture is not None and f"{last.label}, 9/9" in picture.body and f">{last.label}<" not in picture.body
