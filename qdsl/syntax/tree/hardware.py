"""Technologies, engines and accelerators."""

from __future__ import annotations

from qdsl.syntax.node import Node, node
from qdsl.syntax.tree.expressions import Expr, Ident, ValueSet
from qdsl.syntax.tree.statements import (
    AreaStmt,
    BandwidthStmt,
    BitsStmt,
    DoubleBufferedStmt,
    EnergyStmt,
    FlagStmt,
    KeepStmt,
    LayerCost,
    LeakageStmt,
    LetStmt,
    MayKeepStmt,
    MeshStmt,
    PackingStmt,
    PowerStmt,
    SharingStmt,
    SizeStmt,
    SourceStmt,
    TableStmt,
    ThroughputStmt,
    UseStmt,
    WidthStmt,
    WordStmt,
)

MemoryStmt = (
    SizeStmt
    | WordStmt
    | WidthStmt
    | PackingStmt
    | KeepStmt
    | MayKeepStmt
    | BitsStmt
    | EnergyStmt
    | BandwidthStmt
    | DoubleBufferedStmt
    | LeakageStmt
    | AreaStmt
    | SourceStmt
)


ComputeStmt = (
    EnergyStmt
    | ThroughputStmt
    | UseStmt
    | TableStmt
    | LetStmt
    | LayerCost
    | PowerStmt
    | LeakageStmt
    | AreaStmt
    | SourceStmt
)


ArrayStmt = MeshStmt | SharingStmt | FlagStmt | EnergyStmt | SourceStmt


@node
class TechnologyEntry(Node):
    """`memory NAME { ... }` or `compute NAME { ... }` of a technology."""

    kind: str  # 'memory' or 'compute'
    name: Ident
    statements: tuple[MemoryStmt, ...]


@node
class TechnologyDecl(Node):
    """`technology NAME { ... }`."""

    name: Ident
    source: SourceStmt | None
    entries: tuple[TechnologyEntry, ...]


@node
class ParamDecl(Node):
    """`param rows = 12 in {8, 12, 14}`."""

    name: Ident
    value: Expr
    domain: ValueSet | None


@node
class ClockStmt(Node):
    """`clock 200 MHz`."""

    value: Expr


@node
class MemoryDecl(Node):
    """`memory NAME { ... }`."""

    name: Ident
    statements: tuple[MemoryStmt, ...]


@node
class ArrayDecl(Node):
    """`array NAME { ... }`."""

    name: Ident
    statements: tuple[ArrayStmt, ...]


@node
class ComputeDecl(Node):
    """`compute NAME { ... }`."""

    name: Ident
    statements: tuple[ComputeStmt, ...]


EngineItem = ParamDecl | TableStmt | LetStmt | EnergyStmt | ThroughputStmt | AreaStmt | SourceStmt


@node
class EngineDecl(Node):
    """`engine NAME { ... }`: a compute unit with parameters, for any accelerator."""

    name: Ident
    items: tuple[EngineItem, ...]


AcceleratorItem = ParamDecl | WordStmt | ClockStmt | FlagStmt | MemoryDecl | ArrayDecl | ComputeDecl


@node
class AcceleratorDecl(Node):
    """Items in source order, outermost level first."""

    name: Ident
    items: tuple[AcceleratorItem, ...]
