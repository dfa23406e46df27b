"""Evaluating many mappings at once is evaluating each."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdsl.mapspace import sample_mappings
from qdsl.model import load
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem
from qdsl.resources import data_dir
from qdsl.symbolic import Evaluator, evaluate, evaluate_many, legality, many
from tests.support.brute_force import all_mappings
from tests.support.strategies import matmul

BITS = {"I": 4, "W": 4, "O": 8}
ENERGY = AccessEnergy(1.0, 1.0, 1.0)


def machine(**buffer: object) -> Accelerator:
    dram = StorageLevel("dram", 16, 2, None, None, ENERGY, read_bandwidth=0.5)
    inner = replace(StorageLevel("buffer", 8, 1, 12, None, ENERGY), **buffer)  # type: ignore[arg-type]
    return Accelerator("machine", (dram, FanOut("array", 2, 3), inner), ComputeUnit("mac", 1.0))


def check(accelerator: Accelerator, problem: Problem, bits: dict[str, int], mappings: list[Mapping]) -> int:
    """How many mappings are legal."""
    found = evaluate_many(accelerator, problem, bits, mappings)
    assert len(found) == len(mappings)
    for i, mapping in enumerate(mappings):
        one = evaluate(accelerator, problem, bits, mapping)
        assert found.at(i) == one
        assert (found.energy_pj[i], found.cycles[i]) == (one.energy_pj, one.cycles)
        assert found.accesses[i] == sum(x.reads + x.fills + x.updates for _, x in one.level("dram").tensors)
        assert found.legal[i] == (not legality(accelerator, problem, bits, mapping, None))
    return int(found.legal.sum())


@pytest.mark.parametrize("worthwhile", [1, 40, 10**6])
def test_every_mapping_of_a_small_problem(monkeypatch: pytest.MonkeyPatch, worthwhile: int) -> None:
    monkeypatch.setattr(many, "WORTHWHILE", worthwhile)
    monkeypatch.setattr(many, "WORTHWHILE_IN_ROUNDS", worthwhile)
    problem = Problem(matmul(), (2, 3, 4))
    mappings = list(all_mappings(machine(), problem))[::7]
    assert 0 < check(machine(), problem, BITS, mappings) < len(mappings)


def test_mappings_of_every_kind_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "WORTHWHILE", 1)
    monkeypatch.setattr(many, "WORTHWHILE_IN_ROUNDS", 1)
    problem = Problem(matmul(), (2, 3, 4))
    accelerator = machine(keep=frozenset({"O"}), optional=frozenset({"I", "W"}))
    perfect = list(islice(all_mappings(accelerator, problem), 0, None, 50))
    bypassed = [replace(m, bypass=frozenset({("buffer", t)})) for m, t in zip(perfect, "IW" * 100, strict=False)]
    twice = Mapping((("dram", (Loop("K", 2), Loop("N", 3), Loop("K", 2))), ("buffer", (Loop("M", 2),))))
    imperfect = [
        Mapping((("dram", (Loop("N", 2), Loop("K", 4))), ("buffer", (Loop("N", 2), Loop("M", 2)))), imperfect=kind)
        for kind in ("padded", "partial")
    ]
    assert check(accelerator, problem, BITS, [*perfect, twice, *bypassed, *imperfect]) > 0


def test_what_a_kernel_cannot_count_is_counted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many, "WORTHWHILE", 1)
    monkeypatch.setattr(many, "WORTHWHILE_IN_ROUNDS", 1)
    huge = 2**52
    mappings = [Mapping((("dram", (Loop("M", huge), Loop("K", k))), ("buffer", (Loop("K", 4 // k),)))) for k in (2, 4)]
    check(machine(), Problem(matmul(), (huge, 1, 4)), BITS, mappings)


def test_nothing_to_evaluate() -> None:
    assert check(machine(), Problem(matmul(), (2, 3, 4)), BITS, []) == 0
    assert check(machine(), Problem(matmul(), (1, 1, 1)), BITS, [Mapping(())] * 300) == 300


def test_mappings_drawn_under_a_dataflow_share_few_kernels() -> None:
    study = load(data_dir("specs") / "studies" / "mobilenet_v1_eyeriss.qdsl").studies[0]
    problem = study.network.layer("b3.p").problem
    bits = {"I": 8, "W": 4, "O": 8}
    mappings = list(islice(sample_mappings(study.accelerator, problem, bits, study.constraints), 1000))
    found = evaluate_many(study.accelerator, problem, bits, mappings)
    assert found.legal.all()
    for i in range(0, 1000, 25):
        assert found.at(i) == evaluate(study.accelerator, problem, bits, mappings[i])


@given(*[st.permutations("ABCD").flatmap(lambda x: st.integers(0, 4).map(lambda n: x[:n]))] * 2)
def test_orders_are_merged_if_one_order_has_both(a: list[str], b: list[str]) -> None:
    merged = many._merged(a, b)
    before = {(x[i], x[j]) for x in (a, b) for j in range(len(x)) for i in range(j)}
    cyclic = any((y, x) in before for x, y in before)
    assert (merged is None) == cyclic
    if merged is not None:
        assert sorted(merged) == sorted({*a, *b})
        assert all(merged.index(x) < merged.index(y) for x, y in before)


@given(st.lists(st.permutations("ABCDE").flatmap(lambda x: st.integers(0, 5).map(lambda n: tuple(x[:n]))), max_size=6))
def test_every_order_is_a_part_of_the_one_for_all(orders: list[tuple[str, ...]]) -> None:
    together: tuple[str, ...] = ()
    for order in orders:
        together = many._wider(together, order, spatial=False)
    for order in orders:
        positions = many._positions(order, together, spatial=False)
        assert positions is not None
        assert list(positions) == sorted(set(positions))
        assert tuple(together[i] for i in positions) == order


def test_mappings_of_all_orders_share_a_kernel() -> None:
    study = load(data_dir("specs") / "studies" / "mobilenet_v1_simba.qdsl").studies[0]
    problem = study.network.layer("b3.p").problem
    bits = {"I": 8, "W": 4, "O": 8}
    drawn = list(islice(sample_mappings(study.accelerator, problem, bits, study.constraints), 1200))
    evaluator = Evaluator(study.accelerator, problem, bits)
    first, second = evaluator.evaluate(drawn[:1000]), evaluator.evaluate(drawn[1000:])
    assert first.legal.all() and second.legal.all()
    assert {id(found) for part in (first, second) for found, _ in part._found} == {
        id(first._found[0][0]),
        id(second._found[0][0]),
    }
    for i in range(0, 1000, 25):
        assert first.at(i) == evaluate(study.accelerator, problem, bits, drawn[i])
    assert second.at(7) == evaluate(study.accelerator, problem, bits, drawn[1007])
