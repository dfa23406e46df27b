"""Sizes of dimensions follow from what a layer reads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qdsl.diagnostics import SourceFile, Span, SpecError
from qdsl.model.network import Activation
from qdsl.model.operator import Axis, Operator, Tensor, Term
from qdsl.model.shapes import derive_problem

SPAN = Span(SourceFile("test.qdsl", "x"), 0, 1)


def axis(*terms: tuple[str, int]) -> Axis:
    return Axis(tuple(Term(d, c) for d, c in terms))


def window(stride: int, dilation: int) -> Operator:
    """O[p] += I[stride*p + dilation*r] * W[r]"""
    tensors = (
        Tensor("I", (axis(("P", stride), ("R", dilation)),)),
        Tensor("W", (axis(("R", 1)),), is_weight=True),
        Tensor("O", (axis(("P", 1)),), is_output=True),
    )
    return Operator("window", ("P", "R"), tensors, "sum")


def derive(operator: Operator, extent: int, pad: int = 0, **given: int) -> tuple[int, ...]:
    activation = Activation("x", (extent,), None)
    return derive_problem(operator, given, [(operator.tensors[0], activation)], (("P", pad),), SPAN).sizes


@pytest.mark.parametrize(
    ("extent", "pad", "stride", "dilation", "window_size", "output"),
    [
        (224, 1, 2, 1, 3, 112),  # first layer of MobileNet
        (224, 3, 2, 1, 7, 112),  # first layer of ResNet
        (224, 2, 4, 1, 11, 55),  # first layer of AlexNet
        (112, 1, 1, 1, 3, 112),
        (7, 0, 1, 1, 7, 1),
        (16, 2, 1, 2, 3, 16),
        (1, 0, 5, 1, 1, 1),
    ],
)
def test_window_gives_the_size_of_the_output(
    extent: int, pad: int, stride: int, dilation: int, window_size: int, output: int
) -> None:
    assert derive(window(stride, dilation), extent, pad, R=window_size) == (output, window_size)


def test_window_size_follows_from_the_output_size() -> None:
    assert derive(window(1, 1), 8, P=6) == (6, 3)


def test_output_size_that_does_not_match_is_refused_with_both_numbers() -> None:
    with pytest.raises(SpecError) as error:
        derive(window(1, 1), 8, R=3, P=8)
    (finding,) = error.value.diagnostics
    assert (finding.code, finding.message) == ("Q0410", "`P` of `window` cannot be both 8 and 6")
    assert finding.notes == ("8 by its argument", "6 by axis 0 of `x`, which has extent 8")


def test_two_open_sizes_in_one_axis_are_named() -> None:
    with pytest.raises(SpecError, match="lacks sizes: `P` and `R`"):
        derive(window(1, 1), 8)


def test_more_operations_than_can_be_counted_are_refused() -> None:
    with pytest.raises(SpecError, match="too large"):
        derive(window(1, 1), 2**40, R=2**39)


@given(*(st.integers(1, 5) for _ in range(4)), st.integers(0, 3), st.integers(0, 40))
def test_derived_output_uses_the_input_as_far_as_it_goes(
    stride: int, dilation: int, window_size: int, more: int, pad: int, slack: int
) -> None:
    extent = 1 + dilation * (window_size - 1) + more + slack
    p, r = derive(window(stride, dilation), extent, pad, R=window_size)
    reach = 1 + stride * (p - 1) + dilation * (r - 1)
    assert reach <= extent + 2 * pad < reach + stride
