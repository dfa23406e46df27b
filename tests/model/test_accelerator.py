"""Statements of an accelerator in words, bits and picojoules."""

from __future__ import annotations

import pytest

from qdsl.model.accelerator import Accelerator
from qdsl.model.invariants import violations
from tests.model.conftest import Load

TEXT = """
technology t {
  source "table 1"
  memory sram { width 64 bit; energy read 6 pJ, write 7 pJ, update 8 pJ }
  memory reg { energy read 0.1 pJ/bit, write 2 pJ/word; source "table 2" }
  compute mac { energy 2 pJ }
}
accelerator a {
  param kib = 4 KiB in {4 KiB .. 16 KiB step 4 KiB}
  param columns = 2 * 7
  word 16 bit
  clock 0.2 GHz
  memory dram { width 128 bit; energy read 512 pJ, write 500 pJ }
  memory sram { size kib / 2; energy from t.sram; bandwidth read 64 bit/cycle, write 2 word/cycle }
  array pe { x columns; y 12; multicast I; reduce none }
  memory reg { size 12 word; word 8 bit; width 32 bit; keep W, I; energy from t.reg; source "measured" }
  compute mac { energy from t.mac }
}
"""


@pytest.fixture
def accelerator(load_text: Load) -> Accelerator:
    model = load_text(TEXT)
    assert violations(model) == []
    return model.accelerators[0]


def test_sizes_and_bandwidths_are_in_words_of_the_level(accelerator: Accelerator) -> None:
    sram, reg = accelerator.level("sram"), accelerator.level("reg")
    assert (sram.size_words, sram.block_words) == (1024, 4)  # 2 KiB in words of 2 bytes, 64 bits per access
    assert (sram.read_bandwidth, sram.write_bandwidth) == (4.0, 2.0)
    assert (reg.size_words, reg.word_bits, reg.block_words) == (12, 8, 4)


def test_energies_are_per_access(accelerator: Accelerator) -> None:
    dram, sram, reg = (accelerator.level(n).energy for n in ("dram", "sram", "reg"))
    assert (dram.read_pj, dram.write_pj, dram.update_pj) == (512.0, 500.0, 500.0)
    assert (sram.read_pj, sram.write_pj, sram.update_pj) == (6.0, 7.0, 8.0)
    # 32 bits, 4 words per access
    assert reg.read_pj == pytest.approx(3.2)
    assert reg.write_pj == 8.0


def test_energies_keep_their_source(accelerator: Accelerator) -> None:
    sources = [level.energy.source for level in accelerator.levels]
    assert sources == [None, "table 1", "measured"]
    assert accelerator.compute.source == "table 1"


def test_array_shares_what_it_says(accelerator: Accelerator) -> None:
    pe = accelerator.fanout("pe")
    assert (pe.x, pe.y, pe.multicast, pe.reduce) == (14, 12, frozenset({"I"}), frozenset())


def test_places_go_from_the_outermost_inwards(accelerator: Accelerator) -> None:
    assert accelerator.places == ("dram", "sram", "pe.x", "pe.y", "reg")
    assert accelerator.clock_hz == 200e6


def test_parameters_have_their_defaults(accelerator: Accelerator) -> None:
    assert accelerator.parameters == (("kib", 4.0 * 8192), ("columns", 14.0))


def test_mapping_may_choose_other_parameters(load_text: Load) -> None:
    text = (
        TEXT
        + """
operator f { dims N; O[n] = I[n] }
network n { layer l = f(N = 4) }
mapping m for n.l onto a(kib = 8 KiB) { bits I = 8, O = 8; dram: for N 4 }
"""
    )
    model = load_text(text)
    assert violations(model) == []
    assert model.mappings[0].accelerator.level("sram").size_words == 2048
    assert model.accelerators[0].level("sram").size_words == 1024
