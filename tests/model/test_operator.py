"""Operators whose output has axes over several dimensions: how values meet there, and the sizes that follow."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdsl.model.operator import Axis, Operator, Problem, Tensor, Term
from tests.model.conftest import Load

SPEC = """
operator scatter(stride = 2) {
  dims N, P, R
  weights W
  O[n, stride*p + r] += I[n, p] * W[r]
}
operator spread {
  dims N, P
  O[n, 3*p] = I[n, p]
}
network two {
  input x: 7
  y = scatter(x, R = 3)
  output spread(y)
}
"""


def test_a_layer_reads_what_a_transposed_convolution_writes(load_text: Load) -> None:
    """Seven windows of 3 that begin 2 apart cover 1 + 2*6 + 2 = 15 values; 15 values 3 apart, 1 + 3*14 = 43."""
    (network,) = load_text(SPEC).networks
    assert [a.shape for a in network.activations] == [(1, 7), (1, 15), (1, 43)]
    assert [layer.problem.operator.reduction for layer in network.layers] == ["sum", "none"]


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=3), st.integers(1, 4))
def test_summands_are_the_most_operations_for_one_value(terms: list[tuple[int, int]], reduced: int) -> None:
    """terms: coefficient and size of each dimension of the only axis of the output."""
    dims = tuple("ABC"[: len(terms)])
    output = Tensor("O", (Axis(tuple(Term(d, c) for d, (c, _) in zip(dims, terms, strict=True))),), is_output=True)
    whole = Tensor("I", tuple(Axis((Term(d, 1),)) for d in (*dims, "D")))
    problem = Problem(Operator("o", (*dims, "D"), (whole, output), "sum"), (*(n for _, n in terms), reduced))
    sums = Counter(
        sum(c * k for (c, _), k in zip(terms, ks, strict=True)) for ks in product(*(range(n) for _, n in terms))
    )
    most = reduced * max(sums.values())
    assert problem.summands == most if len(terms) < 3 else problem.summands >= most


@pytest.mark.parametrize(("stride", "window", "summands"), [(2, 4, 2), (2, 3, 2), (1, 3, 3), (4, 3, 1)])
def test_a_transposed_convolution_adds_the_windows_that_overlap(stride: int, window: int, summands: int) -> None:
    tensors = (
        Tensor("I", (Axis((Term("P", 1),)),)),
        Tensor("W", (Axis((Term("R", 1),)),), is_weight=True),
        Tensor("O", (Axis((Term("P", stride), Term("R", 1))),), is_output=True),
    )
    assert Problem(Operator("transposed", ("P", "R"), tensors, "sum"), (8, window)).summands == summands
