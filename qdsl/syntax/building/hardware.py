"""Making the nodes of technologies, engines and accelerators."""

from __future__ import annotations

from typing import Any

from qdsl.diagnostics import Diagnostic, Label, Span
from qdsl.syntax import tree as t
from qdsl.syntax.building.base import Base


class Hardware(Base):
    """Technologies, engines and accelerators."""

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
