"""Hypothesis strategies that build legal models: operators, small accelerators, problems, bit-widths, mappings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

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


def transposed_conv(stride: int = 2) -> Operator:
    """The output is the tensor with the sliding axis: O[k, stride*p + r] += I[c, p] * W[k, c, r]."""
    return Operator(
        "transposed1d",
        ("K", "C", "P", "R"),
        (
            tensor("I", [("C", 1)], [("P", 1)]),
            tensor("W", [("K", 1)], [("C", 1)], [("R", 1)], weight=True),
            tensor("O", [("K", 1)], [("P", stride), ("R", 1)], output=True),
        ),
        "sum",
    )


def grouped_conv(stride: int = 1, dilation: int = 1) -> Operator:
    """G groups of channels that do not meet."""
    return Operator(
        "grouped1d",
        ("G", "K", "C", "P", "R"),
        (
            tensor("I", [("G", 1)], [("C", 1)], [("P", stride), ("R", dilation)]),
            tensor("W", [("G", 1)], [("K", 1)], [("C", 1)], [("R", 1)], weight=True),
            tensor("O", [("G", 1)], [("K", 1)], [("P", 1)], output=True),
        ),
        "sum",
    )


def attention_scores() -> Operator:
    """Queries times keys per head: S[b, h, m, n] += Q[b, h, m, e] * K[b, h, n, e]."""
    return Operator(
        "attention_scores",
        ("B", "H", "M", "N", "E"),
        (
            tensor("Q", [("B", 1)], [("H", 1)], [("M", 1)], [("E", 1)]),
            tensor("K", [("B", 1)], [("H", 1)], [("N", 1)], [("E", 1)]),
            tensor("S", [("B", 1)], [("H", 1)], [("M", 1)], [("N", 1)], output=True),
        ),
        "sum",
    )


def conv3d(stride: int = 1, dilation: int = 1) -> Operator:
    """Three sliding axes; stride and dilation of the first."""
    return Operator(
        "conv3d",
        ("K", "X", "Y", "Z", "R", "S", "T"),
        (
            tensor("I", [("X", stride), ("R", dilation)], [("Y", 1), ("S", 1)], [("Z", 1), ("T", 1)]),
            tensor("W", [("K", 1)], [("R", 1)], [("S", 1)], [("T", 1)], weight=True),
            tensor("O", [("K", 1)], [("X", 1)], [("Y", 1)], [("Z", 1)], output=True),
        ),
        "sum",
    )


def mttkrp() -> Operator:
    """O[i, r] += X[i, j, k] * A[j, r] * B[k, r]."""
    return Operator(
        "mttkrp",
        ("I", "J", "K", "R"),
        (
            tensor("X", [("I", 1)], [("J", 1)], [("K", 1)]),
            tensor("A", [("J", 1)], [("R", 1)], weight=True),
            tensor("B", [("K", 1)], [("R", 1)], weight=True),
            tensor("O", [("I", 1)], [("R", 1)], output=True),
        ),
        "sum",
    )


def nested_windows(stride: int = 1, dilation: int = 1) -> Operator:
    """One axis over three dimensions: O[p] += I[stride*p + dilation*r + t] * W[r] * V[t], two filters after each other."""
    return Operator(
        "nested_windows",
        ("P", "R", "T"),
        (
            tensor("I", [("P", stride), ("R", dilation), ("T", 1)]),
            tensor("W", [("R", 1)], weight=True),
            tensor("V", [("T", 1)], weight=True),
            tensor("O", [("P", 1)], output=True),
        ),
        "sum",
    )


def max_pool(stride: int = 1, dilation: int = 1) -> Operator:
    """One input alone."""
    return Operator(
        "max_pool",
        ("C", "P", "Q", "R", "S"),
        (
            tensor("I", [("C", 1)], [("P", stride), ("R", dilation)], [("Q", 1), ("S", 1)]),
            tensor("O", [("C", 1)], [("P", 1)], [("Q", 1)], output=True),
        ),
        "max",
    )


@st.composite
def operators(draw: st.DrawFn) -> Operator:
    stride, dilation = draw(st.sampled_from([(1, 1), (1, 1), (2, 1), (1, 2), (3, 2)]))
    make = draw(st.sampled_from(["matmul", "conv1d", "single", "depthwise", "add", "three", "transposed"]))
    choices: dict[str, Callable[[], Operator]] = {
        "matmul": matmul,
        "conv1d": lambda: conv1d(stride, dilation),
        "single": lambda: single_channel_conv(stride, dilation),
        "depthwise": lambda: depthwise(stride, dilation),
        "add": addition,
        "three": three_factors,
        "transposed": lambda: transposed_conv(stride),
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


@st.composite
def einsums(draw: st.DrawFn) -> Operator:
    """Any operator of this module."""
    stride, dilation = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 1), (1, 2), (3, 2), (2, 3)]))
    windows = [conv1d, single_channel_conv, depthwise, grouped_conv, conv3d, nested_windows, max_pool]
    choices: list[Callable[[], Operator]] = [
        *(lambda make=make: make(stride, dilation) for make in windows),
        lambda: transposed_conv(stride),
        matmul,
        addition,
        three_factors,
        attention_scores,
        mttkrp,
    ]
    return draw(st.sampled_from(choices))()


@st.composite
def hierarchies(draw: st.DrawFn, names: tuple[str, ...], max_levels: int = 6) -> Accelerator:
    """1 to `max_levels` storage levels with up to three fan-outs in a row inside each, any keep sets, sharing and
    forwarding, blocks, words of three sizes, bandwidths. The meshes and capacities say nothing: see `nests`."""
    energy = st.floats(0.5, 2.0).map(lambda x: round(x, 3))
    some = st.sets(st.sampled_from(names), min_size=1).map(frozenset)
    sharing = st.one_of(st.none(), st.none(), some, st.just(frozenset[str]()))
    forward = st.one_of(st.just(frozenset(names[:-1])), st.sets(st.sampled_from(names[:-1])).map(frozenset))
    bandwidth = st.sampled_from([None, None, None, 0.5, 1.0, 1.5, 3.0])
    hierarchy: list[StorageLevel | FanOut] = []
    for i in range(draw(st.integers(1, max_levels))):
        hierarchy.append(
            StorageLevel(
                name=f"level{i}",
                word_bits=draw(st.sampled_from([8, 16, 24])),
                block_words=draw(st.sampled_from([1, 1, 2, 4])),
                size_words=None if i == 0 else 4096,
                keep=None if i == 0 else draw(st.one_of(st.none(), some)),
                energy=AccessEnergy(draw(energy), draw(energy), draw(energy)),
                read_bandwidth=draw(bandwidth),
                write_bandwidth=draw(bandwidth),
            )
        )
        for j in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
            fanout = FanOut(f"array{i}_{j}", 64, 64, draw(sharing), draw(sharing), draw(forward), draw(st.booleans()))
            hierarchy.append(fanout)
    return Accelerator("machine", tuple(hierarchy), ComputeUnit("mac", draw(energy)))


@st.composite
def nests(draw: st.DrawFn, max_operations: int) -> tuple[Case, Mapping]:
    """A problem of at most `max_operations` with a mapping on an accelerator whose arrays and memories are large enough
    for it."""
    operator = draw(einsums())
    names = tuple(t.name for t in operator.tensors)
    sizes: dict[str, int] = {}
    for dim in draw(st.permutations(operator.dims)):
        left = max_operations // prod(sizes.values())
        sizes[dim] = draw(st.sampled_from([n for n in (1, 2, 2, 3, 4, 4, 6, 8, 12) if n <= left]))
    problem = Problem(operator, tuple(sizes[d] for d in operator.dims))
    accelerator = draw(hierarchies(names))
    bits = {n: draw(st.sampled_from([2, 3, 4, 5, 8])) for n in names}
    return Case(accelerator, problem, bits), draw(scattered(accelerator, problem))


@st.composite
def scattered(draw: st.DrawFn, accelerator: Accelerator, problem: Problem) -> Mapping:
    """A mapping that puts every prime factor of every size at any place, in any order."""
    factors: dict[tuple[str, str], int] = {}
    for dim, size in zip(problem.operator.dims, problem.sizes, strict=True):
        for prime in _primes(size):
            place = draw(st.sampled_from(accelerator.places))
            factors[place, dim] = factors.get((place, dim), 1) * prime
    loops = {p: [Loop(d, f) for (place, d), f in factors.items() if place == p] for p in accelerator.places}
    return Mapping(tuple((p, tuple(draw(st.permutations(x)) if len(x) > 1 else x)) for p, x in loops.items()))


def _primes(size: int) -> list[int]:
    """Prime factors of a size, with repetition."""
    for p in range(2, size + 1):
        if size % p == 0:
            return [p, *_primes(size // p)]
    return []
