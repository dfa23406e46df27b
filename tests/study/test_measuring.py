"""Measured errors in a study: each design once, remembered, bounded by those that cost no more. Trainings are made up here."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from qdsl.diagnostics import SpecError
from qdsl.model.accuracy import Accuracy, DataSource
from qdsl.model.measured import DataFacts, Measured
from qdsl.model.study import Study
from qdsl.study.archive import Archive
from qdsl.study.measuring import Errors, cut
from qdsl.study.nsga2 import search
from qdsl.study.objectives import Evaluator
from qdsl.study.progress import Silent
from qdsl.study.run import run_study
from qdsl.study.store import Store
from qdsl.study.tables import build_tables
from qdsl.study.trainers import Trainers
from tests.support.small_study import small_model, study_text

ACCURACY = Accuracy("train", DataSource("digits"), epochs=3, stop=0.05)


class MadeUp(Trainers):
    """An error falls to 8 * (8 - mean width) in three epochs."""

    def __init__(self, digest: str = "data") -> None:
        super().__init__(1)
        self.digest = digest
        self.trained: list[tuple[int, ...]] = []

    def all(self, calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, Any]]:
        for i, (name, question, *rest) in reversed(list(enumerate(calls))):
            if name == "data_facts":
                yield i, DataFacts(self.digest, 60, 20, 20, "2")
            elif name == "measure_float":
                yield i, (Measured((1.0,), 1.5), "weights")
            else:
                bits = tuple(b for _, tensors in rest[1] for _, b in tensors)
                self.trained.append(bits)
                last = 8 * (8 - sum(bits) / len(bits))
                whole = Measured((last + 20, last + 10, last), last + 1)
                yield i, (cut(question.accuracy, whole, rest[2]), 0.5)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    text = study_text(widths="2, 4, 8", minimize="energy, noise")
    found = small_model(tmp_path_factory.mktemp("measuring"), text).studies[0]
    return replace(found, objectives=("energy", "error"), accuracy=ACCURACY)


Make = Callable[[Study, Trainers], Errors]


@pytest.fixture
def errors(tmp_path: Path) -> Iterator[Make]:
    """Those of a study, all on one store."""
    with Store(tmp_path / "store.sqlite") as store:
        yield lambda study, trainers: Errors(study, store, trainers, tmp_path, Silent())


NARROW, MIDDLE, WIDE = (2,) * 6, (4,) * 6, (8,) * 6


def test_a_design_is_measured_once(study: Study, errors: Make) -> None:
    trainers = MadeUp()
    found = errors(study, trainers)
    cost = np.zeros((1, 1))
    first = found.of([MIDDLE], cost)
    assert found.of([MIDDLE, MIDDLE], np.zeros((2, 1))).tolist() == [*first, *first]
    assert len(trainers.trained) == 1
    assert found.test_error(MIDDLE) == first[0] + 1
    facts = found.facts()
    assert (facts.examples, facts.float_error, facts.measured, facts.stopped) == ((60, 20, 20), 1.0, 1, 0)


def test_the_store_remembers_it_for_equal_questions_alone(study: Study, errors: Make) -> None:
    cost = np.zeros((1, 1))
    value = errors(study, MadeUp()).of([MIDDLE], cost)

    def again(changed: Study, trainers: MadeUp) -> int:
        assert errors(changed, trainers).of([MIDDLE], cost) == value
        return len(trainers.trained)

    assert again(study, MadeUp()) == 0
    assert again(replace(study, name="other", objectives=("energy", "noise", "error")), MadeUp()) == 0
    assert again(replace(study, accuracy=replace(ACCURACY, stop=0.5)), MadeUp()) == 0
    assert again(study, MadeUp("other data")) == 1
    assert again(replace(study, accuracy=replace(ACCURACY, seed=2)), MadeUp()) == 1
    assert again(replace(study, accuracy=replace(ACCURACY, rate=0.5)), MadeUp()) == 1
    assert again(replace(study, accuracy=replace(ACCURACY, learned="lsq")), MadeUp()) == 1
    function = replace(study.network.layers[0], function="relu6")
    network = replace(study.network, layers=(function, *study.network.layers[1:]))
    assert again(replace(study, network=network), MadeUp()) == 1


def test_a_training_ends_early_beside_a_cheaper_and_better_design(study: Study, errors: Make) -> None:
    found = errors(study, MadeUp())
    low = found.of([WIDE], np.array([[1.0]]))[0]
    stopped = found.of([MIDDLE], np.array([[2.0]]))[0]
    assert found.test_error(MIDDLE) is None and stopped > low + 5
    cheaper = found.of([NARROW], np.array([[0.5]]))[0]
    assert found.test_error(NARROW) == cheaper + 1
    whole = found.of([MIDDLE], np.array([[2.0]]), whole=True)[0]
    assert found.test_error(MIDDLE) == whole + 1 and whole < stopped
    assert found.facts().stopped == 0


def test_a_limit_ends_trainings_too(study: Study, errors: Make) -> None:
    found = errors(replace(study, largest_error=10.0), MadeUp())
    assert found.of([NARROW], np.zeros((1, 1)))[0] > 48
    assert found.test_error(NARROW) is None


def test_a_stopped_training_serves_a_later_run_as_far_as_it_goes(study: Study, errors: Make) -> None:
    bounded = replace(study, largest_error=10.0)
    value = errors(bounded, MadeUp()).of([NARROW], np.zeros((1, 1)))
    repeated, further = MadeUp(), MadeUp()
    assert errors(bounded, repeated).of([NARROW], np.zeros((1, 1))) == value
    assert repeated.trained == []
    assert errors(study, further).of([NARROW], np.zeros((1, 1)))[0] < value[0]
    assert len(further.trained) == 1


def test_what_a_training_comes_to_under_another_bound() -> None:
    whole = Measured((30.0, 20.0, 10.0), 11.0)
    assert cut(ACCURACY, whole, inf) == whole
    assert cut(ACCURACY, whole, 25.0) == whole
    assert cut(ACCURACY, whole, 20.0) == Measured((30.0,))
    assert cut(ACCURACY, whole, 0.0) == Measured((30.0,))
    assert cut(ACCURACY, Measured((30.0,)), inf) is None
    assert cut(ACCURACY, Measured((40.0, 10.0)), 30.0) == Measured((40.0,))
    assert cut(replace(ACCURACY, method="calibrate"), Measured((90.0,), 90.0), 0.0) == Measured((90.0,), 90.0)


def test_the_search_minimises_the_error_within_the_limit(study: Study, tmp_path: Path) -> None:
    limited = replace(study, largest_error=30.0)
    with Store(tmp_path / "store.sqlite") as store:
        tables = build_tables(limited, store, Silent(), workers=1)
        trainers = MadeUp()
        evaluator = Evaluator(limited, tables.layers, Errors(limited, store, trainers, tmp_path, Silent()))
        archive = Archive(evaluator)
        history = list(search(evaluator, archive))
    assert archive.values[:, 1].max() <= 30 < archive.explored[:, 1].max()
    assert len(archive.designs) > 3 and history[-1].hypervolume > history[0].hypervolume
    assert len(trainers.trained) == len(set(trainers.trained)) == archive.evaluated
    for row in archive.values:
        assert not ((archive.explored <= row).all(axis=1) & (archive.explored < row).any(axis=1)).any()


def test_a_process_without_torch_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [n for n in sys.modules if n.split(".")[:2] == ["qdsl", "quant"]]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(SpecError) as caught:
        Trainers(1).call("data_facts", None)
    assert caught.value.diagnostics[0].code == "Q0960"
    assert "pip install 'qdsl[accuracy]'" in caught.value.diagnostics[0].helps


def test_what_to_install_is_said_before_any_layer_is_solved(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SpecError, match="needs the library `torch`") as found:
        run_study(study, small_model(tmp_path), tmp_path / "out", workers=1)
    assert found.value.diagnostics[0].helps == ("pip install 'qdsl[accuracy]'",)
    assert not (tmp_path / "out").exists()
