"""The generated kernels, the symbolic expressions and the exact integers are the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdsl.symbolic.codegen import compile_kernel
from qdsl.symbolic.cost import lower
from qdsl.symbolic.evaluate import packing
from qdsl.symbolic.functions import distinct_sums
from qdsl.symbolic.nest import nest_of, symbolic_nest
from tests.support.strategies import cases, mappings

KINDS = ("words", "reads", "fills", "updates", "instances", "energy_pj")


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_generated_kernel_counts_as_the_integers_do(data: st.DataObject) -> None:
    case = data.draw(cases())
    mapping = data.draw(mappings(case.accelerator, case.problem))
    per_word = packing(case.accelerator, case.problem.operator, case.bits)
    orders = {place: [loop.dim for loop in loops] for place, loops in mapping.places}
    nest = symbolic_nest(case.accelerator, case.problem.operator, orders)
    symbolic = lower(nest, per_word)
    numbers = lower(nest_of(case.accelerator, case.problem, mapping), per_word)
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
