"""Checked constraints on mappings. Names are resolved: every place, level and dimension exists.

A dimension that a layer's operator does not have has size and factors 1.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from qdsl.diagnostics import Span
from qdsl.model.operator import Problem


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a constraint holds. operators: names of operators, problems: of chosen layers, None for all; condition: over
    bit-widths and sizes."""

    operators: frozenset[str] | None = None
    condition: Formula | None = None
    problems: frozenset[Problem] | None = None

    def includes(self, problem: Problem) -> bool:
        """Whether a constraint can hold for a layer, at some bit-widths."""
        chosen = self.problems is None or problem in self.problems
        return chosen and (self.operators is None or problem.operator.name in self.operators)


@dataclass(frozen=True)
class Only:
    """Loops at `place` (`glb`, `pe.x`) only over `dims`."""

    place: str
    dims: frozenset[str]
    scope: Scope
    text: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Order:
    """Temporal loops of a level, `dims` outermost first. anchor: '' only their relative order;
    'innermost' / 'outermost': they are also the innermost / outermost ones there (loops of factor 1 do not count)."""

    level: str
    dims: tuple[str, ...]
    anchor: str
    scope: Scope
    text: str
    span: Span | None = field(default=None, compare=False, repr=False)


# --- formulas: a small typed expression over the mapping ----------------------------------------


@dataclass(frozen=True, slots=True)
class Constant:
    value: float


@dataclass(frozen=True, slots=True)
class DimSize:
    """Size of a dimension of the layer; in formulas of accelerators also a parameter of its operator."""

    dim: str


@dataclass(frozen=True, slots=True)
class Factor:
    """Factor of `dim` at a place: `spatial(pe.x, K)`, `temporal(glb, C)`."""

    place: str
    dim: str


@dataclass(frozen=True, slots=True)
class TileExtent:
    """Extent of `dim` in the tile held at a level: `tile(wspad, R)` (all loops at that level and inside)."""

    level: str
    dim: str


@dataclass(frozen=True, slots=True)
class Bits:
    """Bit-width of a tensor of the layer."""

    tensor: str


@dataclass(frozen=True, slots=True)
class Utilization:
    """Share of a fan-out's instances in use, 0..1."""

    fanout: str


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Share of a memory's words that the tiles there take, 0..1. tensor: its tile alone, of the words it could take; None
    for all tensors, of all words."""

    level: str
    tensor: str | None = None


@dataclass(frozen=True, slots=True)
class ComputeInUse:
    """How many compute units a mapping uses. Not written by itself: what a limit of the latency comes to."""


@dataclass(frozen=True, slots=True)
class Reduction:
    """How many operations of the layer add up to one output value; in formulas of accelerators only."""


@dataclass(frozen=True, slots=True)
class Operations:
    """Operations of the layer; in formulas of accelerators only."""


@dataclass(frozen=True, slots=True)
class Table:
    """Values by whole numbers. axes: the keys of each column, ascending; values: of all combinations, the last key varying
    fastest."""

    name: str
    axes: tuple[tuple[int, ...], ...]
    values: tuple[float, ...]

    def at(self, keys: Sequence[Fraction]) -> float | None:
        """The value at the next larger key of each column, None beyond the largest."""
        index = 0
        for axis, key in zip(self.axes, keys, strict=True):
            place = bisect_left(axis, key)
            if place == len(axis):
                return None
            index = index * len(axis) + place
        return self.values[index]


@dataclass(frozen=True, slots=True)
class Lookup:
    """The value of a table; in formulas of accelerators only. operands: one key per column."""

    table: Table
    operands: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """op: + - * / == != < <= > >= and or not neg max min, in (the first operand is one of the others); in formulas of
    accelerators also floor ceil log2 if."""

    op: str
    operands: tuple[Formula, ...]


Formula = (
    Constant
    | DimSize
    | Factor
    | TileExtent
    | Bits
    | Utilization
    | Occupancy
    | ComputeInUse
    | Reduction
    | Operations
    | Lookup
    | Operation
)


@dataclass(frozen=True)
class Require:
    """A formula that must be true."""

    formula: Formula
    scope: Scope
    text: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Keep:
    """What a level that may keep some tensors does with them. kept: whether it keeps them; all are ones it has a choice
    about."""

    level: str
    tensors: frozenset[str]
    kept: bool
    scope: Scope
    text: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Limit:
    """What a mapping may cost at most. quantity: 'latency' (in cycles), 'energy' (pJ), or 'bandwidth' of a level: words
    that one instance reads and writes per cycle, over the whole run."""

    quantity: str
    level: str
    most: float
    scope: Scope
    text: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class Same:
    """The layers for which it holds have one choice of all spatial factors; nothing is asked of one mapping alone."""

    scope: Scope
    text: str
    span: Span | None = field(default=None, compare=False, repr=False)


LayerConstraint = Only | Order | Keep | Require | Limit
"""Asks something of every mapping of a layer by itself."""

Constraint = LayerConstraint | Same
