"""The checked accelerator: a chain of storage levels and fan-outs, outermost first, ending in the compute units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import combinations
from math import ceil

from qdsl.diagnostics import Span
from qdsl.model.compute import ComputeUnit as ComputeUnit
from qdsl.model.operator import Operator, Problem
from qdsl.model.width_formula import WidthFormula

# (level, tensor) of what a level could keep and a mapping does not.
Bypass = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class AccessEnergy:
    """Energy in pJ of one access of one block; `source` says where the numbers come from (None: not stated)."""

    read_pj: float
    write_pj: float
    update_pj: float
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Partition:
    """Words of a level that only some tensors use. tensors: None for all that have no partition of their own."""

    size_words: int
    tensors: frozenset[str] | None = None
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Port:
    """Bandwidths in words per cycle, None if unlimited. tensors: None for all that have no port of their own."""

    read: float | None
    write: float | None
    tensors: frozenset[str] | None = None


@dataclass(frozen=True)
class StorageLevel:
    """A memory. All figures are per instance.

    word_bits: bits of a word; block_words: words moved by one access (>= 1); size_words: what the tensors without a
    partition share, None if there is no limit to it; keep: tensor names kept here, None means all; bandwidths in words
    per cycle of the shared port, None is unlimited.
    partitions, ports: of named tensors. dense: values are stored bit behind bit, across words. optional: tensors that a
    mapping may keep or bypass. stored: width rules of tensors that have another width here, the first one counts;
    `output` is whichever the operator puts out; double_buffered: tensors whose
    tile is there twice, None for all. leakage_pj: per cycle. area_mm2: None if not stated.
    """

    name: str
    word_bits: int
    block_words: int
    size_words: int | None
    keep: frozenset[str] | None
    energy: AccessEnergy
    read_bandwidth: float | None = None
    write_bandwidth: float | None = None
    partitions: tuple[Partition, ...] = ()
    ports: tuple[Port, ...] = ()
    dense: bool = False
    optional: frozenset[str] = frozenset()
    stored: tuple[tuple[str, WidthFormula], ...] = ()
    double_buffered: frozenset[str] | None = frozenset()
    leakage_pj: float = 0.0
    area_mm2: float | None = None
    span: Span | None = field(default=None, compare=False, repr=False)
    size_span: Span | None = field(default=None, compare=False, repr=False)

    def keeps(self, tensor: str) -> bool:
        return self.keep is None or tensor in self.keep

    def copies(self, tensor: str) -> int:
        """How often the tile of a tensor is there: twice if one is filled while the other is used."""
        return 2 if self.double_buffered is None or tensor in self.double_buffered else 1

    def width_rule(self, tensor: str, operator: Operator) -> WidthFormula | None:
        """The rule for the width at which a tensor is stored here; None if it is stored as it is."""
        names = (tensor, "output") if tensor == operator.output.name else (tensor,)
        return next((f for name, f in self.stored if name in names), None)

    def widths_read(self, tensor: str, operator: Operator) -> frozenset[str]:
        """Tensors whose bit-widths decide the width at which a tensor is stored here."""
        rule = self.width_rule(tensor, operator)
        return frozenset({tensor}) if rule is None else rule.reads(operator)

    def stored_bits(self, tensor: str, problem: Problem, bits: Mapping[str, int]) -> int:
        """Width at which a tensor is stored here, by the level's rule or else as in `bits`. Raises SpecError if the rule
        comes out below 1."""
        rule = self.width_rule(tensor, problem.operator)
        if rule is None:
            return bits[tensor]
        value = rule.value(problem, bits)
        if value < 1:
            rule.out_of_range(f"the width of `{tensor}`", "must be at least 1", value, problem, bits)
        return ceil(value)

    def resolved(self, bypassed: Iterable[str] = ()) -> StorageLevel:
        """The level that keeps all it may but for some tensors, and leaves no choice."""
        if not self.optional:
            return self
        kept = self.optional.difference(bypassed)
        return replace(self, keep=(self.keep or frozenset()) | kept, optional=frozenset())

    @property
    def all_partitions(self) -> tuple[Partition, ...]:
        """With the shared one, if it is limited."""
        shared = () if self.size_words is None else (Partition(self.size_words, None, self.size_span),)
        return (*shared, *self.partitions)

    @property
    def all_ports(self) -> tuple[Port, ...]:
        """With the shared one, if it is limited."""
        limited = self.read_bandwidth is not None or self.write_bandwidth is not None
        return (*((Port(self.read_bandwidth, self.write_bandwidth),) if limited else ()), *self.ports)

    def serves(self, part: Partition | Port, tensor: str) -> bool:
        """Whether a kept tensor belongs to one of the partitions or ports."""
        if not self.keeps(tensor):
            return False
        if part.tensors is not None:
            return tensor in part.tensors
        own = self.partitions if isinstance(part, Partition) else self.ports
        return not any(p.tensors and tensor in p.tensors for p in own)


@dataclass(frozen=True)
class FanOut:
    """A mesh of x * y instances of everything inside it. `multicast`/`reduce`: tensors shared / reduced on the way,
    None means all. `forward`: input tensors whose tiles neighbours pass on to each other. `pooled`: the mesh is one with
    that of the fan-outs outside it, so that loops here may use instances they leave idle. `separate_diagonals`: instances
    whose tiles coincide only because the affine indices do are served one by one. hop_pj_per_bit: energy of moving one bit
    from one instance to the next, `source` who says so."""

    name: str
    x: int
    y: int
    multicast: frozenset[str] | None = None
    reduce: frozenset[str] | None = None
    forward: frozenset[str] = frozenset()
    pooled: bool = False
    separate_diagonals: bool = False
    hop_pj_per_bit: float = 0.0
    source: str | None = None
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
        return self.instances(len(self.hierarchy))

    def instances(self, item: int) -> int:
        """How many there are of an item of the hierarchy."""
        n = 1
        for part in self.hierarchy[:item]:
            n *= part.x * part.y if isinstance(part, FanOut) else 1
        return n

    @property
    def leakage_pj(self) -> float:
        """Of all instances in one cycle."""
        levels = sum(
            x.leakage_pj * self.instances(i) for i, x in enumerate(self.hierarchy) if isinstance(x, StorageLevel)
        )
        return levels + self.compute.leakage_pj * self.compute_instances

    @property
    def area_mm2(self) -> float | None:
        """Of all instances whose area is stated; None if none is."""
        parts = [(x.area_mm2, self.instances(i)) for i, x in enumerate(self.hierarchy) if isinstance(x, StorageLevel)]
        stated = [a * n for a, n in (*parts, (self.compute.area_mm2, self.compute_instances)) if a is not None]
        return sum(stated) if stated else None

    @property
    def without_area(self) -> tuple[str, ...]:
        """Memories and compute units whose area is not stated, the backing store aside: it is another chip."""
        levels = tuple(x.name for x in self.levels[1:] if x.area_mm2 is None)
        return levels + ((self.compute.name,) if self.compute.area_mm2 is None else ())

    @property
    def capacity_bits(self) -> int:
        """Of all memories inside the backing store together."""
        sizes = [
            (sum(p.size_words for p in x.all_partitions) * x.word_bits, self.instances(i))
            for i, x in enumerate(self.hierarchy)
            if isinstance(x, StorageLevel)
        ]
        return sum(size * n for size, n in sizes[1:])

    def bypass_choices(self, tensors: Iterable[str]) -> Iterator[Bypass]:
        """Every choice of what the levels do not keep though they may, the one that keeps all first."""
        open_ = [(x.name, t) for t in tensors for x in self.levels if t in x.optional]
        for n in range(len(open_) + 1):
            yield from (frozenset(c) for c in combinations(open_, n))

    def resolved(self, bypass: Bypass) -> Accelerator:
        """The accelerator with the choice made: every level keeps all it may, less what is bypassed."""
        if not any(x.optional for x in self.levels):
            return self
        return replace(self, hierarchy=tuple(_resolved(h, bypass) for h in self.hierarchy))


def _resolved(part: StorageLevel | FanOut, bypass: Bypass) -> StorageLevel | FanOut:
    if isinstance(part, FanOut):
        return part
    return part.resolved(tensor for level, tensor in bypass if level == part.name)
