"""Operators."""

from __future__ import annotations

from qdsl.syntax.node import Node, node
from qdsl.syntax.tree.expressions import Expr, Ident


@node
class Parameter(Node):
    """Of an operator or a block: `stride = 1`, `x`."""

    name: Ident
    default: Expr | None


@node
class TensorAccess(Node):
    """`I[n, c, stride*p + dilation*r]`."""

    tensor: Ident
    indices: tuple[Expr, ...]


@node
class Einsum(Node):
    """`O[..] += I[..] * W[..]`. `assign`: '=', '+=' or 'max='; `combine`: '*', '+' or '' for one input."""

    output: TensorAccess
    assign: str
    inputs: tuple[TensorAccess, ...]
    combine: str


@node
class OperatorDecl(Node):
    """`operator NAME(PARAMETERS) { ... }`."""

    name: Ident
    parameters: tuple[Parameter, ...]
    dims: tuple[Ident, ...]
    weights: tuple[Ident, ...]  # tensors that are parameters of the network
    rules: tuple[Einsum, ...]  # the checker demands exactly one
