"""Networks."""

from __future__ import annotations

from qdsl.syntax.node import Node, node
from qdsl.syntax.tree.expressions import Call, Expr, Ident
from qdsl.syntax.tree.operators import Parameter


@node
class InputStmt(Node):
    """`input image: 3 x 224 x 224`: the axes after the batch axis."""

    name: Ident
    shape: tuple[Expr, ...]


@node
class BatchStmt(Node):
    """`batch 1`."""

    value: Expr


@node
class Binding(Node):
    """`e = conv2d(x, K = 32)` or, with count, `repeat 3 as b4 = bottleneck(b3, 6, 32)`."""

    name: Ident
    value: Expr
    count: Expr | None = None


@node
class YieldStmt(Node):
    """`yield add(x, p)`: what a call of the block stands for."""

    value: Expr


@node
class BlockDecl(Node):
    """`block NAME(PARAMETERS) { ... }`."""

    name: Ident
    parameters: tuple[Parameter, ...]
    statements: tuple[Binding | YieldStmt, ...]


@node
class OutputStmt(Node):
    """`output fc`."""

    value: Expr


@node
class LayerStmt(Node):
    """`layer l = conv2d(K = 64, C = 32, P = 56, stride = 2)`: an operator with all sizes given, outside the graph."""

    name: Ident
    call: Call


@node
class NetworkDecl(Node):
    """`network NAME { ... }`."""

    name: Ident
    items: tuple[InputStmt | BatchStmt | BlockDecl | Binding | LayerStmt | OutputStmt, ...]
