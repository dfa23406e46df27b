"""The nodes of `qdsl.syntax.tree`: one method per rule of the grammar, called bottom-up."""

from __future__ import annotations

import re
from typing import Any

from qdsl.diagnostics import Diagnostic, Label, Sink, SourceFile, Span
from qdsl.syntax import tree as t

MAX_DEPTH = 100
MAX_NAME = 100
MAX_DIGITS = 64
MAX_EXPONENT = 99

_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}


class Word(str):
    """A terminal as it was written, and where in the text of the item."""

    __slots__ = ("end", "start")

    def __new__(cls, text: str, start: int, end: int) -> Word:
        made = super().__new__(cls, text)
        made.start, made.end = start, end
        return made

    start: int
    end: int


class Build:
    """Makes the nodes of one item, whose text begins at `offset` of the source. Findings go to the sink.

    Methods take the span of the rule and its children: words, nodes, or None where something optional is absent.
    """

    def __init__(self, source: SourceFile, offset: int, sink: Sink) -> None:
        self.source = source
        self.offset = offset
        self.last = len(source.text)
        self.sink = sink
        self.depths: dict[int, int] = {}  # of expressions, by id
        self.too_deep = False
        self.activations: list[t.Ident] = []

    def finish(self, item: t.Import | t.Declaration) -> t.Import | t.Declaration | None:
        """The item after checks of the whole; None if an expression is too deep, into which later stages could not recurse."""
        if not isinstance(item, t.NetworkDecl):
            self.refuse_activations()
        return None if self.too_deep else item

    # --- spans, names, limits ---

    def span(self, start: int, end: int) -> Span:
        """Of offsets in the text of the item, of which closing braces may be missing at the end of the source."""
        start, end = self.offset + start, self.offset + end
        return Span(self.source, start, end if end <= self.last else self.last)

    def at(self, word: Word) -> Span:
        return self.span(word.start, word.end)

    def ident(self, word: Word) -> t.Ident:
        if len(word) > MAX_NAME:
            note = f"it has {len(word)} characters, and at most {MAX_NAME} are allowed"
            self.error("Q0009", "the name is too long", self.at(word), note=note)
        return t.Ident(span=self.at(word), name=str(word))

    def idents(self, words: list[Word]) -> tuple[t.Ident, ...]:
        return tuple(self.ident(word) for word in words)

    def error(self, code: str, message: str, span: Span, *helps: str, note: str = "") -> None:
        self.sink.add(Diagnostic(code, message, span, notes=(note,) if note else (), helps=helps))

    def deepen(self, node: Any, *parts: Any) -> Any:
        """The node; its depth is noted, and reported where it first passes the limit."""
        depth = 1 + max((self.depths.get(id(p), 0) for p in parts), default=0)
        self.depths[id(node)] = depth
        if depth == MAX_DEPTH + 1:
            self.too_deep = True
            note = f"at most {MAX_DEPTH} operations may follow from each other"
            self.error("Q0005", "the expression is too deep", node.span, "split it over several names", note=note)
        return node

    def refuse_activations(self) -> None:
        for name in self.activations:
            self.error(
                "Q0101", f"`{name.name}` is not expected here", name.span, "only layers of a network have activations"
            )

    # --- files and operators ---

    def import_stmt(self, span: Span, c: list[Any]) -> t.Import:
        return t.Import(span=span, path=self.text(c[0]))

    def text(self, word: Word) -> t.Text:
        span, raw = self.at(word), str(word)[1:-1]
        known = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[0]), raw)
        if wrong := next((m for m in re.finditer(r"\\(.)", raw) if m[1] not in _ESCAPES), None):
            at = Span(self.source, span.start + 1 + wrong.start(), span.start + 1 + wrong.end())
            self.error("Q0104", f"unknown escape `{wrong[0]}`", at, "write `\\\\` for a backslash, `/` in paths")
        return t.Text(span=span, value=known)

    def operator_decl(self, span: Span, c: list[Any]) -> t.OperatorDecl:
        parameters = c[1] if len(c) > 1 and isinstance(c[1], tuple) else ()
        listed: dict[str, list[t.Ident]] = {"dims": [], "weights": []}
        rules: list[t.Einsum] = []
        for statement in c[1:]:
            if isinstance(statement, t.Einsum):
                rules.append(statement)
            elif isinstance(statement, _Listed):
                listed[statement.kind].extend(statement.names)
        dims, weights = tuple(listed["dims"]), tuple(listed["weights"])
        name = self.ident(c[0])
        return t.OperatorDecl(
            span=span, name=name, parameters=parameters, dims=dims, weights=weights, rules=tuple(rules)
        )

    def parameters(self, _: Span, c: list[Any]) -> tuple[t.Parameter, ...]:
        return tuple(c)

    def parameter(self, span: Span, c: list[Any]) -> t.Parameter:
        return t.Parameter(span=span, name=self.ident(c[0]), default=c[1])

    def dims_stmt(self, _: Span, c: list[Any]) -> _Listed:
        return _Listed("dims", self.idents(c))

    def weights_stmt(self, _: Span, c: list[Any]) -> _Listed:
        return _Listed("weights", self.idents(c))

    def einsum(self, span: Span, c: list[Any]) -> t.Einsum:
        combine = str(c[3]) if len(c) > 3 else ""
        return t.Einsum(span=span, output=c[0], assign=str(c[1]), inputs=tuple(c[2::2]), combine=combine)

    def access(self, span: Span, c: list[Any]) -> t.TensorAccess:
        return t.TensorAccess(span=span, tensor=self.ident(c[0]), indices=tuple(c[1:]))

    # --- technologies and accelerators ---

    def technology_decl(self, span: Span, c: list[Any]) -> t.TechnologyDecl:
        sources = [s for s in c[1:] if isinstance(s, t.SourceStmt)]
        for again in sources[1:]:
            labels = (Label(sources[0].span, "first given here"),)
            self.sink.add(Diagnostic("Q0105", "`source` is given twice", again.span, "second one", labels))
        entries = tuple(s for s in c[1:] if isinstance(s, t.TechnologyEntry))
        return t.TechnologyDecl(
            span=span, name=self.ident(c[0]), source=sources[0] if sources else None, entries=entries
        )

    def technology_entry(self, span: Span, c: list[Any]) -> t.TechnologyEntry:
        return t.TechnologyEntry(span=span, kind=str(c[0]), name=self.ident(c[1]), statements=tuple(c[2:]))

    def engine_decl(self, span: Span, c: list[Any]) -> t.EngineDecl:
        return t.EngineDecl(span=span, name=self.ident(c[0]), items=tuple(c[1:]))

    def accelerator_decl(self, span: Span, c: list[Any]) -> t.AcceleratorDecl:
        return t.AcceleratorDecl(span=span, name=self.ident(c[0]), items=tuple(c[1:]))

    def param_decl(self, span: Span, c: list[Any]) -> t.ParamDecl:
        return t.ParamDecl(span=span, name=self.ident(c[0]), value=c[1], domain=c[2])

    def clock_stmt(self, span: Span, c: list[Any]) -> t.ClockStmt:
        return t.ClockStmt(span=span, value=c[0])

    def memory_decl(self, span: Span, c: list[Any]) -> t.MemoryDecl:
        return t.MemoryDecl(span=span, name=self.ident(c[1]), statements=tuple(c[2:]))

    def array_decl(self, span: Span, c: list[Any]) -> t.ArrayDecl:
        return t.ArrayDecl(span=span, name=self.ident(c[0]), statements=tuple(c[1:]))

    def compute_decl(self, span: Span, c: list[Any]) -> t.ComputeDecl:
        return t.ComputeDecl(span=span, name=self.ident(c[1]), statements=tuple(c[2:]))

    def source_stmt(self, span: Span, c: list[Any]) -> t.SourceStmt:
        return t.SourceStmt(span=span, text=self.text(c[0]))

    def word_stmt(self, span: Span, c: list[Any]) -> t.WordStmt:
        return t.WordStmt(span=span, value=c[1])

    def width_stmt(self, span: Span, c: list[Any]) -> t.WidthStmt:
        return t.WidthStmt(span=span, value=c[0])

    def size_stmt(self, span: Span, c: list[Any]) -> t.SizeStmt:
        return t.SizeStmt(span=span, value=c[0], tensors=c[1])

    def for_tensors(self, span: Span, c: list[Any]) -> tuple[t.Ident, ...]:
        tensors: tuple[t.Ident, ...] = c[0]
        return tensors

    def tensor_list(self, span: Span, c: list[Any]) -> tuple[t.Ident, ...]:
        return self.idents(c)

    def packing_stmt(self, span: Span, c: list[Any]) -> t.PackingStmt:
        return t.PackingStmt(span=span, kind=str(c[0]))

    def keep_stmt(self, span: Span, c: list[Any]) -> t.KeepStmt:
        return t.KeepStmt(span=span, tensors=self.idents(c))

    def may_keep_stmt(self, span: Span, c: list[Any]) -> t.MayKeepStmt:
        return t.MayKeepStmt(span=span, tensors=self.idents(c))

    def double_stmt(self, span: Span, c: list[Any]) -> t.DoubleBufferedStmt:
        return t.DoubleBufferedStmt(span=span, tensors=c[0])

    def leakage_stmt(self, span: Span, c: list[Any]) -> t.LeakageStmt:
        return t.LeakageStmt(span=span, value=c[0])

    def area_stmt(self, span: Span, c: list[Any]) -> t.AreaStmt:
        return t.AreaStmt(span=span, value=c[0])

    def throughput_stmt(self, span: Span, c: list[Any]) -> t.ThroughputStmt:
        return t.ThroughputStmt(span=span, value=c[0])

    def use_stmt(self, span: Span, c: list[Any]) -> t.UseStmt:
        return t.UseStmt(span=span, value=c[0])

    def table_stmt(self, span: Span, c: list[Any]) -> t.TableStmt:
        return t.TableStmt(span=span, name=self.ident(c[0]), path=self.text(c[1]))

    def let_stmt(self, span: Span, c: list[Any]) -> t.LetStmt:
        return t.LetStmt(span=span, name=self.ident(c[0]), value=c[1])

    def layer_cycles(self, span: Span, c: list[Any]) -> t.LayerCost:
        return t.LayerCost(span=span, kind="cycles", operators=self.idents(c[:-1]), value=c[-1])

    def layer_energy(self, span: Span, c: list[Any]) -> t.LayerCost:
        return t.LayerCost(span=span, kind="energy", operators=self.idents(c[:-1]), value=c[-1])

    def layer_figure(self, span: Span, c: list[Any]) -> t.LayerCost:
        return t.LayerCost(span=span, kind="figure", operators=self.idents(c[1:-1]), value=c[-1], name=self.ident(c[0]))

    def power_stmt(self, span: Span, c: list[Any]) -> t.PowerStmt:
        return t.PowerStmt(span=span, value=c[0])

    def energy_from(self, span: Span, c: list[Any]) -> t.EnergyStmt:
        return t.EnergyStmt(span=span, terms=(), origin=c[0])

    def energy_stmt(self, span: Span, c: list[Any]) -> t.EnergyStmt:
        return t.EnergyStmt(span=span, terms=tuple(c), origin=None)

    def energy_single(self, span: Span, c: list[Any]) -> t.EnergyStmt:
        return t.EnergyStmt(span=span, terms=(t.EnergyTerm(span=c[0].span, access="", value=c[0]),), origin=None)

    def energy_term(self, span: Span, c: list[Any]) -> t.EnergyTerm:
        return t.EnergyTerm(span=span, access=str(c[0]), value=c[1])

    def bandwidth_stmt(self, span: Span, c: list[Any]) -> t.BandwidthStmt:
        return t.BandwidthStmt(span=span, terms=tuple(c[:-1]), tensors=c[-1])

    def bandwidth_term(self, span: Span, c: list[Any]) -> t.BandwidthTerm:
        return t.BandwidthTerm(span=span, access=str(c[0]), value=c[1])

    def mesh_stmt(self, span: Span, c: list[Any]) -> t.MeshStmt:
        return t.MeshStmt(span=span, axis=str(c[0]), value=c[1])

    def sharing_stmt(self, span: Span, c: list[Any]) -> t.SharingStmt:
        return t.SharingStmt(span=span, kind=str(c[0]), tensors=self.idents(c[1:]))

    def array_flag(self, span: Span, c: list[Any]) -> t.FlagStmt:
        return t.FlagStmt(span=span, name=str(c[0]))

    accelerator_flag = array_flag

    # --- networks ---

    def network_decl(self, span: Span, c: list[Any]) -> t.NetworkDecl:
        return t.NetworkDecl(span=span, name=self.ident(c[0]), items=tuple(c[1:]))

    def batch_stmt(self, span: Span, c: list[Any]) -> t.BatchStmt:
        return t.BatchStmt(span=span, value=c[1])

    def input_stmt(self, span: Span, c: list[Any]) -> t.InputStmt:
        shape = tuple(c[2::2])
        for size in shape:
            if (
                isinstance(size, t.Number)
                and size.unit
                and size.unit[0] == "x"
                and size.unit[1:].replace("x", "").isdigit()
            ):
                sizes = f"{size.text}{size.unit}".replace("x", " x ")
                self.error("Q0101", "the sizes of an input are set apart by ` x `", size.span, f"write `{sizes}`")
        return t.InputStmt(span=span, name=self.ident(c[1]), shape=shape)

    def block_decl(self, span: Span, c: list[Any]) -> t.BlockDecl:
        has_parameters = len(c) > 2 and isinstance(c[2], tuple)
        parameters, statements = (c[2], c[3:]) if has_parameters else ((), c[2:])
        return t.BlockDecl(span=span, name=self.ident(c[1]), parameters=parameters, statements=tuple(statements))

    def yield_stmt(self, span: Span, c: list[Any]) -> t.YieldStmt:
        return t.YieldStmt(span=span, value=c[0])

    def binding(self, span: Span, c: list[Any]) -> t.Binding:
        return t.Binding(span=span, name=self.ident(c[0]), value=c[1])

    def repeat(self, span: Span, c: list[Any]) -> t.Binding:
        return t.Binding(span=span, name=self.ident(c[2]), value=c[3], count=c[1])

    def layer_stmt(self, span: Span, c: list[Any]) -> t.LayerStmt:
        return t.LayerStmt(span=span, name=self.ident(c[1]), call=c[2])

    def output_stmt(self, span: Span, c: list[Any]) -> t.OutputStmt:
        return t.OutputStmt(span=span, value=c[1])

    # --- mappings ---

    def mapping_decl(self, span: Span, c: list[Any]) -> t.MappingDecl:
        return t.MappingDecl(span=span, name=self.ident(c[0]), layer=c[1], accelerator=c[2], statements=tuple(c[3:]))

    def machine(self, span: Span, c: list[Any]) -> t.MachineRef:
        return t.MachineRef(span=span, name=self.ident(c[0]), arguments=tuple(a for a in c[1:] if a is not None))

    def bypass_stmt(self, span: Span, c: list[Any]) -> t.BypassStmt:
        return t.BypassStmt(span=span, level=self.ident(c[0]), tensors=self.idents(c[1:]))

    def bits_stmt(self, span: Span, c: list[Any]) -> t.BitsStmt:
        return t.BitsStmt(span=span, terms=tuple(c))

    def bits_term(self, span: Span, c: list[Any]) -> t.BitsTerm:
        return t.BitsTerm(span=span, tensor=self.ident(c[0]), value=c[1])

    def imperfect_stmt(self, span: Span, c: list[Any]) -> t.ImperfectStmt:
        return t.ImperfectStmt(span=span, kind=str(c[0]))

    def nest_stmt(self, span: Span, c: list[Any]) -> t.NestStmt:
        return t.NestStmt(span=span, place=c[0], kind=str(c[1]), loops=tuple(c[2:]))

    def loop(self, span: Span, c: list[Any]) -> t.LoopTerm:
        return t.LoopTerm(span=span, dim=self.ident(c[0]), factor=c[1])

    # --- constraints ---

    def constraints_decl(self, span: Span, c: list[Any]) -> t.ConstraintsDecl:
        return t.ConstraintsDecl(span=span, name=self.ident(c[0]), accelerator=self.ident(c[1]), body=tuple(c[2:]))

    def only_constraint(self, span: Span, c: list[Any]) -> t.OnlyConstraint:
        return t.OnlyConstraint(span=span, kind=str(c[0]), place=c[1], dims=self.idents(c[2:]))

    def order_constraint(self, span: Span, c: list[Any]) -> t.OrderConstraint:
        anchor = "" if c[-1] is None else str(c[-1])
        return t.OrderConstraint(span=span, level=c[0], dims=self.idents(c[1:-1]), anchor=anchor)

    def keep_constraint(self, span: Span, c: list[Any]) -> t.KeepConstraint:
        return t.KeepConstraint(span=span, kept=True, level=self.ident(c[0]), tensors=self.idents(c[1:]))

    def bypass_constraint(self, span: Span, c: list[Any]) -> t.KeepConstraint:
        return t.KeepConstraint(span=span, kept=False, level=self.ident(c[0]), tensors=self.idents(c[1:]))

    def same_constraint(self, span: Span, c: list[Any]) -> t.SameConstraint:
        return t.SameConstraint(span=span, **c[-1])

    def formula_constraint(self, span: Span, c: list[Any]) -> t.FormulaConstraint:
        return t.FormulaConstraint(span=span, formula=c[0])

    def if_constraint(self, span: Span, c: list[Any]) -> t.IfConstraint:
        node: t.IfConstraint = self.deepen(t.IfConstraint(span=span, condition=c[0], body=c[1]), *c)
        return node

    def every_constraint(self, span: Span, c: list[Any]) -> t.EveryConstraint:
        node: t.EveryConstraint = self.deepen(t.EveryConstraint(span=span, **c[0], body=tuple(c[1:])), *c[1:])
        return node

    def for_constraint(self, span: Span, c: list[Any]) -> t.ForConstraint:
        node: t.ForConstraint = self.deepen(
            t.ForConstraint(span=span, variable=self.ident(c[1]), values=c[2], body=tuple(c[3:])), *c[3:]
        )
        return node

    def each(self, _: Span, c: list[Any]) -> tuple[t.Name, ...] | t.ValueSet:
        return c[0] if isinstance(c[0], t.ValueSet) else tuple(c)

    def operator_names(self, _: Span, c: list[Any]) -> dict[str, tuple[t.Ident, ...]]:
        return {"operators": self.idents(c), "layers": ()}

    def layer_names(self, _: Span, c: list[Any]) -> dict[str, tuple[t.Ident, ...]]:
        return {"operators": (), "layers": tuple(c[1:])}

    def pattern(self, span: Span, c: list[Any]) -> t.Ident:
        return t.Ident(span=span, name=".".join(map(str, c)))

    # --- studies ---

    def study_decl(self, span: Span, c: list[Any]) -> t.StudyDecl:
        return t.StudyDecl(span=span, name=self.ident(c[0]), items=tuple(c[1:]))

    def map_stmt(self, span: Span, c: list[Any]) -> t.MapStmt:
        return t.MapStmt(span=span, networks=tuple(c[:-1:2]), accelerator=c[-1])

    def mapped_network(self, span: Span, c: list[Any]) -> t.MappedNetwork:
        return t.MappedNetwork(span=span, weight=c[0], name=self.ident(c[-1]))

    def limit_stmt(self, span: Span, c: list[Any]) -> t.LimitStmt:
        return t.LimitStmt(span=span, quantity=self.ident(c[0]), comparison=str(c[1]), value=c[2])

    def map_as_stmt(self, span: Span, c: list[Any]) -> t.MapAsStmt:
        return t.MapAsStmt(span=span, operator=self.ident(c[0]), call=c[1])

    def precision_block(self, span: Span, c: list[Any]) -> t.PrecisionBlock:
        return t.PrecisionBlock(span=span, statements=tuple(c))

    def width_rule(self, span: Span, c: list[Any]) -> t.WidthRule:
        given = tuple(x for x in c[3:] if x is not None)
        return t.WidthRule(span=span, role=str(c[0]), options=c[1], granularity=self.ident(c[2]), arguments=given)

    def layer_widths(self, span: Span, c: list[Any]) -> t.LayerWidths:
        return t.LayerWidths(span=span, layer=c[1], terms=tuple(c[2:]))

    def width_term(self, span: Span, c: list[Any]) -> t.WidthTerm:
        return t.WidthTerm(span=span, role=str(c[0]), value=c[1])

    def split_layer(self, span: Span, c: list[Any]) -> t.SplitLayer:
        return t.SplitLayer(span=span, layer=c[0], groups=tuple(c[1:]))

    def channel_group(self, span: Span, c: list[Any]) -> t.ChannelGroup:
        return t.ChannelGroup(span=span, channels=c[0], bits=c[1])

    def output_width(self, span: Span, c: list[Any]) -> t.OutputWidth:
        return t.OutputWidth(span=span, value=c[1])

    def partial_sums(self, span: Span, c: list[Any]) -> t.PartialSums:
        return t.PartialSums(span=span, value=c[1])

    def constrain_with(self, span: Span, c: list[Any]) -> t.ConstrainWith:
        return t.ConstrainWith(span=span, value=c[0])

    def constrain_block(self, span: Span, c: list[Any]) -> t.ConstrainBlock:
        return t.ConstrainBlock(span=span, body=tuple(c))

    def minimize_stmt(self, span: Span, c: list[Any]) -> t.MinimizeStmt:
        return t.MinimizeStmt(span=span, objectives=self.idents(c))

    def levels_stmt(self, span: Span, c: list[Any]) -> t.LevelsStmt:
        return t.LevelsStmt(span=span, levels=self.idents(c))

    def mapper_stmt(self, span: Span, c: list[Any]) -> t.MapperStmt:
        return t.MapperStmt(span=span, name=self.ident(c[0]), arguments=tuple(a for a in c[1:] if a is not None))

    def accuracy_stmt(self, span: Span, c: list[Any]) -> t.AccuracyStmt:
        method, *arguments, data, path, weights = c
        return t.AccuracyStmt(
            span=span,
            method=self.ident(method),
            arguments=tuple(a for a in arguments if a is not None),
            data=self.ident(data),
            path=path,
            weights=weights,
        )

    def data_files(self, span: Span, c: list[Any]) -> t.Text:
        return self.text(c[0])

    def weights_file(self, span: Span, c: list[Any]) -> t.Text:
        return self.text(c[1])

    def search_stmt(self, span: Span, c: list[Any]) -> t.SearchStmt:
        call = t.Call(span=c[0].span, function=c[0], arguments=()) if isinstance(c[0], t.Name) else c[0]
        return t.SearchStmt(span=span, call=call)

    def report_stmt(self, span: Span, c: list[Any]) -> t.ReportStmt:
        return t.ReportStmt(span=span, formats=self.idents(c))

    # --- expressions ---

    def number(self, span: Span, c: list[Any]) -> t.Number:
        text, unit = str(c[0]), c[1]
        digits, _, exponent = text.lower().partition("e")
        if len(digits) > MAX_DIGITS or len(exponent.strip("+-")) > 3 or abs(int(exponent or 0)) > MAX_EXPONENT:
            note = f"a number has at most {MAX_DIGITS} digits and an exponent from -{MAX_EXPONENT} to {MAX_EXPONENT}"
            self.error("Q0006", "the number is too long", self.at(c[0]), note=note)
            text = "1"  # allowed in most places, so that no second finding follows from this one
        unit_span = self.at(unit) if unit is not None else None
        return t.Number(span=span, text=text, unit=str(unit) if unit is not None else None, unit_span=unit_span)

    def name(self, span: Span, c: list[Any]) -> t.Name:
        return t.Name(span=span, parts=self.idents(c))

    def unary(self, span: Span, c: list[Any]) -> t.Unary:
        node: t.Unary = self.deepen(t.Unary(span=span, op=str(c[0]), operand=c[1]), c[1])
        return node

    def binary(self, span: Span, c: list[Any]) -> t.Binary:
        node: t.Binary = self.deepen(t.Binary(span=span, op=str(c[1]), left=c[0], right=c[2]), c[0], c[2])
        return node

    def conditional(self, span: Span, c: list[Any]) -> t.Conditional:
        node: t.Conditional = self.deepen(t.Conditional(span=span, condition=c[0], then=c[1], otherwise=c[2]), *c)
        return node

    def then(self, span: Span, c: list[Any]) -> t.Then:
        node: t.Then = self.deepen(t.Then(span=span, first=c[0], rest=c[1]), *c)
        return node

    def call(self, span: Span, c: list[Any]) -> t.Call:
        activation = self.ident(c[-1]) if c[-1] is not None else None
        if activation:
            self.activations.append(activation)
        arguments = tuple(a for a in c[1:-1] if a is not None)
        node: t.Call = self.deepen(
            t.Call(span=span, function=c[0], arguments=arguments, activation=activation), *arguments
        )
        return node

    def argument(self, span: Span, c: list[Any]) -> t.Argument:
        name = self.ident(c[0]) if c[0] is not None else None
        node = t.Argument(span=span, name=name, value=c[1])
        self.depths[id(node)] = self.depths.get(id(c[1]), 0)
        return node

    def membership(self, span: Span, c: list[Any]) -> t.Membership:
        node: t.Membership = self.deepen(t.Membership(span=span, operand=c[0], options=c[1]), c[0])
        return node

    def value_set(self, span: Span, c: list[Any]) -> t.ValueSet:
        return t.ValueSet(span=span, items=tuple(c))

    def range(self, span: Span, c: list[Any]) -> t.Range:
        return t.Range(span=span, low=c[0], high=c[1], step=c[2])


class _Listed:
    """`dims N, K` or `weights W`, until the operator collects them."""

    def __init__(self, kind: str, names: tuple[t.Ident, ...]) -> None:
        self.kind = kind
        self.names = names
