"""Explanations are true: formulas give the counts, reasons the gains, accesses the energy, and all of it the total."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from math import prod

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import Explanation, evaluate, explanation
from qdsl.symbolic.explain import TensorPart
from qdsl.symbolic.widths import fits_words
from tests.support.features import featured_cases
from tests.support.strategies import Case, cases, conv1d, mappings, matmul

UNIT = AccessEnergy(1.0, 1.0, 1.0)


def part(x: Explanation, level: str, tensor: str) -> TensorPart:
    (found,) = (t for part in x.levels if part.name == level for t in part.tensors if t.name == tensor)
    return found


def factors_of(x: Explanation, mapping: Mapping) -> dict[str, int]:
    """Symbol name -> the factor it stands for."""
    return {
        symbol: [loop.factor for loop in mapping.loops(place) if loop.dim == dim][number - 1]
        for symbol, (dim, place, number) in x.factors.items()
    }


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_formulas_give_the_counts_and_energies_add_up(data: st.DataObject) -> None:
    case = data.draw(featured_cases())
    mapping = data.draw(mappings(case.accelerator, case.problem))
    assume(fits_words(case.accelerator.resolved(mapping.bypass), case.problem, case.bits))
    x = explanation(case.accelerator, case.problem, case.bits, mapping)
    numbers = evaluate(case.accelerator, case.problem, case.bits, mapping)
    values = factors_of(x, mapping)
    for level in x.levels:
        assert [t.name for t in level.tensors] == [name for name, _ in numbers.level(level.name).tensors]
        for t in level.tensors:
            for count in t.counts:
                if count.formula is not None:
                    assert count.formula.subs({s: values[str(s)] for s in count.formula.free_symbols}) == count.value
            once = sum(a.accesses * a.pj for a in t.accesses)
            assert once * t.instances == pytest.approx(t.energy_pj, rel=1e-12)
    parts = [level.energy_pj for level in x.levels] + [pj for _, _, tensors in x.networks for _, pj in tensors]
    rest = numbers.operations * x.compute[1] + numbers.cycles * x.leakage_pj_per_cycle
    assert sum(parts) + rest == pytest.approx(numbers.energy_pj, rel=1e-12)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_reasons_are_all_there_is_between_every_iteration_and_the_counts(data: st.DataObject) -> None:
    """A tile that every iteration outside fetched anew, once for each instance, would be read that often: what the
    counts are below that is the product of the gains."""
    case = _one_value_per_word(data.draw(cases()))
    mapping = data.draw(mappings(case.accelerator, case.problem))
    x = explanation(case.accelerator, case.problem, case.bits, mapping)
    places = case.accelerator.places
    for tensor in case.problem.operator.tensors:
        keeping = [level.name for level in x.levels if any(t.name == tensor.name for t in level.tensors)]
        for parent, child in pairwise(keeping):
            outer, inner = part(x, parent, tensor.name), part(x, child, tensor.name)
            outside = prod(loop.factor for p in places[: places.index(child)] for loop in _temporal(mapping, p))
            moved = outside * inner.values / _gain(inner, "stationary", "sliding")
            instances = inner.instances / outer.instances
            if tensor.is_output:
                assert _count(outer, "updates") * _gain(outer, "reduction") == pytest.approx(moved * instances)
            else:
                assert _count(inner, "fills") == pytest.approx(moved)
                assert _count(outer, "reads") * _gain(outer, "multicast", "forwarding") == pytest.approx(
                    moved * instances
                )


def _one_value_per_word(case: Case) -> Case:
    parts = [replace(h, word_bits=8) if isinstance(h, StorageLevel) else h for h in case.accelerator.hierarchy]
    return replace(
        case, accelerator=replace(case.accelerator, hierarchy=tuple(parts)), bits=dict.fromkeys(case.bits, 8)
    )


def _count(t: TensorPart, kind: str) -> int:
    return next((c.value for c in t.counts if c.kind == kind), 0)


def _gain(t: TensorPart, *kinds: str) -> float:
    return prod(r.factor for r in t.reasons if r.kind in kinds and r.factor is not None)


def _temporal(mapping: Mapping, place: str) -> tuple[Loop, ...]:
    return () if "." in place else mapping.loops(place)


def machine(*inside: StorageLevel | FanOut) -> Accelerator:
    return Accelerator("machine", (StorageLevel("dram", 16, 1, None, None, UNIT), *inside), ComputeUnit("mac", 1.0))


def reasons(x: Explanation, level: str, tensor: str) -> list[str]:
    return [f"{r.kind}: {r.text}" for r in part(x, level, tensor).reasons]


BUFFER = StorageLevel("buffer", 16, 1, 64, None, UNIT)


def test_what_the_reasons_say() -> None:
    accelerator = machine(BUFFER, FanOut("pe", 4, 1), StorageLevel("pad", 16, 1, 8, frozenset({"W", "O"}), UNIT))
    mapping = Mapping(
        (
            ("dram", (Loop("N", 2), Loop("M", 2))),
            ("buffer", (Loop("K", 2), Loop("M", 3))),
            ("pe.x", (Loop("K", 4),)),
            ("pe.y", ()),
            ("pad", (Loop("N", 2),)),
        )
    )
    x = explanation(accelerator, Problem(matmul(), (6, 4, 8)), {"I": 8, "W": 8, "O": 8}, mapping)
    assert reasons(x, "buffer", "W") == ["stationary: the tile stays during M 2 at dram: 2x fewer fills"]
    assert reasons(x, "buffer", "I") == ["revisited: the loops inside run again for each of N 2 at dram: 2x more fills"]
    assert reasons(x, "buffer", "O") == [
        "reduction: 4 instances of pe hold the same tile: 4x fewer updates",
        "first sums: 24 values begin without being read",
    ]
    assert reasons(x, "pad", "O") == [
        "revisited: the loops inside run again for each of K 2 at buffer: 2x more updates of buffer",
        "first sums: 24 values begin without being read",
    ]
    assert reasons(x, "dram", "O") == []


def test_a_tensor_that_an_array_does_not_share() -> None:
    accelerator = machine(
        BUFFER, FanOut("pe", 4, 1, multicast=frozenset({"W"})), StorageLevel("pad", 16, 1, 8, None, UNIT)
    )
    mapping = Mapping((("dram", ()), ("buffer", (Loop("K", 2),)), ("pe.x", (Loop("N", 4),)), ("pe.y", ()), ("pad", ())))
    x = explanation(accelerator, Problem(matmul(), (1, 4, 2)), {"I": 8, "W": 8, "O": 8}, mapping)
    assert reasons(x, "buffer", "I") == ["separate: instances of pe hold equal tiles, which it does not share"]


def test_a_window_that_slides_and_one_that_neighbours_have() -> None:
    accelerator = machine(
        BUFFER, FanOut("pe", 3, 1, forward=frozenset({"I"})), StorageLevel("pad", 16, 2, 8, None, UNIT)
    )
    places = ("dram", "buffer", "pe.x", "pe.y", "pad")
    bits = {"I": 16, "W": 16, "O": 16}
    sliding = Mapping(tuple(zip(places, ((), (Loop("P", 8),), (), (), (Loop("R", 3),)), strict=True)))
    x = explanation(accelerator, Problem(conv1d(), (1, 1, 8, 3)), bits, sliding)
    assert reasons(x, "pad", "I") == ["sliding: P 8 at buffer fetches only what is new of each tile: 2.4x fewer fills"]
    passing = Mapping(tuple(zip(places, ((), (Loop("P", 8),), (Loop("R", 3),), (), ()), strict=True)))
    x = explanation(accelerator, Problem(conv1d(), (1, 1, 8, 3)), bits, passing)
    assert reasons(x, "buffer", "I") == ["forwarding: neighbours pass on what they had: 2.4x fewer reads"]
    assert [(a.kind, a.words, a.accesses) for a in part(x, "pad", "I").accesses] == [
        ("reads", 8, 4),
        ("forwards", 4, 2),
        ("fills", 8, 4),
    ]
