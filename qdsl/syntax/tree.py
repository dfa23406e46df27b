"""The syntax tree: what a file says, before any name is resolved. Every node carries its span.

Equality ignores spans, so that parse(format(x)) can be compared with parse(x).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from qdsl.diagnostics import Span


@dataclass(frozen=True, kw_only=True)
class Node:
    span: Span = field(compare=False, repr=False)


# --- expressions -----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Ident(Node):
    name: str


@dataclass(frozen=True, kw_only=True)
class Number(Node):
    """`text` is the number as written (`0.42018`, `1e-3`); `unit` as written (`pJ`, `word/cycle`, `%`) or None."""

    text: str
    unit: str | None = None
    unit_span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class Name(Node):
    """A reference, dotted or not: `K`, `pe.x`, `x.channels`, `mobilenet_v1.stem`."""

    parts: tuple[Ident, ...]

    @property
    def dotted(self) -> str:
        return ".".join(p.name for p in self.parts)


@dataclass(frozen=True, kw_only=True)
class Unary(Node):
    op: str  # '-' 'not'
    operand: Expr


@dataclass(frozen=True, kw_only=True)
class Binary(Node):
    op: str  # + - * / == != < <= > >= and or
    left: Expr
    right: Expr


@dataclass(frozen=True, kw_only=True)
class Argument(Node):
    name: Ident | None
    value: Expr


@dataclass(frozen=True, kw_only=True)
class Call(Node):
    """`conv2d(x, K = 32) relu6`, `spatial(pe.x, K)`, `bits(W)`; `activation` only on layer calls."""

    function: Name
    arguments: tuple[Argument, ...]
    activation: Ident | None = None


@dataclass(frozen=True, kw_only=True)
class Conditional(Node):
    """`if c then a else b`."""

    condition: Expr
    then: Expr
    otherwise: Expr


@dataclass(frozen=True, kw_only=True)
class Then(Node):
    """`2 then 1`: the first value in the first iteration of a `repeat`, the other one afterwards."""

    first: Expr
    rest: Expr


@dataclass(frozen=True, kw_only=True)
class Membership(Node):
    """`temporal(glb, C) in {2..8}`."""

    operand: Expr
    options: ValueSet


Expr = Number | Name | Unary | Binary | Call | Conditional | Then | Membership


@dataclass(frozen=True, kw_only=True)
class Range(Node):
    """`2 .. 8` or `32 KiB .. 256 KiB step 32 KiB`, both ends included."""

    low: Expr
    high: Expr
    step: Expr | None


@dataclass(frozen=True, kw_only=True)
class ValueSet(Node):
    """`{2..8}`, `{8, 12, 14}`."""

    items: tuple[Range | Expr, ...]


@dataclass(frozen=True, kw_only=True)
class Text(Node):
    """A string literal; `value` is unescaped."""

    value: str


# --- declarations ----------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Import(Node):
    path: Text


@dataclass(frozen=True, kw_only=True)
class Parameter(Node):
    """Of an operator or a block: `stride = 1`, `x`."""

    name: Ident
    default: Expr | None


@dataclass(frozen=True, kw_only=True)
class TensorAccess(Node):
    """`I[n, c, stride*p + dilation*r]`."""

    tensor: Ident
    indices: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True)
class Einsum(Node):
    """`O[..] += I[..] * W[..]`. `assign`: '=', '+=' or 'max='; `combine`: '*', '+' or '' for one input."""

    output: TensorAccess
    assign: str
    inputs: tuple[TensorAccess, ...]
    combine: str


@dataclass(frozen=True, kw_only=True)
class OperatorDecl(Node):
    name: Ident
    parameters: tuple[Parameter, ...]
    dims: tuple[Ident, ...]
    weights: tuple[Ident, ...]  # tensors that are parameters of the network
    rules: tuple[Einsum, ...]  # the checker demands exactly one


@dataclass(frozen=True, kw_only=True)
class EnergyTerm(Node):
    """`read 512 pJ`; `access` is 'read', 'write', 'update' or 'hop', or '' for the one energy of a compute unit."""

    access: str
    value: Expr


@dataclass(frozen=True, kw_only=True)
class EnergyStmt(Node):
    """`energy read 1 pJ, write 2 pJ`, `energy 2.2 pJ` or `energy from tech.entry`: either terms or origin."""

    terms: tuple[EnergyTerm, ...]
    origin: Name | None


@dataclass(frozen=True, kw_only=True)
class SourceStmt(Node):
    text: Text


@dataclass(frozen=True, kw_only=True)
class WordStmt(Node):
    value: Expr


@dataclass(frozen=True, kw_only=True)
class WidthStmt(Node):
    """Bits moved by one access."""

    value: Expr


@dataclass(frozen=True, kw_only=True)
class SizeStmt(Node):
    """`size 512 word`, or `size 12 word for I`: a part that others cannot use. tensors: None for all that have no part."""

    value: Expr
    tensors: tuple[Ident, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class PackingStmt(Node):
    """`packing dense`; kind is 'word' or 'dense'."""

    kind: str


@dataclass(frozen=True, kw_only=True)
class KeepStmt(Node):
    tensors: tuple[Ident, ...]


@dataclass(frozen=True, kw_only=True)
class MayKeepStmt(Node):
    """`may keep W`: whether a tensor is kept is a matter of the mapping."""

    tensors: tuple[Ident, ...]


@dataclass(frozen=True, kw_only=True)
class DoubleBufferedStmt(Node):
    """`double_buffered I, W`; None for all tensors that are kept."""

    tensors: tuple[Ident, ...] | None


@dataclass(frozen=True, kw_only=True)
class LeakageStmt(Node):
    value: Expr


@dataclass(frozen=True, kw_only=True)
class AreaStmt(Node):
    value: Expr


@dataclass(frozen=True, kw_only=True)
class ThroughputStmt(Node):
    """Operations per cycle of one compute unit."""

    value: Expr


@dataclass(frozen=True, kw_only=True)
class BandwidthTerm(Node):
    access: str  # 'read' or 'write'
    value: Expr


@dataclass(frozen=True, kw_only=True)
class BandwidthStmt(Node):
    """tensors: whose port it is; None for all that have none of their own."""

    terms: tuple[BandwidthTerm, ...]
    tensors: tuple[Ident, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class MeshStmt(Node):
    """`x 14` or `y 12` of an array."""

    axis: str
    value: Expr


@dataclass(frozen=True, kw_only=True)
class SharingStmt(Node):
    """`multicast I, W`, `reduce none`, `forward I`: kind is 'multicast', 'reduce' or 'forward'; () is none."""

    kind: str
    tensors: tuple[Ident, ...]


@dataclass(frozen=True, kw_only=True)
class FlagStmt(Node):
    """`pooled` or `separate_diagonals` of an array, `first_output_fills` of an accelerator."""

    name: str


@dataclass(frozen=True, kw_only=True)
class BitsTerm(Node):
    """`W = 4`; in a memory also a rule: `O = bits(I) + bits(W) + 8`."""

    tensor: Ident
    value: Expr


@dataclass(frozen=True, kw_only=True)
class BitsStmt(Node):
    """Widths of tensors: of all, in a mapping; as one memory stores them, in a memory."""

    terms: tuple[BitsTerm, ...]


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


ArrayStmt = MeshStmt | SharingStmt | FlagStmt | EnergyStmt | SourceStmt


@dataclass(frozen=True, kw_only=True)
class TechnologyEntry(Node):
    kind: str  # 'memory' or 'compute'
    name: Ident
    statements: tuple[MemoryStmt, ...]


@dataclass(frozen=True, kw_only=True)
class TechnologyDecl(Node):
    name: Ident
    source: SourceStmt | None
    entries: tuple[TechnologyEntry, ...]


@dataclass(frozen=True, kw_only=True)
class ParamDecl(Node):
    """`param rows = 12 in {8, 12, 14}`."""

    name: Ident
    value: Expr
    domain: ValueSet | None


@dataclass(frozen=True, kw_only=True)
class ClockStmt(Node):
    value: Expr


@dataclass(frozen=True, kw_only=True)
class MemoryDecl(Node):
    name: Ident
    statements: tuple[MemoryStmt, ...]


@dataclass(frozen=True, kw_only=True)
class ArrayDecl(Node):
    name: Ident
    statements: tuple[ArrayStmt, ...]


@dataclass(frozen=True, kw_only=True)
class ComputeDecl(Node):
    name: Ident
    statements: tuple[EnergyStmt | ThroughputStmt | LeakageStmt | AreaStmt | SourceStmt, ...]


AcceleratorItem = ParamDecl | WordStmt | ClockStmt | FlagStmt | MemoryDecl | ArrayDecl | ComputeDecl


@dataclass(frozen=True, kw_only=True)
class AcceleratorDecl(Node):
    """Items in source order, outermost level first."""

    name: Ident
    items: tuple[AcceleratorItem, ...]


@dataclass(frozen=True, kw_only=True)
class InputStmt(Node):
    """`input image: 3 x 224 x 224`: the axes after the batch axis."""

    name: Ident
    shape: tuple[Expr, ...]


@dataclass(frozen=True, kw_only=True)
class BatchStmt(Node):
    value: Expr


@dataclass(frozen=True, kw_only=True)
class Binding(Node):
    """`e = conv2d(x, K = 32)` or, with count, `repeat 3 as b4 = bottleneck(b3, 6, 32)`."""

    name: Ident
    value: Expr
    count: Expr | None = None


@dataclass(frozen=True, kw_only=True)
class YieldStmt(Node):
    value: Expr


@dataclass(frozen=True, kw_only=True)
class BlockDecl(Node):
    name: Ident
    parameters: tuple[Parameter, ...]
    statements: tuple[Binding | YieldStmt, ...]


@dataclass(frozen=True, kw_only=True)
class OutputStmt(Node):
    value: Expr


@dataclass(frozen=True, kw_only=True)
class LayerStmt(Node):
    """`layer l = conv2d(K = 64, C = 32, P = 56, stride = 2)`: an operator with all sizes given, outside the graph."""

    name: Ident
    call: Call


@dataclass(frozen=True, kw_only=True)
class NetworkDecl(Node):
    name: Ident
    items: tuple[InputStmt | BatchStmt | BlockDecl | Binding | LayerStmt | OutputStmt, ...]


@dataclass(frozen=True, kw_only=True)
class LoopTerm(Node):
    """`K 4` in a mapping."""

    dim: Ident
    factor: Expr


@dataclass(frozen=True, kw_only=True)
class ImperfectStmt(Node):
    """`imperfect padded` or `imperfect partial`: the factors of a dimension may make more than its size."""

    kind: str


@dataclass(frozen=True, kw_only=True)
class BypassStmt(Node):
    """`bypass glb: W`: what a level does not keep though it may."""

    level: Ident
    tensors: tuple[Ident, ...]


@dataclass(frozen=True, kw_only=True)
class NestStmt(Node):
    """`glb : for C 4, Q 4` (kind 'for') or `pe.x : parallel Q 14` (kind 'parallel'); loops outermost first."""

    place: Name
    kind: str
    loops: tuple[LoopTerm, ...]


@dataclass(frozen=True, kw_only=True)
class MachineRef(Node):
    """`eyeriss` or `eyeriss(rows = 14)`."""

    name: Ident
    arguments: tuple[Argument, ...]


@dataclass(frozen=True, kw_only=True)
class MappingDecl(Node):
    name: Ident
    layer: Name
    accelerator: MachineRef
    statements: tuple[BitsStmt | BypassStmt | ImperfectStmt | NestStmt, ...]


@dataclass(frozen=True, kw_only=True)
class OnlyConstraint(Node):
    """`spatial pe.x only Q, K`, `temporal psum only K`, `temporal ifmap none` (no dims)."""

    kind: str  # 'spatial' or 'temporal'
    place: Name
    dims: tuple[Ident, ...]


@dataclass(frozen=True, kw_only=True)
class OrderConstraint(Node):
    """`order glb: K, P, C` outermost first; anchor '', 'innermost' or 'outermost'."""

    level: Name
    dims: tuple[Ident, ...]
    anchor: str


@dataclass(frozen=True, kw_only=True)
class KeepConstraint(Node):
    """`keep glb: W`, `bypass glb: W` (kept False)."""

    kept: bool
    level: Ident
    tensors: tuple[Ident, ...]


@dataclass(frozen=True, kw_only=True)
class SameConstraint(Node):
    """`same spatial for conv2d`, `same spatial for layer stem, b1.*`: all these layers have the same spatial loops."""

    operators: tuple[Ident, ...]
    layers: tuple[Ident, ...]


@dataclass(frozen=True, kw_only=True)
class FormulaConstraint(Node):
    """A comparison such as `spatial(pe.y, S) == S`, `utilization(pe) >= 50 %`, `tile(wspad, R) == R`."""

    formula: Expr


@dataclass(frozen=True, kw_only=True)
class IfConstraint(Node):
    """`if bits(W) <= 4 then CONSTRAINT`."""

    condition: Expr
    body: Constraint


@dataclass(frozen=True, kw_only=True)
class EveryConstraint(Node):
    """`every conv2d, depthwise { ... }`: the body holds for layers of these operators; `every layer b1.*, stem { ... }`:
    for layers with such names."""

    operators: tuple[Ident, ...]
    layers: tuple[Ident, ...]
    body: tuple[Constraint, ...]


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class ConstraintsDecl(Node):
    """`constraints NAME for ACCELERATOR { ... }`."""

    name: Ident
    accelerator: Ident
    body: tuple[Constraint, ...]


@dataclass(frozen=True, kw_only=True)
class MappedNetwork(Node):
    """`resnet18` or `2 * resnet18`."""

    weight: Number | None
    name: Ident


@dataclass(frozen=True, kw_only=True)
class MapStmt(Node):
    """`map resnet18 onto eyeriss` or `map 2 * resnet18 + mobilenet_v1 onto eyeriss(rows in {8, 12})`."""

    networks: tuple[MappedNetwork, ...]
    accelerator: MachineRef


@dataclass(frozen=True, kw_only=True)
class LimitStmt(Node):
    """`limit area <= 2 mm2`."""

    quantity: Ident
    comparison: str
    value: Expr


@dataclass(frozen=True, kw_only=True)
class WidthRule(Node):
    """`weights in {2..8} per layer`: role 'weights' or 'activations'."""

    role: str
    options: ValueSet
    granularity: Ident  # 'layer'; others are refused by the checker


@dataclass(frozen=True, kw_only=True)
class WidthTerm(Node):
    role: str
    value: Expr


@dataclass(frozen=True, kw_only=True)
class LayerWidths(Node):
    """`layer stem: weights = 8, activations = 8`."""

    layer: Name
    terms: tuple[WidthTerm, ...]


@dataclass(frozen=True, kw_only=True)
class ChannelGroup(Node):
    """`16 at 8 bit`: so many output channels with weights of this width."""

    channels: Expr
    bits: Expr


@dataclass(frozen=True, kw_only=True)
class SplitLayer(Node):
    """`split stem: 16 at 8 bit, 48 at 4 bit`."""

    layer: Name
    groups: tuple[ChannelGroup, ...]


@dataclass(frozen=True, kw_only=True)
class OutputWidth(Node):
    """`output 8 bit`: width of what the network puts out."""

    value: Expr


@dataclass(frozen=True, kw_only=True)
class PartialSums(Node):
    """`partial sums = bits(W) + bits(I) + log2(reduction)`: width of outputs inside the backing store."""

    value: Expr


@dataclass(frozen=True, kw_only=True)
class PrecisionBlock(Node):
    statements: tuple[WidthRule | LayerWidths | SplitLayer | OutputWidth | PartialSums, ...]


@dataclass(frozen=True, kw_only=True)
class ConstrainWith(Node):
    """`constrain with eyeriss_dataflow`."""

    name: Ident


@dataclass(frozen=True, kw_only=True)
class ConstrainBlock(Node):
    """`constrain { ... }`."""

    body: tuple[Constraint, ...]


@dataclass(frozen=True, kw_only=True)
class MinimizeStmt(Node):
    objectives: tuple[Ident, ...]


@dataclass(frozen=True, kw_only=True)
class LevelsStmt(Node):
    """`levels coarse, mid, fine`."""

    levels: tuple[Ident, ...]


@dataclass(frozen=True, kw_only=True)
class SearchStmt(Node):
    """`search nsga2(population = 32, generations = 20, seed = 1, operators = seed)`."""

    call: Call


@dataclass(frozen=True, kw_only=True)
class ReportStmt(Node):
    formats: tuple[Ident, ...]


StudyItem = (
    MapStmt
    | LimitStmt
    | PrecisionBlock
    | ConstrainWith
    | ConstrainBlock
    | MinimizeStmt
    | LevelsStmt
    | SearchStmt
    | ReportStmt
)


@dataclass(frozen=True, kw_only=True)
class StudyDecl(Node):
    name: Ident
    items: tuple[StudyItem, ...]


Declaration = OperatorDecl | TechnologyDecl | AcceleratorDecl | NetworkDecl | MappingDecl | ConstraintsDecl | StudyDecl


@dataclass(frozen=True, kw_only=True)
class Comment(Node):
    """`// ...`, with its text; the formatter puts it back where it stood."""

    text: str


@dataclass(frozen=True, kw_only=True)
class File(Node):
    imports: tuple[Import, ...]
    declarations: tuple[Declaration, ...]
    comments: tuple[Comment, ...] = field(default=(), compare=False)
