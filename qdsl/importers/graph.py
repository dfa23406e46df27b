"""What is imported: layers as einsums over dimensions, the activations between them, and how nodes see these."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from qdsl.importers.sizes import Dim, leaves, regroup


@dataclass(frozen=True)
class Term:
    """`coefficient * dim`; the coefficient is a parameter of the operator, or 1 where it is empty."""

    dim: Dim
    coefficient: str = ""


Axis = tuple[Term, ...]


@dataclass(eq=False)
class Activation:
    """What a layer writes or the network reads. dims: its axes, linked with the dimensions of the layers beside it. parts: of
    a concatenation, which no layer writes."""

    name: str
    dims: tuple[Dim, ...]
    layer: Layer | None = None
    parts: tuple[Activation, ...] = ()

    def all(self) -> Iterator[Activation]:
        """Itself and what it joins."""
        yield self
        for part in self.parts:
            yield from part.all()


@dataclass(frozen=True)
class View:
    """An activation as a node sees it: its dimensions in some order, grouped into the axes of a shape.

    bits: the width to which it was quantized last, None if it is not known.
    """

    source: Activation
    dims: tuple[Dim, ...]
    shape: tuple[int, ...]
    bits: int | None = None

    def axes(self) -> list[tuple[Dim, ...]]:
        """The dimensions of each axis. Raises NotExpressible as `regroup` does."""
        return regroup(self.dims, self.shape)

    def is_same(self, other: View) -> bool:
        """Whether both are the same values in the same order."""
        return self.source is other.source and leaves(self.dims) == leaves(other.dims)


@dataclass(frozen=True)
class Read:
    """An input of a layer. axes: how each dimension of the activation is indexed, in terms of the layer's dimensions."""

    source: Activation
    axes: dict[Dim, Axis]
    bits: int | None = None

    def index(self) -> Iterator[Axis]:
        """The index expression of every axis of the activation, dimensions split as they are now."""
        for dim in self.source.dims:
            yield from split_axis(dim, self.axes)


def split_axis(dim: Dim, axes: dict[Dim, Axis]) -> list[Axis]:
    """The expressions of what a dimension is split into, of which a part may have been read by itself."""
    if dim in axes:
        axis = axes[dim]
        return [axis] if len(axis) > 1 else [(Term(x),) for x in axis[0].dim.leaves()]
    return [e for part in dim.parts() for e in split_axis(part, axes)]


@dataclass(eq=False)
class Layer:
    """One layer. operator: the name of its operator, if that is not taken by another rule.

    dims: in the order of the declaration. output: the axes of its activation. joined: '*' or '+'. combined: '+=', 'max='
    or '='. parameters: of the operator, all with default 1. padding: zeros on each side of the axes along which these
    dimensions move. passed: nodes behind it without multiply-accumulates. node: index, name and type of its node.
    weight_bits: the width to which its weights are quantized, None if it is not known.
    """

    name: str
    operator: str
    node: str
    dims: tuple[Dim, ...]
    reads: tuple[Read, ...]
    output: tuple[Axis, ...]
    weights: tuple[Axis, ...] = ()
    joined: str = "*"
    combined: str = "+="
    parameters: dict[str, int] = field(default_factory=dict)
    padding: dict[Dim, int] = field(default_factory=dict)
    function: str = ""
    passed: list[str] = field(default_factory=list)
    weight_bits: int | None = None

    def given(self) -> list[Dim]:
        """The dimensions whose sizes do not follow from what it reads, whole."""
        plain = {t.dim for r in self.reads for axis in r.index() for t in axis if len(axis) == 1}
        slid = {t.dim for r in self.reads for axis in r.index() for t in axis if len(axis) > 1}
        written = {t.dim for axis in self.output for t in axis}
        return [x for d in self.dims for x in d.leaves() if x not in plain and not (x in slid and x in written)]


def plain(dims: Iterable[Dim]) -> tuple[Axis, ...]:
    return tuple((Term(d),) for d in dims)


def index_of(axes: Iterable[Axis]) -> list[Axis]:
    """The axes, dimensions split as they are now."""
    return [e for axis in axes for e in ([axis] if len(axis) > 1 else plain(axis[0].dim.leaves()))]
