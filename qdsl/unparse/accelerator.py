"""Accelerators as declarations."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from qdsl.model.accelerator import Accelerator, ComputeUnit, FanOut, Partition, Port, StorageLevel
from qdsl.model.width_formula import WidthFormula
from qdsl.syntax import tree as t
from qdsl.unparse.formulas import formula, quantity
from qdsl.unparse.nodes import NOWHERE, ident, idents, number, text


def accelerator_decl(a: Accelerator) -> t.AcceleratorDecl:
    """Parameters keep their values, and nothing depends on them any more."""
    words = {level.word_bits for level in a.levels}
    return t.AcceleratorDecl(span=NOWHERE, name=ident(a.name), items=tuple(_items(a, words)))


def _items(a: Accelerator, words: set[int]) -> Iterator[t.AcceleratorItem]:
    for parameter, value in a.parameters:
        yield t.ParamDecl(span=NOWHERE, name=ident(parameter), value=number(value), domain=None)
    if len(words) == 1:
        yield _word(*words)
    if a.clock_hz is not None:
        yield t.ClockStmt(span=NOWHERE, value=_frequency(a.clock_hz))
    if a.first_output_fills:
        yield t.FlagStmt(span=NOWHERE, name="first_output_fills")
    for part in a.hierarchy:
        if isinstance(part, FanOut):
            yield t.ArrayDecl(span=NOWHERE, name=ident(part.name), statements=tuple(_array(part)))
        else:
            own = [_word(part.word_bits)] if len(words) > 1 else []
            yield t.MemoryDecl(span=NOWHERE, name=ident(part.name), statements=(*own, *_memory(part)))
    yield t.ComputeDecl(span=NOWHERE, name=ident(a.compute.name), statements=tuple(_compute(a.compute)))


def _frequency(hz: float) -> t.Expr:
    """In MHz, where that is the same number."""
    mhz = hz / 1e6
    return number(mhz, "MHz") if float(Fraction(repr(mhz)) * 10**6) == hz else number(hz, "Hz")


def _word(bits: int) -> t.WordStmt:
    return t.WordStmt(span=NOWHERE, value=number(bits, "bit"))


def _memory(level: StorageLevel) -> Iterator[t.MemoryStmt]:
    if level.dense:
        yield t.PackingStmt(span=NOWHERE, kind="dense")
    yield from map(_size, level.all_partitions)
    if level.block_words != 1:
        yield t.WidthStmt(span=NOWHERE, value=number(level.block_words * level.word_bits, "bit"))
    # a memory with `may keep` alone keeps nothing else
    if level.keep is not None and (level.keep or not level.optional):
        yield t.KeepStmt(span=NOWHERE, tensors=_sorted(level.keep))
    if level.optional:
        yield t.MayKeepStmt(span=NOWHERE, tensors=_sorted(level.optional))
    if level.stored:
        terms = (t.BitsTerm(span=NOWHERE, tensor=ident(x), value=formula(f.formula)) for x, f in level.stored)
        yield t.BitsStmt(span=NOWHERE, terms=tuple(terms))
    if level.double_buffered is None or level.double_buffered:
        named = None if level.double_buffered is None else _sorted(level.double_buffered)
        yield t.DoubleBufferedStmt(span=NOWHERE, tensors=named)
    e = level.energy
    accesses = {
        "read": e.read_pj,
        "write": e.write_pj,
        **({"update": e.update_pj} if e.update_pj != e.write_pj else {}),
    }
    yield _energy(**{access: number(pj, "pJ") for access, pj in accesses.items()})
    yield from map(_port, level.all_ports)
    yield from _leakage_and_area(level)
    yield from _source(e.source)


def _size(part: Partition) -> t.SizeStmt:
    tensors = _sorted(part.tensors) if part.tensors is not None else None
    return t.SizeStmt(span=NOWHERE, value=number(part.size_words, "word"), tensors=tensors)


def _port(port: Port) -> t.BandwidthStmt:
    rates = {access: rate for access, rate in (("read", port.read), ("write", port.write)) if rate is not None}
    terms = tuple(
        t.BandwidthTerm(span=NOWHERE, access=access, value=number(rate, "word/cycle")) for access, rate in rates.items()
    )
    tensors = _sorted(port.tensors) if port.tensors is not None else None
    return t.BandwidthStmt(span=NOWHERE, terms=terms, tensors=tensors)


def _array(array: FanOut) -> Iterator[t.ArrayStmt]:
    for axis, extent in (("x", array.x), *([("y", array.y)] if array.y != 1 else [])):
        yield t.MeshStmt(span=NOWHERE, axis=axis, value=number(extent))
    sharing = (("multicast", array.multicast), ("reduce", array.reduce), ("forward", array.forward or None))
    for kind, tensors in sharing:
        if tensors is not None:
            yield t.SharingStmt(span=NOWHERE, kind=kind, tensors=_sorted(tensors))
    for flag in ("pooled", "separate_diagonals"):
        if getattr(array, flag):
            yield t.FlagStmt(span=NOWHERE, name=flag)
    if array.hop_pj_per_bit or array.source:
        yield _energy(hop=number(array.hop_pj_per_bit, "pJ/bit"))
    yield from _source(array.source)


def _compute(unit: ComputeUnit) -> Iterator[t.ComputeStmt]:
    if unit.layers:
        yield from _layer_costs(unit)
        return
    value = quantity(unit.energy, "pJ") if isinstance(unit.energy, WidthFormula) else number(unit.energy, "pJ")
    yield _energy(**{"": value})
    if unit.throughput is not None:
        yield t.ThroughputStmt(span=NOWHERE, value=formula(unit.throughput.formula))
    yield from _leakage_and_area(unit)
    yield from _source(unit.source)


def _layer_costs(unit: ComputeUnit) -> Iterator[t.ComputeStmt]:
    for cost in unit.layers:
        yield _layer_cost("cycles", cost.operator, formula(cost.cycles.formula))
        if cost.energy is not None:
            yield _layer_cost("energy", cost.operator, quantity(cost.energy, "pJ"))
    for figure in unit.figures:
        yield _layer_cost("figure", figure.operator, formula(figure.value.formula), figure.name)
    if unit.power_pj or any(cost.energy is None for cost in unit.layers):
        yield t.PowerStmt(span=NOWHERE, value=number(unit.power_pj, "pJ/cycle"))
    yield from _leakage_and_area(unit)
    yield from _source(unit.source)


def _layer_cost(kind: str, operator: str, value: t.Expr, name: str = "") -> t.LayerCost:
    named = ident(name) if name else None
    return t.LayerCost(span=NOWHERE, kind=kind, operators=idents([operator]), value=value, name=named)


def _energy(**terms: t.Expr) -> t.EnergyStmt:
    made = (t.EnergyTerm(span=NOWHERE, access=access, value=value) for access, value in terms.items())
    return t.EnergyStmt(span=NOWHERE, terms=tuple(made), origin=None)


def _leakage_and_area(part: StorageLevel | ComputeUnit) -> Iterator[t.LeakageStmt | t.AreaStmt]:
    if part.leakage_pj:
        yield t.LeakageStmt(span=NOWHERE, value=number(part.leakage_pj, "pJ/cycle"))
    if part.area_mm2 is not None:
        yield t.AreaStmt(span=NOWHERE, value=number(part.area_mm2, "mm2"))


def _source(source: str | None) -> Iterator[t.SourceStmt]:
    if source is not None:
        yield t.SourceStmt(span=NOWHERE, text=text(source))


def _sorted(tensors: frozenset[str]) -> tuple[t.Ident, ...]:
    return idents(sorted(tensors))
