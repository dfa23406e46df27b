"""Widths per network, and the configuration that is the best at each pair of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from qdsl import to_text
from qdsl.diagnostics import Sink
from qdsl.mapper import best_mapping
from qdsl.model import load, load_model
from qdsl.model.study import Model
from qdsl.report import write_report
from qdsl.study.result import StudyRun
from qdsl.study.run import run_study

SPEC = """
engine vector {
  let lane = if max(bits(weights), bits(activations)) <= 4 then 4 else 8
  throughput 8 / lane
  energy 1 pJ * lane * lane / 64
  source "example"
}
engine serial {
  throughput 8 / (bits(weights) * bits(activations))
  energy 1.5 pJ * bits(weights) * bits(activations) / 64
  source "example"
}
operator matmul {
  dims M, N, K
  weights W
  O[m, n] += I[m, k] * W[k, n]
}
network mlp {
  input x: 6
  a = matmul(x, N = 8)
  b = matmul(a, N = 4)
  output b
}
accelerator chip {
  param kind = 1 in {1, 2}
  word 8 bit
  memory dram { packing dense; energy read 0 pJ, write 0 pJ }
  compute unit { use if kind == 1 then vector else serial }
}
study engines {
  map mlp onto chip(kind)
  precision {
    weights in {2, 3, 4, 8} per network
    activations in {4, 8} per network
    output 8 bit
  }
  minimize energy, latency
  search nsga2(population = 8, offspring = 8, generations = 2, seed = 1)
}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("winners")


@pytest.fixture(scope="module")
def model(place: Path) -> Model:
    (place / "spec.qdsl").write_text(SPEC, encoding="utf-8")
    return load(place / "spec.qdsl")


@pytest.fixture(scope="module")
def run(place: Path, model: Model) -> StudyRun:
    return run_study(model.studies[0], model, place / "out", workers=1)


def test_all_layers_share_a_width(model: Model) -> None:
    space = model.studies[0].precision
    assert [(v.name, v.role, v.layers) for v in space.variables] == [
        ("mlp.activations", "activations", ("a", "b")),
        ("mlp.weights", "weights", ("a", "b")),
    ]
    assert space.layer_bits((4, 2)) == {"a": {"I": 4, "W": 2, "O": 4}, "b": {"I": 4, "W": 2, "O": 8}}


def test_pairs_are_the_sums_of_the_best_mappings(run: StudyRun, model: Model) -> None:
    study = model.studies[0]
    for index, configuration in enumerate(run.configurations):
        assert [(p.weights, p.activations) for p in configuration.pairs] == [
            (w, a) for w in (2, 3, 4, 8) for a in (4, 8)
        ]
        for pair in configuration.pairs:
            bits = study.precision.layer_bits((pair.activations, pair.weights))
            machine = study.hardware[index].accelerator
            found = [best_mapping(machine, x.problem, bits[x.name]).evaluation for x in study.network.layers]
            assert pair.energy_pj == pytest.approx(sum(e.energy_pj for e in found if e))
            assert pair.cycles == sum(e.cycles for e in found if e)


def test_the_report_says_which_configuration_wins_where(run: StudyRun, place: Path) -> None:
    """Serial energy 1.5 w a / 64 against 16 / 64 up to 4 bits and 1 beyond; both do 8 / lane operations where w a <= lane."""
    write_report(run, place / "out", ("markdown", "html"))
    text = (place / "out" / "report.md").read_text(encoding="utf-8")
    energy, latency = text.split("The configuration with the least")[1:]
    assert "| 2 bit | 2 | 2 |" in energy and "| 3 bit | 1 | 2 |" in energy and "| 8 bit | 2 | 1 |" in energy
    assert "| 2 bit | 1 | 1 |" in latency and "| 8 bit | 1 | 1 |" in latency
    assert (place / "out" / "least_energy.svg").is_file() and (place / "out" / "least_latency.svg").is_file()


def test_widths_per_network_can_be_written(model: Model) -> None:
    from dataclasses import replace

    study = replace(model.studies[0].at(0), hardware=())
    assert "weights in {2, 3, 4, 8} per network" in to_text(study)


@pytest.mark.parametrize("statement", ["layer a: weights = 4", "split a: 4 at 4 bit, 4 at 8 bit"])
def test_a_layer_has_no_width_of_its_own_then(statement: str, tmp_path: Path) -> None:
    (tmp_path / "spec.qdsl").write_text(SPEC.replace("    output 8 bit", f"    output 8 bit\n    {statement}"))
    found = Sink()
    assert load_model(tmp_path / "spec.qdsl", found) is None
    assert [d.code for d in found] == ["Q0806"]
