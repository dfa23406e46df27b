"""Studies: what is mapped, what may be chosen, what is wanted."""

from __future__ import annotations

from qdsl.syntax.node import Node, node
from qdsl.syntax.tree.constraints import Constraint
from qdsl.syntax.tree.expressions import Argument, Call, Expr, Ident, Name, Number, Text, ValueSet
from qdsl.syntax.tree.mappings import MachineRef


@node
class MappedNetwork(Node):
    """`resnet18` or `2 * resnet18`."""

    weight: Number | None
    name: Ident


@node
class MapStmt(Node):
    """`map resnet18 onto eyeriss` or `map 2 * resnet18 + mobilenet_v1 onto eyeriss(rows in {8, 12})`."""

    networks: tuple[MappedNetwork, ...]
    accelerator: MachineRef


@node
class MapAsStmt(Node):
    """`map depthwise as conv2d(K = C)`: another operator in place of one, for all layers that have it."""

    operator: Ident
    call: Call


@node
class LimitStmt(Node):
    """`limit area <= 2 mm2`."""

    quantity: Ident
    comparison: str
    value: Expr


@node
class WidthRule(Node):
    """`weights in {2..8} per layer`, `per network`, `per channel(groups = 4)`: role 'weights' or 'activations'."""

    role: str
    options: ValueSet
    granularity: Ident  # others are refused by the checker
    arguments: tuple[Argument, ...] = ()


@node
class WidthTerm(Node):
    """`weights = 8`."""

    role: str
    value: Expr


@node
class LayerWidths(Node):
    """`layer stem: weights = 8, activations = 8`."""

    layer: Name
    terms: tuple[WidthTerm, ...]


@node
class ChannelGroup(Node):
    """`16 at 8 bit`: so many output channels with weights of this width."""

    channels: Expr
    bits: Expr


@node
class SplitLayer(Node):
    """`split stem: 16 at 8 bit, 48 at 4 bit`."""

    layer: Name
    groups: tuple[ChannelGroup, ...]


@node
class OutputWidth(Node):
    """`output 8 bit`: width of what the network puts out."""

    value: Expr


@node
class PartialSums(Node):
    """`partial sums = bits(W) + bits(I) + log2(reduction)`: width of outputs inside the backing store."""

    value: Expr


@node
class PrecisionBlock(Node):
    """`precision { ... }`."""

    statements: tuple[WidthRule | LayerWidths | SplitLayer | OutputWidth | PartialSums, ...]


@node
class ConstrainWith(Node):
    """`constrain with eyeriss_dataflow`; `if dataflow == 1 then ... else ...` chooses by parameters of the accelerator."""

    value: Expr


@node
class ConstrainBlock(Node):
    """`constrain { ... }`."""

    body: tuple[Constraint, ...]


@node
class MinimizeStmt(Node):
    """`minimize energy, noise`."""

    objectives: tuple[Ident, ...]


@node
class LevelsStmt(Node):
    """`levels coarse, mid, fine`."""

    levels: tuple[Ident, ...]


@node
class MapperStmt(Node):
    """`mapper random(victory = 500, seed = 1)`, `mapper exact`."""

    name: Ident
    arguments: tuple[Argument, ...]


@node
class SearchStmt(Node):
    """`search nsga2(population = 32, generations = 20, seed = 1, operators = seed)`, `search exact`."""

    call: Call


@node
class AccuracyStmt(Node):
    """`accuracy train(epochs = 4) on images from "imagenet/" with weights "resnet18.pt"`; path, weights: None without them."""

    method: Ident
    arguments: tuple[Argument, ...]
    data: Ident
    path: Text | None
    weights: Text | None


@node
class ReportStmt(Node):
    """`report html, markdown`."""

    formats: tuple[Ident, ...]


StudyItem = (
    MapStmt
    | LimitStmt
    | MapAsStmt
    | PrecisionBlock
    | ConstrainWith
    | ConstrainBlock
    | MinimizeStmt
    | LevelsStmt
    | MapperStmt
    | SearchStmt
    | AccuracyStmt
    | ReportStmt
)


@node
class StudyDecl(Node):
    """`study NAME { ... }`."""

    name: Ident
    items: tuple[StudyItem, ...]
