"""The syntax tree: what a file says, before any name is resolved. Every node carries its span.

Equality ignores spans, so that parse(format(x)) can be compared with parse(x).
"""

from __future__ import annotations

from dataclasses import field

from qdsl.diagnostics import Span
from qdsl.syntax.node import Node as Node
from qdsl.syntax.node import node

# --- expressions -----------------------------------------------------------------------------


@node
class Ident(Node):
    """One name, or one part of a dotted one."""

    name: str


@node
class Number(Node):
    """`text` is the number as written (`0.42018`, `1e-3`); `unit` as written (`pJ`, `word/cycle`, `%`) or None."""

    text: str
    unit: str | None = None
    unit_span: Span | None = field(default=None, compare=False, repr=False)


@node
class Name(Node):
    """A reference, dotted or not: `K`, `pe.x`, `x.channels`, `mobilenet_v1.stem`."""

    parts: tuple[Ident, ...]

    @property
    def dotted(self) -> str:
        return ".".join(p.name for p in self.parts)


@node
class Unary(Node):
    """`-x`, `not x`."""

    op: str  # '-' 'not'
    operand: Expr


@node
class Binary(Node):
    """`a + b`, `a <= b`, `a and b`."""

    op: str  # + - * / == != < <= > >= and or
    left: Expr
    right: Expr


@node
class Argument(Node):
    """`x` or `K = 32`."""

    name: Ident | None
    value: Expr


@node
class Call(Node):
    """`conv2d(x, K = 32) relu6`, `spatial(pe.x, K)`, `bits(W)`; `activation` only on layer calls."""

    function: Name
    arguments: tuple[Argument, ...]
    activation: Ident | None = None


@node
class Conditional(Node):
    """`if c then a else b`."""

    condition: Expr
    then: Expr
    otherwise: Expr


@node
class Then(Node):
    """`2 then 1`: the first value in the first iteration of a `repeat`, the other one afterwards."""

    first: Expr
    rest: Expr


@node
class Membership(Node):
    """`temporal(glb, C) in {2..8}`."""

    operand: Expr
    options: ValueSet


Expr = Number | Name | Unary | Binary | Call | Conditional | Then | Membership


@node
class Range(Node):
    """`2 .. 8` or `32 KiB .. 256 KiB step 32 KiB`, both ends included."""

    low: Expr
    high: Expr
    step: Expr | None


@node
class ValueSet(Node):
    """`{2..8}`, `{8, 12, 14}`."""

    items: tuple[Range | Expr, ...]


@node
class Text(Node):
    """A string literal; `value` is unescaped."""

    value: str


# --- declarations ----------------------------------------------------------------------------


@node
class Import(Node):
    """`import "eyeriss.qdsl"`."""

    path: Text


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


Declaration = (
    OperatorDecl
    | TechnologyDecl
    | EngineDecl
    | AcceleratorDecl
    | NetworkDecl
    | MappingDecl
    | ConstraintsDecl
    | StudyDecl
)


@node
class Comment(Node):
    """`// ...`, with its text; the formatter puts it back where it stood."""

    text: str


@node
class File(Node):
    """Imports and declarations, each in the order in which they stand in the file."""

    imports: tuple[Import, ...]
    declarations: tuple[Declaration, ...]
    comments: tuple[Comment, ...] = field(default=(), compare=False)
    lost: tuple[Span, ...] = field(default=(), compare=False, repr=False)  # text that could not be read
