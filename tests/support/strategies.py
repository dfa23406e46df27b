"""Hypothesis strategies that build legal models: operators, small accelerators, problems, bit-widths, mappings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from qdsl.mapspace import divisors_of
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Axis, Operator, Problem, Tensor, Term


def tensor(name: str, *axes: list[tuple[str, int]], output: bool = False, weight: bool = False) -> Tensor:
    """`tensor("I", [("C", 1)], [("P", 2), ("R", 1)])` is I[c, 2*p + r]."""
    return Tensor(name, tuple(Axis(tuple(Term(d, c) for d, c in axis)) for axis in axes), output, weight)


def matmul() -> Operator:
    return Operator(
        "matmul",
        ("M", "N", "K"),
        (
            tensor("I", [("M", 1)], [("K", 1)]),
            tensor("W", [("K", 1)], [("N", 1)], weight=True),
            tensor("O", [("M", 1)], [("N", 1)], output=True),
        ),
        "sum",
    )


def conv1d(stride: int = 1, dilation: int = 1) -> Operator:
    return Operator(
        "conv1d",
        ("K", "C", "P", "R"),
        (
            tensor("I", [("C", 1)], [("P", stride), ("R", dilation)]),
            tensor("W", [("K", 1)], [("C", 1)], [("R", 1)], weight=True),
            tensor("O", [("K", 1)], [("P", 1)], output=True),
        ),
        "sum",
    )


def single_channel_conv(stride: int = 1, dilation: int = 1) -> Operator:
    return Operator(
        "conv2d_single",
        ("P", "Q", "R", "S"),
        (
            tensor("I", [("P", stride), ("R", dilation)], [("Q", 1), ("S", 1)]),
            tensor("W", [("R", 1)], [("S", 1)], weight=True),
            tensor("O", [("P", 1)], [("Q", 1)], output=True),
        ),
        "sum",
    )


def depthwise(stride: int = 1, dilation: int = 1) -> Operator:
    return Operator(
        "depthwise1d",
        ("C", "P", "R"),
        (
            tensor("I", [("C", 1)], [("P", stride), ("R", dilation)]),
            tensor("W", [("C", 1)], [("R", 1)], weight=True),
            tensor("O", [("C", 1)], [("P", 1)], output=True),
        ),
        "sum",
    )


def transposed_conv(stride: int = 1, dilation: int = 1) -> Operator:
    """Every input value is scattered over a window of outputs; with a stride above R there are gaps between windows."""
    return Operator(
        "conv_transposed1d",
        ("K", "C", "P", "R"),
        (
            tensor("I", [("C", 1)], [("P", 1)]),
            tensor("W", [("K", 1)], [("C", 1)], [("R", 1)], weight=True),
            tensor("O", [("K", 1)], [("P", stride), ("R", dilation)], output=True),
        ),
        "sum",
    )


def addition() -> Operator:
    axes = ([("C", 1)], [("P", 1)])
    return Operator(
        "add", ("C", "P"), (tensor("I", *axes), tensor("W", *axes), tensor("O", *axes, output=True)), "none"
    )


def three_factors() -> Operator:
    """A product of three tensors, as in an MTTKRP."""
    return Operator(
        "three_factors",
        ("A", "B", "C"),
        (
            tensor("I", [("A", 1)], [("B", 1)]),
            tensor("W", [("B", 1)], [("C", 1)], weight=True),
            tensor("J", [("A", 1)], [("C", 1)]),
            tensor("O", [("A", 1)], output=True),
        ),
        "sum",
    )


@st.composite
def operators(draw: st.DrawFn) -> Operator:
    stride, dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (1, 2), (3, 2)]))
    make = draw(st.sampled_from(["matmul", "conv1d", "single", "transposed", "depthwise", "add", "three"]))
    choices: dict[str, Callable[[], Operator]] = {
        "matmul": matmul,
        "conv1d": lambda: conv1d(stride, dilation),
        "single": lambda: single_channel_conv(stride, dilation),
        "transposed": lambda: transposed_conv(stride, dilation),
        "depthwise": lambda: depthwise(stride, dilation),
        "add": addition,
        "three": three_factors,
    }
    return choices[make]()


@st.composite
def accelerators(draw: st.DrawFn, names: tuple[str, ...], max_levels: int = 3) -> Accelerator:
    """2 or more storage levels with any keep sets, fan-outs anywhere, sharing on or off, blocks and two word sizes."""
    energy = st.floats(0.5, 2.0).map(lambda x: round(x, 3))
    some = st.sets(st.sampled_from(names), min_size=1).map(frozenset)
    sharing = st.one_of(st.none(), st.none(), st.none(), some)
    hierarchy: list[StorageLevel | FanOut] = []
    count = draw(st.integers(2, max_levels))
    for i in range(count):
        scale = 200.0 / 8**i
        hierarchy.append(
            StorageLevel(
                name=f"level{i}",
                word_bits=draw(st.sampled_from([8, 16])),
                block_words=draw(st.sampled_from([1, 1, 2, 4])),
                size_words=None if i == 0 else draw(st.sampled_from([2, 3, 4, 6, 8, 12, 20, 40])),
                keep=None if i == 0 else draw(st.one_of(st.none(), some)),
                energy=AccessEnergy(scale * draw(energy), scale * draw(energy), scale * draw(energy)),
            )
        )
        if draw(st.booleans()):
            x, y = draw(st.sampled_from([(2, 1), (3, 1), (2, 2), (4, 1), (3, 2)]))
            forward = draw(st.sampled_from([frozenset(), frozenset(names[:-1])]))
            hierarchy.append(FanOut(f"array{i}", x, y, draw(sharing), draw(sharing), forward, draw(st.booleans())))
    return Accelerator("machine", tuple(hierarchy), ComputeUnit("mac", 1.0))


@dataclass(frozen=True)
class Case:
    accelerator: Accelerator
    problem: Problem
    bits: dict[str, int]


@st.composite
def cases(draw: st.DrawFn, max_levels: int = 3) -> Case:
    operator = draw(operators())
    names = tuple(t.name for t in operator.tensors)
    sizes = tuple(draw(st.sampled_from([1, 2, 2, 3, 4, 6])) for _ in operator.dims)
    bits = {n: draw(st.sampled_from([2, 3, 4, 5, 8])) for n in names}
    return Case(draw(accelerators(names, max_levels)), Problem(operator, sizes), bits)


@st.composite
def mappings(draw: st.DrawFn, accelerator: Accelerator, problem: Problem) -> Mapping:
    """A mapping with any factors and orders; it may exceed meshes and capacities."""
    left = dict(zip(problem.operator.dims, problem.sizes, strict=True))
    places = list(accelerator.places)
    loops: dict[str, list[Loop]] = {p: [] for p in places}
    for dim in problem.operator.dims:
        for place in draw(st.permutations(places)):
            factor = left[dim] if place == places[0] else draw(st.sampled_from(divisors_of(left[dim])))
            left[dim] //= factor
            if factor > 1:
                loops[place].append(Loop(dim, factor))
        if left[dim] > 1:
            loops[places[0]] = [x for x in loops[places[0]] if x.dim != dim] + [
                Loop(dim, left[dim] * next((x.factor for x in loops[places[0]] if x.dim == dim), 1))
            ]
            left[dim] = 1
    return Mapping(tuple((p, tuple(draw(st.permutations(loops[p])))) for p in places))
