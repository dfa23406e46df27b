"""The page of engines, cores and crossbars shows what its studies find."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import qdsl
from qdsl.resources import data_dir
from qdsl.study.run import run_study
from tests.published import cores, crossbars, engines
from tests.published.hardware import PAGE


def test_the_engine_that_nothing_beats() -> None:
    assert engines.best([2.0, 1.0, 1.0005, 1.1, 3.0]) == "v a"


def test_groups_reach_what_layers_reach_and_cores_differ() -> None:
    """The autoencoder, whose designs all take the same cycles on NE16."""
    layers, groups = cores.per_layer_and_group("autoencoder", {})
    less = cores.saved(layers, groups)
    assert min(less) > -1e-9
    assert max(less) == pytest.approx(0.112, abs=5e-4)
    mpic, ne16 = cores.cores("autoencoder")
    assert set(cores.excess(mpic, ne16)) == {0.0}
    assert np.ptp(mpic.values(mpic.front)[:, 0]) > 0


@pytest.mark.slow
def test_the_page_shows_cores_and_crossbars() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert cores.section() in text
    assert crossbars.section({n: crossbars.models_of(n) for n in crossbars.NETWORKS}) in text


@pytest.mark.slow
def test_the_page_shows_engines(tmp_path: Path) -> None:
    """ResNet-56 with weights of 2 bits and activations of 2 and 3."""
    directory = data_dir("specs") / "studies"
    text = (directory / "resnet56_engines.qdsl").read_text(encoding="utf-8")
    narrow = text.replace("weights in {2..8}", "weights in {2}").replace(
        "activations in {2..8}", "activations in {2, 3}"
    )
    model = qdsl.loads(narrow, directory).model
    run = run_study(model.studies[0], model, tmp_path, workers=1)
    page = PAGE.read_text(encoding="utf-8")
    for what in engines.COSTS:
        table = page[page.index(f"### ResNet-56, {what}") :]
        found = engines.costs(run, what)
        assert f"| **2** | {engines.best(found[2, 2])} | {engines.best(found[2, 3])} |" in table
