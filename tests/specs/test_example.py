"""The first example does what its comments and the README say."""

from __future__ import annotations

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
