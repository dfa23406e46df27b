"""Generated kernels, recorded formulas, symbolic expressions and exact integers are the same numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, Port, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import evaluate, legality
from qdsl.symbolic.codegen import compile_kernel
from qdsl.symbolic.cost import lower
from qdsl.symbolic.functions import distinct_sums
from qdsl.symbolic.kernel import BLOCK, EvaluationKernel, evaluation_kernel
from qdsl.symbolic.nest import nest_of, symbolic_nest
from qdsl.symbolic.widths import Packing, Widths, fits_words, widths_of
from tests.support.features import featured_cases
from tests.support.nests import nests
from tests.support.strategies import Case, cases, conv1d, mappings

KINDS = ("words", "reads", "fills", "updates", "instances", "energy_pj")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_generated_kernel_counts_as_the_integers_do(data: st.DataObject) -> None:
    case = data.draw(cases())
    mapping = data.draw(mappings(case.accelerator, case.problem))
    widths = widths_of(case.accelerator, case.problem, case.bits)
    nest = symbolic_nest(case.accelerator, case.problem.operator, orders_of(mapping))
    symbolic = lower(nest, widths)
    numbers = lower(nest_of(case.accelerator, case.problem, mapping), widths)
    outputs = {
        f"{kind}_{level}_{name}": getattr(x, kind)
        for level, rows in symbolic.counts.items()
        for name, x in rows.items()
        for kind in KINDS
    }
    kernel = compile_kernel("whole_nest", [loop.factor for loop in nest.loops], outputs)
    factors = [np.array([loop.factor, loop.factor]) for place, loops in mapping.places for loop in loops]
    values = dict(zip(kernel.outputs, kernel.call(*factors), strict=True))
    for level, rows in numbers.counts.items():
        for name, x in rows.items():
            for kind in KINDS:
                value = np.broadcast_to(values[f"{kind}_{level}_{name}"], (2,))
                assert float(value[0]) == pytest.approx(float(getattr(x, kind)), rel=1e-12), (level, name, kind)


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 7)), min_size=1, max_size=3))
def test_distinct_sums_are_the_size_of_the_set(terms: list[tuple[int, int]]) -> None:
    sums = {0}
    for step, count in terms:
        sums = {s + step * k for s in sums for k in range(count)}
    assert distinct_sums(terms) == len(sums)
    arrays = [(np.array([s, s]), np.array([n, n])) for s, n in terms]
    assert np.broadcast_to(distinct_sums(arrays), (2,)).tolist() == [len(sums)] * 2


def orders_of(mapping: Mapping) -> dict[str, list[str]]:
    return {place: [loop.dim for loop in loops] for place, loops in mapping.places}


def kernel_of(accelerator: Accelerator, problem: Problem, mapping: Mapping) -> EvaluationKernel:
    return evaluation_kernel(accelerator, problem.operator, orders_of(mapping))


@st.composite
def relatives(draw: st.DrawFn, mapping: Mapping, problem: Problem, kernel: EvaluationKernel) -> list[list[int]]:
    """Factors for the loops of a kernel, a row per mapping: the mapping's own, and others that multiply to the sizes."""
    rows = [[loop.factor for _, loops in mapping.places for loop in loops]]
    for _ in range(4 if kernel.loops else 0):
        row = [1] * len(kernel.loops)
        for dim in problem.operator.dims:
            own = [i for i, (_, d) in enumerate(kernel.loops) if d == dim]
            left = problem.size(dim)
            for prime in (2, 2, 2, 2, 3):
                if own and left % prime == 0:
                    row[draw(st.sampled_from(own))] *= prime
                    left //= prime
        rows.append(row)
    return [row for row in rows if all(row[i] > 1 for i in kernel.apart)]


def written(accelerator: Accelerator, kernel: EvaluationKernel, row: list[int]) -> Mapping:
    """The mapping with given factors, without loops of one iteration."""
    loops = [(place, Loop(dim, n)) for (place, dim), n in zip(kernel.loops, row, strict=True) if n > 1]
    return Mapping(tuple((p, tuple(loop for place, loop in loops if place == p)) for p in accelerator.places))


def check(data: st.DataObject, case: Case, mapping: Mapping) -> None:
    accelerator, problem, bits = case.accelerator, case.problem, case.bits
    kernel = kernel_of(accelerator, problem, mapping)
    rows = data.draw(relatives(mapping, problem, kernel))
    found = kernel(list(np.array(rows).T), widths_of(accelerator, problem, bits))
    for i, row in enumerate(rows):
        m = written(accelerator, kernel, row)
        assert not fits_words(accelerator, problem, bits) or found.at(i) == evaluate(accelerator, problem, bits, m)
        assert found.legal[i] == (not legality(accelerator, problem, bits, m, None))
    assert len(found) == len(rows)


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_kernel_evaluates_any_nest_as_one_by_one(data: st.DataObject) -> None:
    """Six levels, any operator, bandwidths, forwarding, windows that slide."""
    case, mapping = data.draw(nests(512))
    check(data, case, mapping)


@st.composite
def ported(draw: st.DrawFn, part: StorageLevel | FanOut, names: tuple[str, ...]) -> StorageLevel | FanOut:
    """With bandwidths, some of one tensor alone; meshes in one pool."""
    if isinstance(part, FanOut):
        return replace(part, pooled=draw(st.booleans()))
    rate = st.sampled_from([None, 0.3, 1.0, 2.5])
    own = draw(st.sets(st.sampled_from(names)))
    ports = tuple(Port(draw(rate), draw(rate), frozenset({t})) for t in sorted(own))
    return replace(part, read_bandwidth=draw(rate), write_bandwidth=draw(rate), ports=ports)


@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_kernel_knows_all_that_an_accelerator_can_state(data: st.DataObject) -> None:
    """Small meshes and memories that many mappings exceed, and everything else of the language."""
    case = data.draw(featured_cases(optional=False))
    names = tuple(t.name for t in case.problem.operator.tensors)
    parts = tuple(data.draw(ported(p, names)) for p in case.accelerator.hierarchy)
    case = replace(case, accelerator=replace(case.accelerator, hierarchy=parts))
    check(data, case, data.draw(mappings(case.accelerator, case.problem)))


PROBLEM = Problem(conv1d(), (4, 8, 12, 3))
ENERGY = AccessEnergy(3.0, 2.0, 1.5)
MACHINE = Accelerator(
    "machine",
    (
        StorageLevel("dram", 16, 4, None, None, ENERGY),
        FanOut("array", 4, 8, forward=frozenset({"I"})),
        StorageLevel("buffer", 16, 1, 24, None, ENERGY, read_bandwidth=2.0),
    ),
    ComputeUnit("mac", 1.0),
)
ORDERS = {"dram": "PKC", "array.x": "P", "array.y": "PR", "buffer": "CK"}
ROW = [3, 1, 4, 2, 2, 3, 2, 4]


def bits(i: int) -> dict[str, int]:
    return {"I": i, "W": 4, "O": 16}


def kernel() -> EvaluationKernel:
    return evaluation_kernel(MACHINE, PROBLEM.operator, ORDERS)


def test_every_mapping_can_have_its_own_widths() -> None:
    found = [widths_of(MACHINE, PROBLEM, bits(i)) for i in (4, 8, 16)]
    packing = {
        key: Packing(1, np.array([w.packing[key].per for w in found]), np.array([w.packing[key].stored for w in found]))
        for key in found[0].packing
    }
    together = kernel()(
        [np.full(3, n) for n in ROW], Widths(packing, np.array([1.0, 2.0, 3.0]), (np.array([1, 2, 3]), 1))
    )
    for i, widths in enumerate(found):
        alone = kernel()(ROW, replace(widths, operation_pj=i + 1.0, cycles=(i + 1, 1)))
        assert together.at(i) == alone.at(0)
        assert together.legal[i] == alone.legal[0]


def test_a_tensor_too_wide_for_a_word_is_not_legal() -> None:
    found = kernel()(ROW, widths_of(MACHINE, PROBLEM, bits(17)))
    assert not found.legal[0]
    assert kernel()(ROW, widths_of(MACHINE, PROBLEM, bits(16))).legal[0]


def test_blocks_do_not_show() -> None:
    count = 2 * BLOCK + 3
    factors = [np.where(np.arange(count) % 3 == 0, n, 2) for n in ROW]
    widths = widths_of(MACHINE, PROBLEM, bits(8))
    found = kernel()(factors, widths)
    parts = [kernel()([f[i::3] for f in factors], widths) for i in range(3)]
    for i in (0, BLOCK - 1, BLOCK, 2 * BLOCK - 1, 2 * BLOCK, count - 1):
        assert found.at(i) == parts[i % 3].at(i // 3)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        (ROW[1:], "factors of 8 loops are needed, 7 are given"),
        ([0, *ROW[1:]], "factors of `P` at `dram` must be integers from 1 on"),
        ([1.5, *ROW[1:]], "factors of `P` at `dram` must be integers from 1 on"),
        # with one iteration the array would forward along P, which is then on X alone
        ([*ROW[:4], 1, *ROW[5:]], "factors of `P` at `array.y` must be integers from 2 on"),
    ],
)
def test_other_factors_are_refused(factors: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kernel()(factors, widths_of(MACHINE, PROBLEM, bits(8)))


def test_counts_that_may_be_rounded_are_refused() -> None:
    widths = widths_of(MACHINE, PROBLEM, bits(8))
    with pytest.raises(OverflowError):
        kernel()([2**45, *ROW[1:]], widths)
    large = [2**25, *ROW[1:]]
    mapping = written(MACHINE, kernel(), large)
    problem = replace(PROBLEM, sizes=tuple(mapping.covered(d) for d in PROBLEM.operator.dims))
    assert kernel()(large, widths).at(0) == evaluate(MACHINE, problem, bits(8), mapping)


def test_what_is_kept_must_be_decided() -> None:
    parts = (*MACHINE.hierarchy[:2], replace(MACHINE.level("buffer"), optional=frozenset({"I"})))
    with pytest.raises(ValueError, match="`machine` leaves open what it keeps"):
        evaluation_kernel(replace(MACHINE, hierarchy=parts), PROBLEM.operator, ORDERS)
