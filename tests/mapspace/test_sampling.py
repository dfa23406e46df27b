"""Mappings by rank are exactly the legal ones; drawn ones are legal and uniform."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import assume, given, settings

from qdsl.diagnostics import SpecError
from qdsl.mapspace import (
    LegalMappings,
    count_mappings,
    drawing,
    enumerate_mappings,
    legal_mappings,
    sample_mappings,
)
from qdsl.model import load
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.constraint import Order, Scope
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.resources import data_dir
from qdsl.symbolic import legality
from tests.mapspace.strategies import ConstrainedCase, constrained_cases, every_mapping, is_legal
from tests.support.strategies import conv1d, matmul

LIMIT = 1500
ENERGY = AccessEnergy(1, 1, 1)
BITS = {"I": 4, "W": 4, "O": 8}


def mappings_of(case: ConstrainedCase) -> LegalMappings | None:
    """None where the exact search refuses a constraint."""
    try:
        return legal_mappings(case.accelerator, case.problem, case.bits, case.constraints)
    except SpecError:
        return None


def small_machine() -> Accelerator:
    dram = StorageLevel("dram", 8, 1, None, None, ENERGY)
    buffer = StorageLevel("buffer", 8, 1, 16, None, ENERGY)
    return Accelerator("machine", (dram, buffer, FanOut("pe", 2, 1)), ComputeUnit("mac", 1.0))


@given(constrained_cases())
@settings(max_examples=40, deadline=None)
def test_the_enumerated_mappings_are_the_legal_ones(case: ConstrainedCase) -> None:
    found = mappings_of(case)
    assume(found is not None and found.count <= LIMIT)
    assert found is not None
    every = list(islice(every_mapping(case), LIMIT + 1))
    assume(len(every) <= LIMIT)
    listed = list(found)
    legal = {_canonical(m, case.accelerator) for m in every if is_legal(case, m)}
    assert len(listed) == found.count == len(legal)
    assert {_canonical(m, case.accelerator) for m in listed} == legal
    assert listed[:50] == [found.at(rank) for rank in range(min(found.count, 50))]


def _canonical(mapping: Mapping, accelerator: Accelerator) -> Mapping:
    """With spatial loops in one order, which has no meaning."""
    spatial = {p for f in accelerator.fanouts for p in f.places}
    places = ((p, tuple(sorted(x, key=lambda loop: loop.dim)) if p in spatial else x) for p, x in mapping.places)
    return replace(mapping, places=tuple(places))


def test_draws_are_uniform() -> None:
    """Pearson's statistic of 12 draws per mapping stays below the 99.9 % point of its distribution.

    A draw uniform over factor placements instead, which have from 1 to 6 orders each, is far above it.
    """
    accelerator, problem = small_machine(), Problem(matmul(), (4, 4, 3))
    every = list(enumerate_mappings(accelerator, problem, BITS))
    assert len(every) > 100
    draws = 12 * len(every)
    drawn = Counter(islice(sample_mappings(accelerator, problem, BITS, seed=7), draws))
    assert set(drawn) <= set(every)
    freedom = len(every) - 1
    # The cube-root approximation of Wilson and Hilferty; 3.09 is the 99.9 % point of the normal distribution.
    limit = freedom * (1 - 2 / (9 * freedom) + 3.09 * (2 / (9 * freedom)) ** 0.5) ** 3
    assert _pearson(every, drawn, draws) < limit
    assert _pearson(every, _uniform_over_placements(every, draws), draws) > limit


def _pearson(every: list[Mapping], drawn: Counter[Mapping], draws: int) -> float:
    expected = draws / len(every)
    return sum((drawn[m] - expected) ** 2 / expected for m in every)


def _uniform_over_placements(every: list[Mapping], draws: int) -> Counter[Mapping]:
    placements: dict[object, list[Mapping]] = {}
    for mapping in every:
        key = tuple((p, frozenset((x.dim, x.factor) for x in loops)) for p, loops in mapping.places)
        placements.setdefault(key, []).append(mapping)
    source = random.Random(7)
    groups = list(placements.values())
    return Counter(source.choice(source.choice(groups)) for _ in range(draws))


def test_what_is_kept_belongs_to_a_mapping() -> None:
    """Every choice of what `buffer` keeps of W and I has its mappings, by rank and drawn."""
    dram, buffer, pe = small_machine().hierarchy
    assert isinstance(buffer, StorageLevel)
    open_ = replace(buffer, keep=frozenset("O"), optional=frozenset("WI"))
    accelerator = replace(small_machine(), hierarchy=(dram, open_, pe))
    problem = Problem(matmul(), (4, 4, 3))
    found = legal_mappings(accelerator, problem, BITS)
    listed = list(found)
    assert found.count == len(listed) == len(set(listed)) == count_mappings(accelerator, problem, BITS).mappings
    assert all(not legality(accelerator, problem, BITS, m, None) for m in listed)
    for bypass in accelerator.bypass_choices("IWO"):
        fixed = set(enumerate_mappings(accelerator.resolved(bypass), problem, BITS))
        assert {replace(m, bypass=frozenset()) for m in listed if m.bypass == bypass} == fixed
    assert {m.bypass for m in islice(found.sample(5), 100)} == set(accelerator.bypass_choices("IWO"))
    assert [found.at(rank) for rank in (0, found.count // 2, found.count - 1)] == [
        listed[rank] for rank in (0, found.count // 2, -1)
    ]


def test_ranks_of_any_size_lead_to_the_same_mappings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem of few mappings, whose ranks are calculated with as if they did not fit 64 bits."""
    found = legal_mappings(small_machine(), Problem(conv1d(), (4, 4, 4, 3)), BITS)
    ranks = range(0, found.count, 10)
    small = found.at_each(ranks)
    monkeypatch.setattr(drawing, "_SMALL", 0)
    assert found.at_each(ranks) == small
    assert len(set(small)) == len(ranks) > 100


def test_equal_seeds_draw_equal_mappings() -> None:
    accelerator, problem = small_machine(), Problem(conv1d(), (4, 4, 4, 3))
    first, again, other = (list(islice(sample_mappings(accelerator, problem, BITS, (), s), 20)) for s in (1, 1, 2))
    assert first == again != other


def test_a_space_without_mappings_draws_and_lists_none() -> None:
    accelerator, problem = small_machine(), Problem(matmul(), (2, 3, 1))
    orders = [Order("dram", dims, "outermost", Scope(), "") for dims in (("M",), ("N",))]
    tight = [*orders, *(Order("buffer", o.dims, "outermost", Scope(), "") for o in orders)]
    some = legal_mappings(accelerator, problem, BITS, tight)
    assert some.count == len(list(some)) > 0
    too_wide = {**BITS, "W": 9}
    assert list(enumerate_mappings(accelerator, problem, too_wide)) == []
    assert list(sample_mappings(accelerator, problem, too_wide, seed=1)) == []
    with pytest.raises(IndexError):
        legal_mappings(accelerator, problem, too_wide).at(0)
    with pytest.raises(IndexError):
        some.at(some.count)


def test_draws_from_a_shipped_study_are_legal_and_different() -> None:
    """Unconstrained, a layer of MobileNetV1 has 10^11 mappings; its dataflow leaves tens of thousands."""
    study = load(data_dir("specs") / "studies" / "mobilenet_v1_eyeriss.qdsl").studies[0]
    layer = next(x for x in study.network.layers if x.problem.operator.name == "conv2d" and x.problem.size("C") == 512)
    bits = {t.name: 8 for t in layer.problem.operator.tensors}
    for constraints in (study.constraints, ()):
        case = ConstrainedCase(study.accelerator, layer.problem, bits, constraints)
        drawn = list(islice(sample_mappings(study.accelerator, layer.problem, bits, constraints, seed=3), 40))
        assert all(is_legal(case, m) for m in drawn)
        assert len(set(drawn)) > 35
    assert count_mappings(study.accelerator, layer.problem, bits).mappings > 10**11
