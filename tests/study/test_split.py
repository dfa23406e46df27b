"""A split layer costs what its groups cost, each mapped by itself."""

from __future__ import annotations

from dataclasses import replace
from math import log10
from pathlib import Path

import numpy as np
import pytest

from qdsl.mapper import best_mapping
from qdsl.model import load
from qdsl.model.study import OBJECTIVES, Study
from qdsl.study.objectives import Evaluator, Values
from qdsl.study.progress import Silent
from qdsl.study.run import run_study
from qdsl.study.store import Store
from qdsl.study.tables import build_tables
from qdsl.symbolic import evaluate
from tests.support.small_study import small_model, study_text

DEPTHWISE = """
operator depthwise { dims N, C, P, Q, R, S; weights W; O[n, c, p, q] += I[n, c, p + r, q + s] * W[c, r, s] }
accelerator tiny {
  word 16 bit
  memory dram { energy read 200 pJ, write 200 pJ; source "invented for tests" }
  memory buffer { size 64 word; keep I, O; energy read 6 pJ, write 6 pJ; source "invented for tests" }
  array pe { x 4 }
  memory regs { size 8 word; keep W; energy read 1 pJ, write 1 pJ; source "invented for tests" }
  compute mac { energy 2 pJ; source "invented for tests" }
}
network net {
  input x: 6 x 6 x 6
  output depthwise(x, R = 3, S = 3)
}
study s {
  map net onto tiny
  precision {
    weights in {4, 8} per layer
    activations in {4, 8} per layer
    output 8 bit
    split depthwise: 2 at 8 bit, 4 at 4 bit
  }
  minimize energy
  search nsga2(population = 4, generations = 2)
}
"""


def _study(directory: Path, statement: str) -> Study:
    """The small study with a statement in its `precision`."""
    return small_model(directory, study_text(widths="2, 4").replace("8 bit", f"8 bit; {statement}", 1)).studies[0]


def test_a_statement_about_a_split_layer_is_about_its_groups(tmp_path: Path) -> None:
    split = "split b: 2 at 4 bit, 6 at 2 bit"
    text = study_text(widths="2, 4", constrain="every layer b { spatial pe.x none }")
    study = small_model(tmp_path, text.replace("8 bit", f"8 bit; {split}", 1)).studies[0]
    (constraint,) = study.constraints
    assert [x.name for x in study.network.layers if constraint.scope.includes(x.problem)] == ["b.1", "b.2"]


def _values(study: Study, directory: Path) -> Values:
    """Values of all designs, the last variables varying fastest, in the order of `known`."""
    with Store(directory / "store.sqlite") as store:
        evaluator = Evaluator(study, build_tables(study, store, Silent(), workers=1).layers)
    axes = [np.arange(n) for n in evaluator.option_counts]
    designs = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    return evaluator.values(designs, evaluator.known)


def test_a_run_adds_up_the_optima_of_the_groups(tmp_path: Path) -> None:
    text = study_text(widths="2, 4, 8", generations=2).replace("8 bit", "8 bit; split a: 2 at 8 bit, 6 at 3 bit", 1)
    model = small_model(tmp_path, text)
    (study,) = model.studies
    run = run_study(study, model, tmp_path / "out", workers=1)
    (whole,) = model.networks
    operator, sizes = whole.layers[0].problem.operator, whole.layers[0].problem.sizes
    assert operator.dims == ("M", "N", "K") and sizes == (4, 8, 12)
    for detail in run.details:
        assert [x.name for x in detail.layers] == ["a.1", "a.2", "b", "c"]
        for layer, channels, width in zip(detail.layers, (2, 6), (8, 3), strict=False):
            bits = dict(layer.bits)
            assert bits["W"] == width
            part = replace(whole.layers[0].problem, sizes=(4, channels, 12))
            best = best_mapping(study.accelerator, part, bits)
            assert layer.evaluation.energy_pj == pytest.approx(best.energy_pj)
            assert evaluate(study.accelerator, part, bits, layer.mapping) == layer.evaluation
        point = detail.point
        assert point.energy_pj == pytest.approx(sum(x.evaluation.energy_pj for x in detail.layers))
        b, c = (dict(x.bits)["W"] for x in detail.layers[2:])
        assert point.weight_memory_bits == 12 * (2 * 8 + 6 * 3) + 64 * (b + c)
        read = [dict(x.bits)["I"] for x in detail.layers[1:]]
        noise = sum(4.0**-bits for bits in (*read, b, c)) + 2 / 8 * 4.0**-8 + 6 / 8 * 4.0**-3
        assert point.objectives["noise"] == pytest.approx(10 * log10(noise))


def test_one_group_is_the_layer_itself(tmp_path: Path) -> None:
    split = _values(_study(tmp_path, "split a: 8 at 4 bit"), tmp_path)
    np.testing.assert_array_equal(split, _values(_study(tmp_path, "layer a: weights = 4"), tmp_path))


def test_groups_of_one_width_keep_memory_and_noise(tmp_path: Path) -> None:
    """The energy differs: every group reads the inputs."""
    split = _values(_study(tmp_path, "split a: 4 at 4 bit, 4 at 4 bit"), tmp_path)
    whole = _values(_study(tmp_path, "layer a: weights = 4"), tmp_path)
    assert OBJECTIVES[0] == "energy"
    np.testing.assert_allclose(split[:, 1:], whole[:, 1:], rtol=1e-12)
    assert (split[:, 0] > whole[:, 0]).all()


def test_equal_groups_are_solved_once(tmp_path: Path) -> None:
    study = _study(tmp_path, "split a: 4 at 4 bit, 4 at 4 bit")
    with Store(tmp_path / "store.sqlite") as store:
        tables = build_tables(study, store, Silent(), workers=1)
    first, second = tables.layers[:2]
    np.testing.assert_array_equal(first.energy_pj, second.energy_pj)
    assert len({problem for problem, _ in tables.keys}) == 2  # half of a; b and c


def test_groups_of_a_depthwise_layer_share_nothing(tmp_path: Path) -> None:
    """Each reads channels of its own, so all together read what the whole layer does, and no more."""
    path = tmp_path / "depthwise.qdsl"
    path.write_text(DEPTHWISE, encoding="utf-8")
    model = load(path)
    run = run_study(model.studies[0], model, tmp_path / "out", workers=1)
    groups = run.details[0].layers
    (whole,) = model.networks[0].layers
    assert sum(g.evaluation.operations for g in groups) == whole.problem.operations
    read = [run.study.network.layer(g.name).problem.values(whole.problem.operator.tensor("I")) for g in groups]
    assert sum(read) == whole.problem.values(whole.problem.operator.tensor("I"))
