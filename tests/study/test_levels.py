"""The rough levels: closed forms by hand, and what is said of engines in the literature."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from qdsl.model import load
from qdsl.model.accelerator import Accelerator
from qdsl.model.operator import Problem
from qdsl.resources import data_dir
from qdsl.study.levels import bit_operations, estimated_tables, fractional_operations, roofline_estimate
from qdsl.study.tables import width_rows

MACHINE = """
operator linear() {{
  dims M, N, K
  weights W
  O[m, n] += I[m, k] * W[k, n]
}}
network one {{ layer fc = linear(M = 6, N = 10, K = 20) }}
accelerator machine {{
  word 16 bit
  memory dram {{ width 32 bit; energy read 100 pJ, write 300 pJ; bandwidth read {read} word/cycle, write 1 word/cycle }}
  memory buffer {{ size {size} word; energy read 1 pJ, write 1 pJ }}
  array pe {{ x 4 }}
  compute mac {{ energy 2 pJ; throughput {throughput} }}
}}
mapping any for one.fc onto machine {{ bits I = 4, W = 4, O = 4; dram: for M 6, N 10, K 20 }}
"""
# Operations per cycle of one unit, by engine. The vector unit supports 16, 8, 4 and 2 bits.
VECTOR = (
    "if max(bits(W), bits(I)) > 8 then 1 else if max(bits(W), bits(I)) > 4 then 2 "
    "else if max(bits(W), bits(I)) > 2 then 4 else 8"
)
SERIAL = "1 / (bits(W) * bits(I))"
HALF_SERIAL = "1 / bits(W)"


def _machine(
    directory: Path, throughput: str = "1", size: int = 1000, read: float = 100
) -> tuple[Accelerator, Problem]:
    path = directory / "machine.qdsl"
    path.write_text(MACHINE.format(throughput=throughput, size=size, read=read), encoding="utf-8")
    written = load(path).mappings[0]
    return written.accelerator, written.layer.problem


def _bits(weights: int, inputs: int, outputs: int = 8) -> dict[str, int]:
    return {"I": inputs, "W": weights, "O": outputs}


def test_bit_operations_are_macs_times_both_widths(tmp_path: Path) -> None:
    _, problem = _machine(tmp_path)
    assert problem.operations == 1200
    assert bit_operations(problem, _bits(3, 5)) == 1200 * 15


def test_words_energy_and_cycles_where_an_operand_fits(tmp_path: Path) -> None:
    """At 8 bits two values share a word: W 200 values are 100 words, I 120 are 60, O 60 are 30. Each passes once."""
    machine, problem = _machine(tmp_path)
    found = roofline_estimate(machine, problem, _bits(8, 8))
    assert found.words == 100 + 60 + 30
    assert found.intensity == 1200 / 190
    # two words per access: 80 reads and 15 updates, which cost what a write costs
    assert found.energy_pj == 1200 * 2 + 80 * 100 + 15 * 300
    assert found.cycles == max(1200 / 4, 160 / 100, 30 / 1)


def test_what_does_not_fit_makes_the_other_operand_stream_again(tmp_path: Path) -> None:
    """32 words of 16 bits are 512 bits: W of 1600 bits goes in 4 parts, I of 960 bits in 2."""
    machine, problem = _machine(tmp_path, size=32)
    found = roofline_estimate(machine, problem, _bits(8, 8))
    assert found.words == min(100 + 4 * 60, 60 + 2 * 100) + 30


def test_a_larger_memory_never_moves_more(tmp_path: Path) -> None:
    words = []
    for size in (1, 2, 5, 16, 64, 200):
        machine, problem = _machine(tmp_path, size=size)
        words.append(roofline_estimate(machine, problem, _bits(8, 4)).words)
    assert words == sorted(words, reverse=True)
    assert words[0] > words[-1]


def test_a_vector_unit_is_a_staircase_and_a_serial_one_is_smooth(tmp_path: Path) -> None:
    vector, problem = _machine(tmp_path, VECTOR)
    serial, _ = _machine(tmp_path, SERIAL)
    half, _ = _machine(tmp_path, HALF_SERIAL)

    def rate(machine: Accelerator, weights: int, inputs: int) -> Fraction:
        cycles = fractional_operations(machine, problem, _bits(weights, inputs))
        return Fraction(problem.operations) / Fraction(cycles).limit_denominator(10**6)

    assert [rate(vector, b, b) for b in (8, 4, 2)] == [2, 4, 8]
    assert [rate(serial, b, b) for b in (8, 4, 2)] == [Fraction(1, 64), Fraction(1, 16), Fraction(1, 4)]
    assert [rate(half, b, b) for b in (8, 4, 2)] == [Fraction(1, 8), Fraction(1, 4), Fraction(1, 2)]
    assert rate(vector, 3, 3) == rate(vector, 4, 4) and rate(vector, 5, 5) == rate(vector, 8, 8)
    assert rate(vector, 3, 5) == rate(vector, 8, 8)
    assert rate(serial, 3, 5) / rate(serial, 8, 8) == Fraction(64, 15)


def test_engines_do_not_differ_where_memory_limits(tmp_path: Path) -> None:
    vector, problem = _machine(tmp_path, VECTOR, read=0.01)
    serial, _ = _machine(tmp_path, SERIAL, read=0.01)
    for bits in (_bits(2, 2), _bits(3, 5), _bits(4, 4)):
        assert roofline_estimate(vector, problem, bits).cycles == roofline_estimate(serial, problem, bits).cycles


def test_the_crossover_falls_with_the_bandwidth(tmp_path: Path) -> None:
    """Sixteen times as many serial units: they win below the width at which both wait for memory or for themselves."""

    def crossover(read: float) -> int:
        """The widest bits at which the serial engine is faster, 0 for none."""
        vector, problem = _machine(tmp_path, VECTOR, read=read)
        serial, _ = _machine(tmp_path, "100 / (bits(W) * bits(I))", read=read)
        faster = [
            b
            for b in range(1, 9)
            if roofline_estimate(serial, problem, _bits(b, b, 1)).cycles
            < roofline_estimate(vector, problem, _bits(b, b, 1)).cycles
        ]
        return max(faster, default=0)

    crossovers = [crossover(read) for read in (100, 1, 0.5, 0.25, 0.1)]
    assert crossovers == sorted(crossovers, reverse=True)
    assert crossovers[0] > crossovers[-1]


@pytest.mark.parametrize("network", ["resnet20"])
def test_the_multiply_accumulates_of_resnet20(network: str) -> None:
    model = load(data_dir("specs") / "networks" / f"{network}.qdsl")
    layers = next(n for n in model.networks if n.name == network).layers
    assert sum(x.problem.operations for x in layers if x.has_weights) == 40_551_040


def test_the_middle_level_estimates_the_cycles_of_a_study(tmp_path: Path) -> None:
    """Per layer and width those of the roofline, in a study that minimises latency."""
    spec = (
        MACHINE.format(throughput=VECTOR, size=1000, read=1)
        + """
study s {
  map one onto machine
  precision { weights in {2, 4, 8} per layer; activations in {4, 8} per layer; output 8 bit }
  minimize energy, latency
  levels mid, fine
  search nsga2(population = 4, generations = 1, seed = 1)
}
"""
    )
    path = tmp_path / "study.qdsl"
    path.write_text(spec, encoding="utf-8")
    (study,) = load(path).studies
    (table,) = estimated_tables(study, "mid")
    assert table.cycles is not None
    for row in width_rows(study, study.network.layers[0]):
        expected = roofline_estimate(study.accelerator, study.network.layers[0].problem, dict(row.bits))
        assert (table.energy_pj[row.options], table.cycles[row.options]) == (expected.energy_pj, expected.cycles)
    assert len(set(table.cycles.ravel().tolist())) > 1
