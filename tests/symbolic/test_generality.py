"""What a memory, an array and a compute unit can state besides sizes and energies, each by a rule of its own."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from math import ceil, prod

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, Partition, Port, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import evaluate, legality
from tests.support.features import ENERGY, PARTIAL_SUMS, RATE, bypassed, featured_cases
from tests.support.strategies import Case, cases, conv1d, mappings, matmul

UNIT = AccessEnergy(1.0, 1.0, 1.0)
DRAM = StorageLevel("dram", 16, 1, None, None, UNIT)
BUFFER = StorageLevel("buffer", 16, 1, 64, None, UNIT)
BITS = {"I": 4, "W": 6, "O": 8}
PROBLEM = Problem(matmul(), (4, 4, 4))
# Tiles at the buffer: I 4, W 16, O 4 values; 64 operations one after the other.
MAPPING = Mapping((("dram", (Loop("M", 4),)), ("buffer", (Loop("N", 4), Loop("K", 4)))))


def machine(
    buffer: StorageLevel = BUFFER, compute: ComputeUnit | None = None, dram: StorageLevel = DRAM
) -> Accelerator:
    return Accelerator("machine", (dram, buffer), compute or ComputeUnit("mac", 1.0))


def words(accelerator: Accelerator, tensor: str) -> int:
    return evaluate(accelerator, PROBLEM, BITS, MAPPING).level("buffer").tensor(tensor).words


def messages(accelerator: Accelerator) -> list[str]:
    return [d.message for d in legality(accelerator, PROBLEM, BITS, MAPPING, None)]


def test_dense_words_hold_values_bit_behind_bit() -> None:
    assert words(machine(), "W") == 8  # 16 values, 2 in a word of 16 bits
    assert words(machine(replace(BUFFER, dense=True)), "W") == 6  # 96 bits in words of 16


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_dense_counts_are_the_bits_of_all_values_in_words(data: st.DataObject) -> None:
    case = data.draw(cases())
    mapping = data.draw(mappings(case.accelerator, case.problem))

    def with_levels(**changes: object) -> Accelerator:
        parts = [replace(h, **changes) if isinstance(h, StorageLevel) else h for h in case.accelerator.hierarchy]  # type: ignore[arg-type]
        return replace(case.accelerator, hierarchy=tuple(parts))

    dense = evaluate(with_levels(dense=True, word_bits=7), case.problem, case.bits, mapping)
    single = evaluate(with_levels(word_bits=1), case.problem, dict.fromkeys(case.bits, 1), mapping)
    for level in dense.levels:
        for tensor, counts in level.tensors:
            values = single.level(level.name).tensor(tensor)
            for kind in ("words", "fills", "updates"):
                assert getattr(counts, kind) == ceil(getattr(values, kind) * case.bits[tensor] / 7)


def test_a_tensor_may_straddle_dense_words_only() -> None:
    wide = {**BITS, "W": 20}
    assert [d.code for d in legality(machine(), PROBLEM, wide, MAPPING, None)] == ["Q0604", "Q0604"]
    dense = machine(replace(BUFFER, dense=True), dram=replace(DRAM, dense=True))
    assert not legality(dense, PROBLEM, wide, MAPPING, None)


def test_a_partition_is_for_its_tensors_alone() -> None:
    # I takes 1 word, W 8, O 2
    assert not messages(machine(replace(BUFFER, size_words=11)))
    assert messages(machine(replace(BUFFER, size_words=10))) == [
        "the tiles at `buffer` need 11 words, its capacity is 10"
    ]
    split = replace(BUFFER, size_words=3, partitions=(Partition(8, frozenset("W")),))
    assert not messages(machine(split))
    assert messages(machine(replace(split, partitions=(Partition(7, frozenset("W")),)))) == [
        "the tiles at `buffer` need 8 words for W, its capacity is 7"
    ]
    assert messages(machine(replace(split, size_words=2))) == ["the tiles at `buffer` need 3 words, its capacity is 2"]


def test_a_double_buffered_tile_is_there_twice() -> None:
    assert words(machine(replace(BUFFER, double_buffered=frozenset("W"))), "W") == 16
    assert words(machine(replace(BUFFER, double_buffered=None)), "I") == 2
    assert not messages(machine(replace(BUFFER, size_words=19, double_buffered=frozenset("W"))))
    assert messages(machine(replace(BUFFER, size_words=18, double_buffered=frozenset("W"))))


def test_ports_serve_their_tensors_side_by_side() -> None:
    # buffer reads per run: I 64 values = 16 words, W 64 = 32 words, O 48 partial sums = 24 words; 64 cycles of compute
    found = evaluate(machine(), PROBLEM, BITS, MAPPING).level("buffer")
    assert [c.reads for _, c in found.tensors] == [16, 32, 24]

    def cycles(**changes: object) -> int:
        return evaluate(machine(replace(BUFFER, **changes)), PROBLEM, BITS, MAPPING).cycles  # type: ignore[arg-type]

    assert cycles(read_bandwidth=0.5) == 144  # 72 words through one port
    assert cycles(ports=(Port(0.25, None, frozenset("W")),)) == 128  # W alone
    assert cycles(read_bandwidth=0.5, ports=(Port(0.25, None, frozenset("W")),)) == 128  # I and O need 80
    assert cycles(read_bandwidth=0.25, ports=(Port(0.5, None, frozenset("W")),)) == 160


def test_leakage_is_paid_by_all_instances_in_all_cycles() -> None:
    array = FanOut("array", 2, 3)
    accelerator = Accelerator(
        "machine",
        (replace(DRAM, leakage_pj=1.0), array, replace(BUFFER, leakage_pj=0.5)),
        ComputeUnit("mac", 1.0, leakage_pj=0.25),
    )
    mapping = Mapping(
        (
            ("dram", (Loop("M", 4),)),
            ("array.x", (Loop("N", 2),)),
            ("array.y", ()),
            ("buffer", (Loop("N", 2), Loop("K", 4))),
        )
    )
    found = evaluate(accelerator, PROBLEM, BITS, mapping)
    assert found.cycles == 32  # on 2 of 6 instances
    assert found.leakage_pj == 32 * (1.0 + 6 * 0.5 + 6 * 0.25)
    rest = sum(level.energy_pj for level in found.levels) + found.compute_energy_pj
    assert found.energy_pj == pytest.approx(rest + found.leakage_pj)


def test_leakage_lasts_as_long_as_a_bandwidth_makes_it() -> None:
    slow = machine(replace(BUFFER, read_bandwidth=0.5, leakage_pj=1.0))
    assert evaluate(slow, PROBLEM, BITS, MAPPING).leakage_pj == 144


@given(st.data())
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_a_value_moves_to_an_average_instance_and_on_to_the_others_of_its_group(data: st.DataObject) -> None:
    """Two levels, one array between them: the groups are found by listing what every instance holds."""
    x, y = data.draw(st.sampled_from([(2, 2), (4, 1), (2, 3), (3, 3)]))
    problem = Problem(conv1d(), (2, 2, 6, 3))
    array = FanOut("array", x, y, hop_pj_per_bit=0.5)
    accelerator = Accelerator("machine", (DRAM, array, BUFFER), ComputeUnit("mac", 1.0))
    mapping = data.draw(mappings(accelerator, problem))
    assume(not [d for d in legality(accelerator, problem, BITS, mapping, None) if d.code == "Q0606"])
    assume(any(mapping.loops(p) for p in array.places))
    inner = {d: mapping.factor("buffer", d) for d in problem.operator.dims}
    loops = [loop for p in array.places for loop in mapping.loops(p)]
    used_x, used_y = (prod(loop.factor for loop in mapping.loops(p)) for p in array.places)
    distance = sum(1 + i + j for i, j in product(range(used_x), range(used_y))) / (used_x * used_y)
    found = dict(dict(evaluate(accelerator, problem, BITS, mapping).networks)["array"])
    values = evaluate(
        replace(accelerator, hierarchy=(replace(DRAM, word_bits=1), array, replace(BUFFER, word_bits=1))),
        problem, dict.fromkeys(BITS, 1), mapping,
    ).level("dram")  # fmt: skip
    for tensor in problem.operator.tensors:
        held = set()
        for index in product(*(range(loop.factor) for loop in loops)):
            at = dict.fromkeys(problem.operator.dims, 0)
            for place in reversed(range(len(loops))):  # inner loops have the smaller strides
                same = [n for n in range(place + 1, len(loops)) if loops[n].dim == loops[place].dim]
                at[loops[place].dim] += index[place] * inner[loops[place].dim] * prod(loops[n].factor for n in same)
            held.add(tuple(sum(t.coefficient * at[t.dim] for t in axis.terms) for axis in tensor.axes))
        group = used_x * used_y / len(held)
        counts = values.tensor(tensor.name)
        moved = (counts.reads + counts.updates) * BITS[tensor.name] * 0.5
        assert found[tensor.name] == pytest.approx(moved * (distance + group - 1))


def test_the_width_of_an_operation_sets_its_energy_and_rate() -> None:
    compute = ComputeUnit("mac", ENERGY, throughput=RATE)
    found = evaluate(machine(compute=compute), PROBLEM, BITS, MAPPING)
    assert found.compute_energy_pj == 64 * 6 / 8 * 4
    assert found.cycles == 48  # 8/6 operations a cycle
    slow = evaluate(machine(compute=compute), PROBLEM, {**BITS, "I": 12}, MAPPING)
    assert slow.cycles == 96


def test_partial_sums_have_the_width_of_their_rule() -> None:
    # 6 bits of weights and 2 for a sum of 4: 8 bits, 2 in a word; at 16 bits of weights 18, which do not fit
    accelerator = machine(replace(BUFFER, stored=(("output", PARTIAL_SUMS),)))
    assert words(accelerator, "O") == 2
    assert evaluate(accelerator, PROBLEM, {**BITS, "O": 2}, MAPPING).level("buffer").tensor("O").words == 2
    assert evaluate(accelerator, PROBLEM, {**BITS, "O": 2}, MAPPING).level("dram").tensor("O").words == 2
    (found,) = legality(accelerator, PROBLEM, {**BITS, "W": 16}, MAPPING, None)
    assert found.message == "`O` at 18 bits does not fit a 16-bit word of `buffer`"


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_a_bypass_is_the_accelerator_that_does_not_keep_the_tensor(data: st.DataObject) -> None:
    case: Case = data.draw(featured_cases())
    mapping = data.draw(mappings(case.accelerator, case.problem))
    for bypass, fixed in bypassed(case):
        chosen = replace(mapping, bypass=bypass)
        known = {d.code for d in legality(fixed, case.problem, case.bits, mapping, None)}
        assert {d.code for d in legality(case.accelerator, case.problem, case.bits, chosen, None)} == known
        if not known:
            there = evaluate(fixed, case.problem, case.bits, mapping)
            assert evaluate(case.accelerator, case.problem, case.bits, chosen) == there
