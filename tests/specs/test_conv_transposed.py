"""The shipped transposed convolution is evaluated and mapped like any other operator."""

from __future__ import annotations

import pytest

from qdsl.mapper import best_mapping
from qdsl.model.study import WrittenMapping
from qdsl.symbolic import evaluate, legality
from tests.specs.conftest import Load

SPEC = """
import "operators/conv_transposed.qdsl"
network one { layer up = conv_transposed2d(N = 1, K = 4, C = 4, P = 4, Q = 4, R = 3, S = 3, stride = 2) }
accelerator tiny {
  word 16 bit
  memory dram { energy read 64 pJ, write 64 pJ; source "example" }
  memory buffer { size 4096 word; energy read 6 pJ, write 6 pJ; source "example" }
  array pe { x 4; y 3 }
  compute mac { energy 1 pJ; source "example" }
}
mapping row_by_row for one.up onto tiny {
  bits I = 8, W = 8, O = 16
  dram: for C 4, P 4
  buffer: for Q 4, R 3, S 3
  pe.x: parallel K 4
}
"""


@pytest.fixture(scope="module")
def row_by_row(load_beside_specs: Load) -> WrittenMapping:
    return load_beside_specs(SPEC).mappings[0]


def test_rows_that_overlap_are_counted_by_hand(row_by_row: WrittenMapping) -> None:
    m = row_by_row
    assert legality(m.accelerator, m.layer.problem, dict(m.bits), m.mapping, None) == []
    dram, buffer = (
        dict(x.tensors)["O"] for x in evaluate(m.accelerator, m.layer.problem, dict(m.bits), m.mapping).levels
    )
    # A row of I reaches 3 rows of O, each 1 + 2*3 + 2 = 9 wide, in 4 channels; there are 4 rows in each of 4 channels of I.
    assert (buffer.words, dram.updates) == (4 * 3 * 9, 16 * 4 * 3 * 9)
    # All of O, 9 x 9 in 4 channels, begins once; everything else returns.
    assert (dram.words, dram.reads, buffer.fills) == (4 * 81, dram.updates - 4 * 81, dram.updates - 4 * 81)


def test_mapper_proves_a_better_mapping(row_by_row: WrittenMapping) -> None:
    m = row_by_row
    best = best_mapping(m.accelerator, m.layer.problem, dict(m.bits))
    assert best.status == "optimal"
    assert best.energy_pj is not None
    assert best.energy_pj < evaluate(m.accelerator, m.layer.problem, dict(m.bits), m.mapping).energy_pj
