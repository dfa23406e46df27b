"""The first example does what its comments and the README say."""

from __future__ import annotations

import pytest

from qdsl.mapper import best_mapping
from qdsl.model import load
from qdsl.resources import data_dir
from qdsl.symbolic import evaluate, legality

MODEL = load(data_dir("specs") / "examples" / "first.qdsl")


def test_written_mapping_is_legal_and_moves_what_can_be_counted_by_hand() -> None:
    m = MODEL.mappings[0]
    assert legality(m.accelerator, m.layer.problem, dict(m.bits), m.mapping, None) == []
    found = evaluate(m.accelerator, m.layer.problem, dict(m.bits), m.mapping)
    dram = dict(found.levels[0].tensors)
    # Two values of 8 bits to a word. All 8*3*3*3 weights fit the buffer and are read once; 8*16*16 outputs are written
    # once; 3 channels of 18 padded rows of 18 arrive row by row, each once.
    assert dram["W"].reads == 8 * 3 * 3 * 3 // 2
    assert (dram["O"].updates, dram["O"].reads) == (8 * 16 * 16 // 2, 0)
    assert dram["I"].reads == 3 * 18 * 18 // 2
    # 55296 multiplications on 16 units that never idle.
    assert found.cycles == 8 * 3 * 3 * 3 * 16 * 16 // 16


def test_mapper_finds_a_better_mapping_than_the_written_one() -> None:
    m = MODEL.mappings[0]
    written = evaluate(m.accelerator, m.layer.problem, dict(m.bits), m.mapping)
    best = best_mapping(m.accelerator, m.layer.problem, dict(m.bits), ())
    assert best.status == "optimal"
    assert best.energy_pj is not None
    assert best.energy_pj < written.energy_pj


SCALABLE = load(data_dir("specs") / "examples" / "scalable.qdsl")


def test_the_second_example_costs_what_its_formulas_say() -> None:
    by_hand, partial = SCALABLE.mappings
    for m in (by_hand, partial):
        assert legality(m.accelerator, m.layer.problem, dict(m.bits), m.mapping, None) == []
    found = evaluate(by_hand.accelerator, by_hand.layer.problem, dict(by_hand.bits), by_hand.mapping)
    assert found.operations == 12 * 3 * 3 * 3 * 14 * 14
    assert found.compute_energy_pj == pytest.approx(found.operations * (1.6 * 64 / 256 + 0.1))
    assert found.cycles == found.operations // 8 // 2  # 8 instances, two 8-bit operations a cycle
    # 2 mW at 200 MHz are 10 pJ a cycle; each of the 16 instances adds 0.01
    assert found.leakage_pj == pytest.approx(found.cycles * (10 + 16 * 0.01))
    # 324 padded input values of 8 bits, twice, and 441 words of sums of 8 + 8 + 5 bits for 3 x 2 x 7 x 8 of them
    assert found.level("buffer").tensor("I").words == 2 * 3 * 4 * 16 * 8 // 16
    assert found.level("buffer").tensor("O").words == 12 * 2 * 14 * 21 // 16
    assert by_hand.accelerator.area_mm2 == pytest.approx(0.08 + 16 * (600 + 900) / 1e6)


def test_the_fourth_round_of_the_second_example_has_half_the_work() -> None:
    m = SCALABLE.mappings[1]
    found = evaluate(m.accelerator, m.layer.problem, dict(m.bits), m.mapping)
    assert found.cycles == 7 * 3 * 2 * 4 * 27 // 2
    assert found.useful == 14 / 16


def test_the_search_of_the_second_example_bypasses_the_buffer_where_that_is_better() -> None:
    study = SCALABLE.studies[0]
    layer = study.network.layer("conv.1")
    bits = {"I": 8, "W": 8, "O": 8}
    free = best_mapping(study.accelerator, layer.problem, bits)
    assert free.status == "optimal"
    assert free.mapping is not None and free.energy_pj is not None
    assert free.mapping.bypass == {("buffer", "W")}
    kept = best_mapping(study.accelerator.resolved(frozenset()), layer.problem, bits)
    assert kept.energy_pj is not None and kept.energy_pj > free.energy_pj
