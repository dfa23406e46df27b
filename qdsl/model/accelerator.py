"""The checked accelerator: a chain of storage levels and fan-outs, outermost first, ending in the compute units."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from qdsl.diagnostics import Span


@dataclass(frozen=True, slots=True)
class AccessEnergy:
    """Energy in pJ of one access of one block; `source` says where the numbers come from (None: not stated)."""

    read_pj: float
    write_pj: float
    update_pj: float
    source: str | None = None


@dataclass(frozen=True)
class StorageLevel:
    """A memory. All figures are per instance.

    word_bits: bits of a word; block_words: words moved by one access (>= 1); size_words: None is unlimited (backing store);
    keep: tensor names kept here, None means all; bandwidths in words per cycle, None is unlimited.
    """

    name: str
    word_bits: int
    block_words: int
    size_words: int | None
    keep: frozenset[str] | None
    energy: AccessEnergy
    read_bandwidth: float | None = None
    write_bandwidth: float | None = None
    span: Span | None = field(default=None, compare=False, repr=False)
    size_span: Span | None = field(default=None, compare=False, repr=False)

    def keeps(self, tensor: str) -> bool:
        return self.keep is None or tensor in self.keep


@dataclass(frozen=True)
class FanOut:
    """A mesh of x * y instances of everything inside it. `multicast`/`reduce`: tensors shared / reduced on the way,
    None means all. `forward`: input tensors whose tiles neighbours pass on to each other. `pooled`: the mesh is one with
    that of the fan-outs outside it, so that loops here may use instances they leave idle. `separate_diagonals`: instances
    whose tiles coincide only because the affine indices do are served one by one."""

    name: str
    x: int
    y: int
    multicast: frozenset[str] | None = None
    reduce: frozenset[str] | None = None
    forward: frozenset[str] = frozenset()
    pooled: bool = False
    separate_diagonals: bool = False
    span: Span | None = field(default=None, compare=False, repr=False)
    x_span: Span | None = field(default=None, compare=False, repr=False)
    y_span: Span | None = field(default=None, compare=False, repr=False)

    def mesh(self, axis: str) -> int:
        return self.x if axis == "x" else self.y

    @property
    def places(self) -> tuple[str, str]:
        """Names of the two places where spatial loops stand."""
        return f"{self.name}.x", f"{self.name}.y"


@dataclass(frozen=True)
class ComputeUnit:
    """The innermost level; energy in pJ per operation."""

    name: str
    energy_pj: float
    source: str | None = None
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Accelerator:
    """hierarchy: storage levels and fan-outs, outermost first; the first one is the backing store (unlimited, keeps all).

    first_output_fills: the first visit of an output tile counts as a fill too (at every level but the outermost).
    parameters: values the `param`s have here. Equality ignores names of files and spans.
    """

    name: str
    hierarchy: tuple[StorageLevel | FanOut, ...]
    compute: ComputeUnit
    clock_hz: float | None = None
    first_output_fills: bool = False
    parameters: tuple[tuple[str, float], ...] = ()
    span: Span | None = field(default=None, compare=False, repr=False)

    @cached_property
    def levels(self) -> tuple[StorageLevel, ...]:
        """Storage levels, outermost first."""
        return tuple(h for h in self.hierarchy if isinstance(h, StorageLevel))

    @cached_property
    def fanouts(self) -> tuple[FanOut, ...]:
        """Fan-outs, outermost first."""
        return tuple(h for h in self.hierarchy if isinstance(h, FanOut))

    @cached_property
    def places(self) -> tuple[str, ...]:
        """Places where loops stand, outermost first: `dram`, `glb`, `pe.x`, `pe.y`, `wspad`, ..."""
        out: list[str] = []
        for h in self.hierarchy:
            out.extend(h.places if isinstance(h, FanOut) else (h.name,))
        return tuple(out)

    def level(self, name: str) -> StorageLevel:
        return next(x for x in self.levels if x.name == name)

    def fanout(self, name: str) -> FanOut:
        return next(x for x in self.fanouts if x.name == name)

    @property
    def compute_instances(self) -> int:
        n = 1
        for f in self.fanouts:
            n *= f.x * f.y
        return n
