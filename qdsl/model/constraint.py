"""Checked constraints on mappings. Names are resolved: every place, level and dimension exists.

A dimension that a layer's operator does not have has size and factors 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from qdsl.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a constraint holds. operators: names of operators, None for all; condition: over bit-widths and sizes."""

    operators: frozenset[str] | None = None
    condition: Formula | None = None


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
    """Size of a dimension of the layer."""

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
class Operation:
    """op: + - * / == != < <= > >= and or not neg; one or two operands."""

    op: str
    operands: tuple[Formula, ...]


Formula = Constant | DimSize | Factor | TileExtent | Bits | Utilization | Operation


@dataclass(frozen=True)
class Require:
    """A formula that must be true."""

    formula: Formula
    scope: Scope
    text: str
    span: Span | None = field(default=None, compare=False, repr=False)


Constraint = Only | Order | Require
