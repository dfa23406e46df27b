"""Loop nests of every shape for the cost model: unusual operators, deep hierarchies, mappings with loops anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import replace
from itertools import pairwise
from math import prod
from types import MappingProxyType

from hypothesis import strategies as st

from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Operator, Problem, Tensor
from tests.support.strategies import (
    Case,
    addition,
    conv1d,
    depthwise,
    matmul,
    single_channel_conv,
    tensor,
    three_factors,
    transposed_conv,
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
def affine_tensors(draw: st.DrawFn, name: str, dims: tuple[str, ...], output: bool = False) -> Tensor:
    """A tensor over some of the dimensions, spread over its axes in any way, with coefficients up to 4."""
    some = draw(st.lists(st.sampled_from(dims), min_size=1, max_size=len(dims), unique=True))
    axes: list[list[tuple[str, int]]] = []
    for dim in some:
        term = dim, draw(st.sampled_from([1, 1, 1, 2, 3, 4]))
        axis = draw(st.integers(0, len(axes)))
        if axis == len(axes):
            axes.append([])
        axes[axis].append(term)
    return tensor(name, *axes, output=output)


@st.composite
def random_einsums(draw: st.DrawFn) -> Operator:
    """Two to five dimensions, one to three inputs, any affine indices, of the output too."""
    dims = tuple("ABCDE"[: draw(st.integers(2, 5))])
    inputs = [draw(affine_tensors(f"I{i}", dims)) for i in range(draw(st.integers(1, 3)))]
    output = draw(affine_tensors("O", dims, output=True))
    used = {d for t in (*inputs, output) for d in t.dims}
    found = Operator("random", tuple(d for d in dims if d in used), (*inputs, output), "sum")
    return found if found.combines else replace(found, reduction="none")


@st.composite
def einsums(draw: st.DrawFn) -> Operator:
    """Any operator: one of those with a name, or a random one."""
    if draw(st.integers(0, 3)) == 0:
        return draw(random_einsums())
    stride, dilation = draw(st.sampled_from([(1, 1), (1, 1), (1, 1), (2, 1), (1, 2), (3, 2), (2, 3)]))
    windows = [conv1d, single_channel_conv, transposed_conv, depthwise, grouped_conv, conv3d, nested_windows, max_pool]
    others = [matmul, addition, three_factors, attention_scores, mttkrp]
    make = draw(st.sampled_from([*windows, *others]))
    return make(stride, dilation) if make in windows else make()


@st.composite
def hierarchies(draw: st.DrawFn, names: tuple[str, ...], max_levels: int = 6) -> Accelerator:
    """1 to `max_levels` storage levels with up to three fan-outs in a row inside each; any keep sets, sharing and
    forwarding, blocks, words of three sizes, bandwidths. Arrays and memories are larger than small problems need."""
    energy = st.floats(0.5, 2.0).map(lambda x: round(x, 3))
    some = st.sets(st.sampled_from(names), min_size=1).map(frozenset)
    bandwidth = st.sampled_from([None, None, None, 0.5, 1.0, 1.5, 3.0])
    hierarchy: list[StorageLevel | FanOut] = []
    for i in range(draw(st.integers(1, max_levels))):
        hierarchy.append(
            StorageLevel(
                name=f"level{i}",
                word_bits=draw(st.sampled_from([8, 16, 24])),
                block_words=draw(st.sampled_from([1, 1, 2, 4])),
                size_words=None if i == 0 else 2**20,
                keep=None if i == 0 else draw(st.one_of(st.none(), some)),
                energy=AccessEnergy(draw(energy), draw(energy), draw(energy)),
                read_bandwidth=draw(bandwidth),
                write_bandwidth=draw(bandwidth),
            )
        )
        for j in range(draw(st.sampled_from([0, 0, 1, 1, 2, 3]))):
            hierarchy.append(draw(_arrays(f"array{i}_{j}", names)))
    first_fills = draw(st.sampled_from([False, False, False, True]))
    return Accelerator("machine", tuple(hierarchy), ComputeUnit("mac", draw(energy)), first_output_fills=first_fills)


@st.composite
def _arrays(draw: st.DrawFn, name: str, names: tuple[str, ...]) -> FanOut:
    some = st.sets(st.sampled_from(names)).map(frozenset)
    sharing = st.one_of(st.none(), st.none(), some)
    separate = draw(st.sampled_from([False, False, False, True]))
    forward = (
        frozenset()
        if separate
        else draw(st.one_of(st.just(frozenset(names[:-1])), some.map(lambda x: x - {names[-1]})))
    )
    return FanOut(name, 4096, 4096, draw(sharing), draw(sharing), forward, separate_diagonals=separate)


@st.composite
def nests(draw: st.DrawFn, max_operations: int) -> tuple[Case, Mapping]:
    """A problem of at most `max_operations` with a mapping on an accelerator that is large enough for it."""
    operator = draw(einsums())
    names = tuple(t.name for t in operator.tensors)
    sizes: dict[str, int] = {}
    for dim in draw(st.permutations(operator.dims)):
        left = max_operations // prod(sizes.values())
        sizes[dim] = draw(st.sampled_from([n for n in (1, 2, 2, 3, 4, 4, 6, 8, 12) if n <= left]))
    problem = Problem(operator, tuple(sizes[d] for d in operator.dims))
    accelerator = draw(hierarchies(names))
    bits = {n: draw(st.sampled_from([2, 3, 4, 5, 8])) for n in names}
    within = draw(unrolled_windows(accelerator, operator)) if draw(st.booleans()) else {}
    return Case(accelerator, problem, bits), draw(scattered(accelerator, problem, within))


@st.composite
def unrolled_windows(draw: st.DrawFn, accelerator: Accelerator, operator: Operator) -> dict[str, tuple[str, str]]:
    """Places for two dimensions of one axis: on the X axis of an array that forwards the tensor to the level inside it, and
    at the level outside it; for both also the level inside. Random placement seldom lets neighbours have tiles for each
    other. Empty if nothing forwards a tensor with such an axis."""
    choices = [
        (axis.dims, part.places[0], outside, inside.name)
        for outside, part, inside in _forwarding(accelerator)
        for t in operator.inputs
        for axis in t.axes
        if len(axis.terms) > 1 and t.name in part.forward and inside.keeps(t.name)
    ]
    if not choices:
        return {}
    dims, place, outside, inside = draw(st.sampled_from(choices))
    one, other, *_ = draw(st.permutations(dims))
    return {one: (place, inside), other: (outside, inside)}


def _forwarding(accelerator: Accelerator) -> Iterator[tuple[str, FanOut, StorageLevel]]:
    """Arrays directly around a level: the name of the level outside, the array, the level inside."""
    outside = ""
    for part, inside in pairwise(accelerator.hierarchy):
        if isinstance(part, StorageLevel):
            outside = part.name
        elif isinstance(inside, StorageLevel):
            yield outside, part, inside


@st.composite
def scattered(
    draw: st.DrawFn,
    accelerator: Accelerator,
    problem: Problem,
    within: MappingABC[str, tuple[str, ...]] = MappingProxyType({}),
) -> Mapping:
    """A mapping that puts every prime factor of every size at any place, in any order. within: dimensions that are kept to
    some places, always to the first of them, and there stand inside the others."""
    factors: dict[tuple[str, str], int] = {}
    for dim, size in zip(problem.operator.dims, problem.sizes, strict=True):
        for i, prime in enumerate(_primes(size)):
            options = within.get(dim, accelerator.places)
            place = options[0] if i == 0 and dim in within else draw(st.sampled_from(options))
            factors[place, dim] = factors.get((place, dim), 1) * prime
    places = []
    for place in accelerator.places:
        loops = [Loop(d, f) for (p, d), f in factors.items() if p == place]
        loops = list(draw(st.permutations(loops))) if len(loops) > 1 else loops
        places.append((place, tuple(sorted(loops, key=lambda x: x.dim in within))))
    return Mapping(tuple(places))


def _primes(size: int) -> list[int]:
    """Prime factors of a size, with repetition."""
    for p in range(2, size + 1):
        if size % p == 0:
            return [p, *_primes(size // p)]
    return []
