"""Constraints on mappings."""

from __future__ import annotations

from qdsl.syntax.node import Node, node
from qdsl.syntax.tree.expressions import Expr, Ident, Name, ValueSet


@node
class OnlyConstraint(Node):
    """`spatial pe.x only Q, K`, `temporal psum only K`, `temporal ifmap none` (no dims)."""

    kind: str  # 'spatial' or 'temporal'
    place: Name
    dims: tuple[Ident, ...]


@node
class OrderConstraint(Node):
    """`order glb: K, P, C` outermost first; anchor '', 'innermost' or 'outermost'."""

    level: Name
    dims: tuple[Ident, ...]
    anchor: str


@node
class KeepConstraint(Node):
    """`keep glb: W`, `bypass glb: W` (kept False)."""

    kept: bool
    level: Ident
    tensors: tuple[Ident, ...]


@node
class SameConstraint(Node):
    """`same spatial for conv2d`, `same spatial for layer stem, b1.*`: all these layers have the same spatial loops."""

    operators: tuple[Ident, ...]
    layers: tuple[Ident, ...]


@node
class FormulaConstraint(Node):
    """A comparison such as `spatial(pe.y, S) == S`, `utilization(pe) >= 50 %`, `tile(wspad, R) == R`."""

    formula: Expr


@node
class IfConstraint(Node):
    """`if bits(W) <= 4 then CONSTRAINT`."""

    condition: Expr
    body: Constraint


@node
class EveryConstraint(Node):
    """`every conv2d, depthwise { ... }`: the body holds for layers of these operators; `every layer b1.*, stem { ... }`:
    for layers with such names."""

    operators: tuple[Ident, ...]
    layers: tuple[Ident, ...]
    body: tuple[Constraint, ...]


@node
class ForConstraint(Node):
    """`for t in I, W { ... }`, `for b in {2..4} { ... }`: the body once for every value of the variable."""

    variable: Ident
    values: tuple[Name, ...] | ValueSet
    body: tuple[Constraint, ...]


Constraint = (
    OnlyConstraint
    | OrderConstraint
    | KeepConstraint
    | SameConstraint
    | FormulaConstraint
    | IfConstraint
    | EveryConstraint
    | ForConstraint
)


@node
class ConstraintsDecl(Node):
    """`constraints NAME for ACCELERATOR { ... }`."""

    name: Ident
    accelerator: Ident
    body: tuple[Constraint, ...]
