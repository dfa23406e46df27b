"""Memories of an accelerator: what they keep, how much, how fast, and at which widths."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NoReturn

from qdsl.diagnostics import Label, Span
from qdsl.model.accelerator import AccessEnergy, Partition, Port, StorageLevel
from qdsl.model.check_levels import Scope, area_mm2, check_word, energies_of, leakage_pj
from qdsl.model.check_technology import (
    WIDTH_LIMIT,
    Energies,
    width_bits,
)
from qdsl.model.check_width_formula import width_formula
from qdsl.model.expressions import Names, number
from qdsl.model.findings import Attempts, distinct, fail, quoted
from qdsl.model.statements import Statements
from qdsl.model.units import (
    BIT_RATE,
    BITS,
    COUNT,
    ENERGY_PER_BIT,
    ENERGY_PER_WORD,
    WORD_RATE,
    WORDS,
    Quantity,
    whole,
)
from qdsl.model.width_formula import WidthFormula
from qdsl.syntax.tree import (
    AreaStmt,
    BandwidthStmt,
    BitsStmt,
    DoubleBufferedStmt,
    EnergyStmt,
    Ident,
    KeepStmt,
    LeakageStmt,
    MayKeepStmt,
    MemoryDecl,
    PackingStmt,
    SizeStmt,
    SourceStmt,
    WidthStmt,
    WordStmt,
)

_ENERGY = "energy read 1.5 pJ, write 1.5 pJ"


def check_memory(decl: MemoryDecl, outermost: bool, scope: Scope) -> StorageLevel:
    """Raises SpecError."""
    found = Statements(
        decl.statements, f"memory `{decl.name.name}`", decl.name,
        WordStmt, WidthStmt, PackingStmt, KeepStmt, MayKeepStmt, BitsStmt, EnergyStmt, DoubleBufferedStmt, LeakageStmt,
        AreaStmt, SourceStmt, several=(SizeStmt, BandwidthStmt),
    )  # fmt: skip
    word_stmt, width, packing = found.get(WordStmt), found.get(WidthStmt), found.get(PackingStmt)
    names, attempt = scope.names, Attempts()
    word = attempt(lambda: check_word(word_stmt, names) if word_stmt else scope.word or _no_word(found), 1)
    nothing = Energies("memory", {}, None, None, None)
    table, table_span = attempt(
        lambda: energies_of(found.need(EnergyStmt, _ENERGY), "memory", found.get(SourceStmt), scope),
        (nothing, decl.span),
    )
    keep, optional = attempt(lambda: _kept(found), (None, frozenset()))
    attempt(lambda: _refuse_limits(decl, found, scope.layers) if outermost else None, None)
    shared, partitions = attempt(lambda: _sizes(decl, found, word, outermost, names), (None, ()))
    ports = attempt(lambda: _ports(found, word, names), [])
    stored = attempt(lambda: _stored(found.get(BitsStmt), keep, optional, names), ())
    twice = attempt(lambda: _double_buffered(found.get(DoubleBufferedStmt), keep, optional), frozenset())
    leakage = attempt(lambda: leakage_pj(found.get(LeakageStmt), scope), 0.0)
    area = attempt(lambda: area_mm2(found.get(AreaStmt), names), None)
    attempt.done()
    common = next((p for p in ports if p.tensors is None), Port(None, None))
    block = _block(width, table, table_span, word, names)
    return StorageLevel(
        decl.name.name,
        word,
        block,
        shared.size_words if shared else None,
        keep,
        _access_energy(table, word, block),
        common.read,
        common.write,
        partitions,
        tuple(p for p in ports if p.tensors is not None),
        packing is not None and packing.kind == "dense",
        optional,
        stored,
        twice,
        leakage,
        area,
        decl.name.span,
        shared.span if shared else None,
    )


def _no_word(found: Statements) -> NoReturn:
    found.missing(WordStmt, "word 16 bit")


def _block(width: WidthStmt | None, table: Energies, table_span: Span, word: int, names: Names) -> int:
    """Words of one access."""
    if width:
        return _block_words(width_bits(width.value, names), word, width.value.span)
    return 1 if table.width_bits is None else _block_words(table.width_bits, word, table_span)


def _kept(found: Statements) -> tuple[frozenset[str] | None, frozenset[str]]:
    """Tensors always kept (None: all) and those that a mapping may keep."""
    keep, may = found.get(KeepStmt), found.get(MayKeepStmt)
    distinct("tensor", (*(keep.tensors if keep else ()), *(may.tensors if may else ())))
    optional = frozenset(t.name for t in may.tensors) if may else frozenset()
    if keep is None:
        return (frozenset() if may else None), optional
    return frozenset(t.name for t in keep.tensors), optional


def _refuse_limits(decl: MemoryDecl, found: Statements, holds_layers: bool) -> None:
    """holds_layers: whether it is the one memory beside a compute unit that states the cost of layers."""
    sizes = [] if holds_layers else found.all(SizeStmt)
    for stmt, why in (
        (sizes[0] if sizes else None, "is unlimited"),
        (found.get(KeepStmt), "keeps every tensor"),
        (found.get(MayKeepStmt), "keeps every tensor"),
        (found.get(DoubleBufferedStmt), "is unlimited"),
    ):
        if stmt is not None:
            text = f"the backing store `{decl.name.name}` {why}"
            fail("Q0503", text, stmt.span, helps=["remove the statement, or put a memory outside this one"])


def _disjoint(
    stmts: list[SizeStmt] | list[BandwidthStmt],
    keyword: str,
    what: str,
    keep: frozenset[str] | None,
    optional: frozenset[str],
) -> Iterable[SizeStmt | BandwidthStmt]:
    """The statements, if at most one is for all tensors and no tensor is named twice. Raises SpecError."""
    common = [s for s in stmts if s.tensors is None]
    if len(common) > 1:
        text = f"{what} has two `{keyword}` statements"
        helps = [f"keep one of them, or say whose it is: `{keyword} … for I`"]
        labels = [Label(common[0].span, "first one")]
        fail("Q0503", text, common[1].span, label="second one", labels=labels, helps=helps)
    named = [t for s in stmts for t in s.tensors or ()]
    distinct("tensor", named)
    _check_kept(named, keep, optional)
    return stmts


def _check_kept(tensors: Iterable[Ident], keep: frozenset[str] | None, optional: frozenset[str]) -> None:
    for t in tensors:
        if keep is not None and t.name not in keep | optional:
            helps = [f"it keeps {quoted(sorted(keep | optional))}"]
            fail("Q0503", f"`{t.name}` is not kept here", t.span, label="not kept", helps=helps)


def _partitions(
    found: Statements, word: int, keep: frozenset[str] | None, names: Names
) -> tuple[Partition | None, tuple[Partition, ...]]:
    """What is shared, and what only some tensors use."""
    parts = []
    optional = _kept(found)[1]
    for s in _disjoint(found.all(SizeStmt), "size", found.what, keep, optional):
        assert isinstance(s, SizeStmt)
        tensors = frozenset(t.name for t in s.tensors) if s.tensors else None
        parts.append(Partition(_size_words(s, word, names), tensors, s.span))
    return next((p for p in parts if p.tensors is None), None), tuple(p for p in parts if p.tensors is not None)


def _sizes(
    decl: MemoryDecl, found: Statements, word: int, outermost: bool, names: Names
) -> tuple[Partition | None, tuple[Partition, ...]]:
    """What is shared, and what only some tensors use; together enough for all that is kept."""
    keep, optional = _kept(found)
    shared, partitions = _partitions(found, word, keep, names)
    if not outermost and shared is None and (keep is None or _unplaced(keep | optional, partitions)):
        if partitions:
            left = quoted(sorted(_unplaced(keep | optional, partitions))) if keep is not None else "other tensors"
            text = f"{found.what} does not say how much {left} may use"
            helps = ["a `size` without `for` is for all that have none of their own"]
            fail("Q0502", text, decl.name.span, label="needs another `size`", helps=helps)
        found.missing(SizeStmt, "size 224 word")
    return shared, partitions


def _ports(found: Statements, word: int, names: Names) -> list[Port]:
    keep, optional = _kept(found)
    stmts = _disjoint(found.all(BandwidthStmt), "bandwidth", found.what, keep, optional)
    return [_port(s, word, names) for s in stmts]


def _unplaced(kept: frozenset[str], partitions: tuple[Partition, ...]) -> frozenset[str]:
    return kept - frozenset().union(*(p.tensors or frozenset() for p in partitions))


def _stored(
    stmt: BitsStmt | None, keep: frozenset[str] | None, optional: frozenset[str], names: Names
) -> tuple[tuple[str, WidthFormula], ...]:
    terms = stmt.terms if stmt else ()
    distinct("tensor", (t.tensor for t in terms))
    _check_kept((t.tensor for t in terms if t.tensor.name != "output"), keep, optional)
    example = "bits O = bits(I) + bits(W) + log2(reduction)"
    return tuple(
        (t.tensor.name, width_formula(t.value, names, f"the width of `{t.tensor.name}`", example, COUNT, BITS))
        for t in terms
    )


def _double_buffered(
    stmt: DoubleBufferedStmt | None, keep: frozenset[str] | None, optional: frozenset[str]
) -> frozenset[str] | None:
    if stmt is None or stmt.tensors is None:
        return frozenset() if stmt is None else None
    distinct("tensor", stmt.tensors)
    _check_kept(stmt.tensors, keep, optional)
    return frozenset(t.name for t in stmt.tensors)


def _access_energy(table: Energies, word: int, block: int) -> AccessEnergy:
    def pj(access: str) -> float:
        q = table.accesses[access]
        factor = {ENERGY_PER_BIT: word * block, ENERGY_PER_WORD: block}.get(q.dimension, 1)
        return float(q.value * factor)

    return AccessEnergy(pj("read"), pj("write"), pj("update"), table.source)


def _block_words(width: int, word: int, span: Span) -> int:
    if width % word:
        note = f"{width} bits per access, {word} bits per word"
        fail("Q0506", "`width` must be a whole number of words", span, notes=[note], helps=[f"for example {word} bit"])
    return whole(Quantity(Fraction(width // word), WORDS), span, "`width` in words", 1, WIDTH_LIMIT)


def _size_words(stmt: SizeStmt, word: int, names: Names) -> int:
    q = number(stmt.value, names, "`size`", "size 224 word", WORDS, BITS)
    words = q.value if q.dimension == WORDS else q.value / word
    if words.denominator != 1 and words > 1:
        helps = [f"`size {words.__floor__()} word` is what fits"]
        note = f"{q} in words of {word} bits are {float(words):.2f} words"
        fail("Q0506", "`size` must be a whole number of words", stmt.value.span, notes=[note], helps=helps)
    return whole(Quantity(words, WORDS), stmt.value.span, "`size`")


def _port(stmt: SizeStmt | BandwidthStmt, word: int, names: Names) -> Port:
    """Words per cycle by access."""
    assert isinstance(stmt, BandwidthStmt)
    found: dict[str, float] = {}
    for term in stmt.terms:
        if term.access in found:
            fail("Q0503", f"the bandwidth of `{term.access}` is given twice", term.span, helps=["keep one of them"])
        q = number(term.value, names, "`bandwidth`", "bandwidth read 16 word/cycle", WORD_RATE, BIT_RATE)
        if q.value <= 0:
            fail("Q0305", "a bandwidth must be positive", term.value.span, label=f"this is {q}")
        found[term.access] = float(q.value if q.dimension == WORD_RATE else q.value / word)
    tensors = frozenset(t.name for t in stmt.tensors) if stmt.tensors else None
    return Port(found.get("read"), found.get("write"), tensors)
