"""How far best mappings depend on energy numbers: a case by hand, and the limits against new searches."""

from __future__ import annotations

import pytest

import qdsl
from qdsl.mapper.dependence import Question, dependences
from qdsl.model.energy_numbers import energy_numbers, scaled

BY_HAND = """
operator matmul {
  dims M, N, K
  weights W
  O[m, n] += I[m, k] * W[k, n]
}
network one {
  layer fc = matmul(M = 4, N = 1, K = 1)
}
accelerator two {
  word 8 bit
  memory dram { energy read 10 pJ, write 10 pJ; source "example" }
  memory pad { size 8 word; may keep W; energy read 1 pJ, write 1 pJ; source "example" }
  compute mac { energy 1 pJ; source "example" }
}
"""
EVERY_KIND = """
accelerator every {
  word 8 bit
  memory dram { energy read 10 pJ, write 0 pJ; leakage 3 pJ/cycle; source "example" }
  memory free { size 8 word; energy read 0 pJ, write 0 pJ; source "example" }
  array pe { x 2; energy hop 0.5 pJ/bit; source "example" }
  array silent { x 2 }
  compute mac { energy 0.5 pJ * bits(weights); leakage 0.25 pJ/cycle; source "example" }
}
"""


def by_hand() -> Question:
    model = qdsl.loads(BY_HAND).model
    return Question(model.accelerators[0], model.networks[0].layers[0].problem, {"I": 8, "W": 8, "O": 8}, ())


def test_where_the_pad_is_too_expensive_to_keep_the_weight() -> None:
    """Kept, the one weight takes a read of dram, a write and four reads of the pad; bypassed, four reads of dram. Inputs and
    outputs take eight accesses of dram: 90 + 5 + 4 pJ against 120 + 4. They are equal with dram at 1/6 or the pad at 6."""
    question = by_hand()
    found = dependences(question, energy_numbers(question.accelerator), (0.1, 1.9), 10)
    assert found.best.energy_pj == pytest.approx(99)
    assert found.dependences is not None
    dram, pad, mac = found.dependences
    assert [str(d.number) for d in (dram, pad, mac)] == ["dram accesses", "pad accesses", "mac operations"]
    assert [d.number_pj for d in (dram, pad, mac)] == pytest.approx([90, 5, 4])
    assert dram.below == pytest.approx(1 / 6) and dram.above is None
    assert pad.below is None and pad.above == pytest.approx(6)
    assert (mac.below, mac.above) == (None, None)
    assert dram.kept_pj == pytest.approx((9 + 5 + 4, 171 + 5 + 4))
    assert dram.least_pj == pytest.approx((12 + 4, 171 + 5 + 4))
    assert pad.least_pj == pad.kept_pj == pytest.approx((94.5, 103.5))


def test_a_limit_is_where_a_new_search_finds_another_mapping() -> None:
    study = qdsl.load("specs/examples/first.qdsl").model.studies[0]
    layer = study.network.layer("conv")
    bits = dict.fromkeys(("I", "W", "O"), 8)
    question = Question(study.accelerator, layer.problem, bits, tuple(study.constraints))
    buffer = energy_numbers(study.accelerator)[1]
    found = dependences(question, [buffer], (), 10)
    assert found.best.mapping is not None and found.dependences is not None
    limit = found.dependences[0].below
    assert limit is not None
    for factor, same in ((limit + 1e-3, True), (limit - 1e-3, False)):
        there = question.scaled(buffer, factor)
        least = there.best().energy_pj
        assert least is not None
        assert (there.energy_pj(found.best.mapping) <= least * (1 + 1e-9)) == same


def test_every_kind_of_number_is_scaled_alone() -> None:
    machine = qdsl.loads(EVERY_KIND).model.accelerators[0]
    numbers = energy_numbers(machine)
    assert list(map(str, numbers)) == ["dram accesses", "dram leakage", "pe hops", "mac operations", "mac leakage"]
    accesses, leakage, hops, operations, lost = (scaled(machine, n, 2) for n in numbers)
    assert accesses.levels[0].energy.read_pj == 20 and accesses.levels[0].leakage_pj == 3
    assert leakage.levels[0].leakage_pj == 6 and leakage.levels[0].energy == machine.levels[0].energy
    assert hops.fanout("pe").hop_pj_per_bit == 1
    assert lost.compute.leakage_pj == 0.5 and lost.compute.energy == machine.compute.energy
    problem = by_hand().problem
    assert operations.compute.operation_pj(problem, {"I": 8, "W": 4, "O": 8}) == pytest.approx(4)


def test_energies_and_power_of_whole_layers() -> None:
    machine = next(a for a in qdsl.load("specs/accelerators/mpic.qdsl").model.accelerators if a.name == "mpic")
    (power,) = energy_numbers(machine)
    assert str(power) == "core power"
    assert scaled(machine, power, 0.5).compute.power_pj == pytest.approx(machine.compute.power_pj / 2)
    pim = next(a for a in qdsl.load("specs/accelerators/pim.qdsl").model.accelerators if a.name == "pim")
    assert list(map(str, energy_numbers(pim))) == ["crossbars operations"]
