"""Mappings as loop nests."""

from __future__ import annotations

from qdsl.syntax.node import Node, node
from qdsl.syntax.tree.expressions import Argument, Expr, Ident, Name
from qdsl.syntax.tree.statements import BitsStmt


@node
class LoopTerm(Node):
    """`K 4` in a mapping."""

    dim: Ident
    factor: Expr


@node
class ImperfectStmt(Node):
    """`imperfect padded` or `imperfect partial`: the factors of a dimension may make more than its size."""

    kind: str


@node
class BypassStmt(Node):
    """`bypass glb: W`: what a level does not keep though it may."""

    level: Ident
    tensors: tuple[Ident, ...]


@node
class NestStmt(Node):
    """`glb : for C 4, Q 4` (kind 'for') or `pe.x : parallel Q 14` (kind 'parallel'); loops outermost first."""

    place: Name
    kind: str
    loops: tuple[LoopTerm, ...]


@node
class MachineRef(Node):
    """`eyeriss` or `eyeriss(rows = 14)`."""

    name: Ident
    arguments: tuple[Argument, ...]


@node
class MappingDecl(Node):
    """`mapping NAME for LAYER onto ACCELERATOR { ... }`."""

    name: Ident
    layer: Name
    accelerator: MachineRef
    statements: tuple[BitsStmt | BypassStmt | ImperfectStmt | NestStmt, ...]
