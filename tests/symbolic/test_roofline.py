"""What limits a mapping, by hand and against the cycles of the evaluation."""

from __future__ import annotations

from dataclasses import replace
from math import ceil

from hypothesis import given, settings
from hypothesis import strategies as st

from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, Port, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import Roofline, evaluate, roofline
from tests.support.features import RATE
from tests.support.strategies import cases, mappings, matmul

UNIT = AccessEnergy(1.0, 1.0, 1.0)
PROBLEM = Problem(matmul(), (2, 4, 8))
BITS = {"I": 8, "W": 8, "O": 8}
LEVEL = StorageLevel("buffer", 8, 1, None, None, UNIT)


def found(buffer: StorageLevel, n: int = 4, compute: ComputeUnit | None = None, optional: str = "") -> Roofline:
    """64 operations; n of 4 units get their words from the buffer, one operation after the other."""
    level = replace(buffer, keep=frozenset("IWO") - set(optional), optional=frozenset(optional))
    dram = StorageLevel("dram", 8, 1, None, None, UNIT)
    accelerator = Accelerator("machine", (dram, level, FanOut("pe", 4, 1)), compute or ComputeUnit("mac", 1.0))
    loops = {"buffer": (Loop("M", 2), Loop("K", 8), Loop("N", 4 // n)), "pe.x": (Loop("N", n),)}
    mapping = Mapping(
        tuple((p, tuple(x for x in loops.get(p, ()) if x.factor > 1)) for p in accelerator.places),
        frozenset(("buffer", t) for t in optional),
    )
    return roofline(accelerator, PROBLEM, BITS, evaluate(accelerator, PROBLEM, BITS, mapping))


def test_all_units_in_every_cycle() -> None:
    r = found(LEVEL)
    assert (r.limit, r.limited_by, r.port) == ("compute", "compute", None)
    assert (r.units, r.used_units, r.cycles, r.attained, r.peak) == (4, 4, 16, 4.0, 4.0)


def test_half_of_the_array() -> None:
    r = found(LEVEL, n=2)
    assert (r.limit, r.limited_by) == ("array", "array (50.0% used)")
    assert (r.cycles, r.attained, r.peak) == (32, 2.0, 4.0)


def test_a_bandwidth_and_what_the_others_leave_of_theirs() -> None:
    """Every cycle the units need 1 value of I, 4 of W, and 4 of O that are read (except the first sums) and updated."""
    r = found(replace(LEVEL, read_bandwidth=4.0, write_bandwidth=16.0))
    reads, writes = (flow for flow in r.flows if flow.level == "buffer")
    assert (reads.name, reads.words, reads.bandwidth) == ("buffer reads", 16 + 64 + 64 - 8, 4.0)
    assert (writes.name, writes.words) == ("buffer writes", (16 + 32) + 64)
    assert (r.limit, r.limited_by, r.port) == ("port", "bandwidth of buffer reads", reads)
    assert (reads.cycles, r.cycles, r.compute_cycles) == (34.0, 34, 16)
    assert r.share(reads) == 1.0
    assert r.share(writes) == (112 / 16) / 34
    assert reads.intensity == 64 / 136


def test_a_level_without_bandwidth_counts_all_its_words() -> None:
    r = found(LEVEL)
    assert [flow.name for flow in r.flows] == ["dram", "buffer"]
    assert [(flow.words, flow.roof, flow.cycles) for flow in r.flows] == [
        (16 + 32 + 8, None, 0.0),
        (136 + 112, None, 0.0),
    ]


def test_a_port_of_one_tensor() -> None:
    r = found(replace(LEVEL, ports=(Port(2.0, None, frozenset("W")),)))
    assert [(flow.name, flow.words) for flow in r.flows[1:]] == [
        ("buffer", 16 + 16 + 56 + 64),
        ("buffer reads of W", 64),
        ("buffer writes of W", 32),
    ]
    assert r.limited_by == "bandwidth of buffer reads of W"
    assert r.cycles == 32


def test_what_a_mapping_bypasses_passes_no_port() -> None:
    r = found(replace(LEVEL, ports=(Port(2.0, None, frozenset("W")),)), optional="W")
    assert [flow.name for flow in r.flows] == ["dram", "buffer"]


def test_units_that_do_several_operations_in_a_cycle() -> None:
    r = found(LEVEL, compute=ComputeUnit("mac", 1.0, throughput=RATE))
    assert (r.peak, r.cycles, r.limit) == (4.0, 16, "compute")
    accelerator = Accelerator("machine", (LEVEL,), ComputeUnit("mac", 1.0, throughput=RATE))
    mapping = Mapping((("buffer", (Loop("M", 2), Loop("N", 4), Loop("K", 8))),))
    bits = {"I": 4, "W": 2, "O": 8}
    r = roofline(accelerator, PROBLEM, bits, evaluate(accelerator, PROBLEM, bits, mapping))
    assert (r.peak, r.cycles, r.limit) == (2.0, 32, "compute")


def test_instances_share_the_work_and_add_up_to_the_roof() -> None:
    pad = StorageLevel("pad", 8, 1, 8, frozenset("W"), UNIT, 0.5)
    dram = StorageLevel("dram", 8, 1, None, None, UNIT)
    accelerator = Accelerator("machine", (dram, FanOut("pe", 4, 1), pad), ComputeUnit("mac", 1.0))
    loops = {"dram": (Loop("N", 2), Loop("M", 2), Loop("K", 8)), "pe.x": (Loop("N", 2),)}
    mapping = Mapping(tuple((p, loops.get(p, ())) for p in accelerator.places))
    r = roofline(accelerator, PROBLEM, BITS, evaluate(accelerator, PROBLEM, BITS, mapping))
    reads = next(flow for flow in r.flows if flow.name == "pad reads")
    assert (reads.words, reads.instances, reads.all_instances, reads.roof) == (32, 2, 4, 2.0)
    assert reads.intensity == 64 / (32 * 2)
    assert r.cycles == 64


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_the_slowest_port_sets_the_cycles(data: st.DataObject) -> None:
    case = data.draw(cases())
    rate = st.sampled_from([None, 0.5, 1.0, 3.0])
    names = [t.name for t in case.problem.operator.tensors]

    def limited(level: StorageLevel) -> StorageLevel:
        own = data.draw(st.sampled_from([(), (names[0],), (names[-1],)]))
        ports = tuple(Port(data.draw(rate), data.draw(rate), frozenset({t})) for t in own)
        return replace(level, read_bandwidth=data.draw(rate), write_bandwidth=data.draw(rate), ports=ports)

    parts = tuple(limited(h) if isinstance(h, StorageLevel) else h for h in case.accelerator.hierarchy)
    accelerator = replace(case.accelerator, hierarchy=parts)
    mapping = data.draw(mappings(accelerator, case.problem))
    evaluation = evaluate(accelerator, case.problem, case.bits, mapping)
    r = roofline(accelerator, case.problem, case.bits, evaluation)
    needed = max(r.compute_cycles, *(flow.cycles for flow in r.flows))
    assert ceil(needed) <= r.cycles <= ceil(needed) + 1
    assert (r.limit == "port") == (needed > r.compute_cycles)
    fits = all(flow.instances <= flow.all_instances for flow in r.flows) and r.used_units <= r.units
    assert r.attained <= r.peak or not fits
    for level in evaluation.levels:
        words = sum(c.reads + c.fills + c.updates for _, c in level.tensors)
        assert sum(flow.words for flow in r.flows if flow.level == level.name) == words
    for flow in r.flows:
        assert r.share(flow) <= 1 + 1e-9
        if fits and flow.intensity is not None and flow.roof is not None:
            assert r.attained <= flow.intensity * flow.roof * (1 + 1e-9), "no layer lies above a roof"


def test_units_that_compute_what_nobody_needs() -> None:
    accelerator = Accelerator("machine", (LEVEL, FanOut("pe", 4, 1)), ComputeUnit("mac", 1.0))
    loops = {"buffer": (Loop("M", 2), Loop("K", 8), Loop("N", 2)), "pe.x": (Loop("N", 4),)}
    mapping = Mapping(tuple((p, loops.get(p, ())) for p in accelerator.places), imperfect="padded")
    problem = Problem(matmul(), (2, 6, 8))
    r = roofline(accelerator, problem, BITS, evaluate(accelerator, problem, BITS, mapping))
    assert r.limited_by == "compute (75.0% useful)"
