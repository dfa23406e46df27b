"""What memories, arrays and compute units say of themselves."""

from __future__ import annotations

from qdsl.syntax.node import Node, node
from qdsl.syntax.tree.expressions import Expr, Ident, Name, Text


@node
class EnergyTerm(Node):
    """`read 512 pJ`; `access` is 'read', 'write', 'update' or 'hop', or '' for the one energy of a compute unit."""

    access: str
    value: Expr


@node
class EnergyStmt(Node):
    """`energy read 1 pJ, write 2 pJ`, `energy 2.2 pJ` or `energy from tech.entry`: either terms or origin."""

    terms: tuple[EnergyTerm, ...]
    origin: Name | None


@node
class SourceStmt(Node):
    """`source "data sheet, table 3"`."""

    text: Text


@node
class WordStmt(Node):
    """`word 16 bit`."""

    value: Expr


@node
class WidthStmt(Node):
    """Bits moved by one access."""

    value: Expr


@node
class SizeStmt(Node):
    """`size 512 word`, or `size 12 word for I`: a part that others cannot use. tensors: None for all that have no part."""

    value: Expr
    tensors: tuple[Ident, ...] | None = None


@node
class PackingStmt(Node):
    """`packing dense`; kind is 'word' or 'dense'."""

    kind: str


@node
class KeepStmt(Node):
    """`keep I, O`."""

    tensors: tuple[Ident, ...]


@node
class MayKeepStmt(Node):
    """`may keep W`: whether a tensor is kept is a matter of the mapping."""

    tensors: tuple[Ident, ...]


@node
class DoubleBufferedStmt(Node):
    """`double_buffered I, W`; None for all tensors that are kept."""

    tensors: tuple[Ident, ...] | None


@node
class LeakageStmt(Node):
    """`leakage 0.4 mW`, `leakage 0.01 pJ/cycle`."""

    value: Expr


@node
class AreaStmt(Node):
    """`area 0.05 mm2`."""

    value: Expr


@node
class ThroughputStmt(Node):
    """Operations per cycle of one compute unit."""

    value: Expr


@node
class UseStmt(Node):
    """`use vector(width = 16)`: a call, or a choice of one by parameters of the accelerator."""

    value: Expr


@node
class TableStmt(Node):
    """`table rate from "mpic.csv"`: a file beside the spec, whose last column is looked up by the others."""

    name: Ident
    path: Text


@node
class LetStmt(Node):
    """`let inputs = ceil(C / 16)`: a name for a part of formulas."""

    name: Ident
    value: Expr


@node
class LayerCost(Node):
    """`cycles for conv2d, linear = operations / 4`: what a whole layer of one of the operators takes; kind is 'cycles',
    'energy' or 'figure', which has a name."""

    kind: str
    operators: tuple[Ident, ...]
    value: Expr
    name: Ident | None = None


@node
class PowerStmt(Node):
    """`power 5.4 mW`: while a layer runs, beside what its `energy for` says."""

    value: Expr


@node
class BandwidthTerm(Node):
    """`read 16 word/cycle`."""

    access: str  # 'read' or 'write'
    value: Expr


@node
class BandwidthStmt(Node):
    """tensors: whose port it is; None for all that have none of their own."""

    terms: tuple[BandwidthTerm, ...]
    tensors: tuple[Ident, ...] | None = None


@node
class MeshStmt(Node):
    """`x 14` or `y 12` of an array."""

    axis: str
    value: Expr


@node
class SharingStmt(Node):
    """`multicast I, W`, `reduce none`, `forward I`: kind is 'multicast', 'reduce' or 'forward'; () is none."""

    kind: str
    tensors: tuple[Ident, ...]


@node
class FlagStmt(Node):
    """`pooled` or `separate_diagonals` of an array, `first_output_fills` of an accelerator."""

    name: str


@node
class BitsTerm(Node):
    """`W = 4`; in a memory also a rule: `O = bits(I) + bits(W) + 8`."""

    tensor: Ident
    value: Expr


@node
class BitsStmt(Node):
    """Widths of tensors: of all, in a mapping; as one memory stores them, in a memory."""

    terms: tuple[BitsTerm, ...]
