"""Accelerators: parameters bound, units converted, and the hierarchy checked from the backing store to the compute units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from qdsl.diagnostics import Label, Sink, Span
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.check_technology import WIDTH_LIMIT, Energies, Technology, energies, width_bits
from qdsl.model.expressions import Names, Value, as_quantity, contains, evaluate, names_in, number, split_arguments
from qdsl.model.findings import collecting, distinct, fail, hand_on, lookup, quoted, unknown, warn
from qdsl.model.statements import Statements
from qdsl.model.units import (
    BIT_RATE,
    BITS,
    ENERGY_PER_BIT,
    ENERGY_PER_WORD,
    FREQUENCY,
    WORD_RATE,
    WORDS,
    Quantity,
    whole,
)
from qdsl.syntax.tree import (
    AcceleratorDecl,
    Argument,
    ArrayDecl,
    BandwidthStmt,
    ClockStmt,
    ComputeDecl,
    EnergyStmt,
    FlagStmt,
    KeepStmt,
    MemoryDecl,
    MeshStmt,
    ParamDecl,
    SharingStmt,
    SizeStmt,
    SourceStmt,
    WidthStmt,
    WordStmt,
)

Technologies = Mapping[str, Technology | None]

WORD_LIMIT = 4096
_ENERGY = "energy read 1.5 pJ, write 1.5 pJ"


def bind_accelerator(
    decl: AcceleratorDecl, technologies: Technologies, sink: Sink, arguments: Sequence[Argument] = ()
) -> Accelerator | None:
    """The accelerator with its parameters at their defaults or at the arguments; None if errors were found."""
    found = Sink()
    names: dict[str, Value] = {}
    word = clock = None
    with collecting(found):
        names = _parameters(decl, arguments)
        word, clock = _settings(decl, names)
    if found.errors:
        hand_on(found, sink)
        return None
    _warn_unused(decl, found)
    hierarchy: list[StorageLevel | FanOut] = []
    compute: ComputeUnit | None = None
    outermost = True
    for item in decl.items:
        with collecting(found):
            if isinstance(item, MemoryDecl):
                first, outermost = outermost, False
                hierarchy.append(_memory(item, first, word, technologies, names))
            elif isinstance(item, ArrayDecl):
                hierarchy.append(_array(item, names))
            elif isinstance(item, ComputeDecl):
                compute = _compute(item, technologies, names)
    with collecting(found):
        _check_structure(decl)
    # a level skipped because its technology has errors leaves no finding here, but no machine either
    levels = sum(isinstance(i, MemoryDecl | ArrayDecl) for i in decl.items)
    if not hand_on(found, sink) or compute is None or len(hierarchy) < levels:
        return None
    values = tuple((n, float(v.value)) for n, v in names.items() if isinstance(v, Quantity))
    flags = [i for i in decl.items if isinstance(i, FlagStmt)]
    return Accelerator(decl.name.name, tuple(hierarchy), compute, clock, bool(flags), values, decl.name.span)


def _parameters(decl: AcceleratorDecl, arguments: Sequence[Argument]) -> dict[str, Value]:
    params = [i for i in decl.items if isinstance(i, ParamDecl)]
    distinct("parameter", (p.name for p in params))
    positional, given = split_arguments(arguments)
    if positional:
        fail("Q0204", "arguments of an accelerator are named", positional[0].span, helps=["for example `rows = 14`"])
    for name, _ in given.values():
        if name.name not in {p.name.name for p in params}:
            unknown("parameter", name, [p.name.name for p in params], of=decl.name.name)
    names: dict[str, Value] = {}
    for p in params:
        default = as_quantity(evaluate(p.value, names), p.value.span)
        if p.domain is not None and not contains(p.domain, default):
            labels = [Label(p.domain.span, "the values it may have")]
            fail("Q0504", f"the default of `{p.name.name}` is not one of its values", p.value.span, labels=labels)
        names[p.name.name] = default
        if p.name.name in given:
            _, expr = given[p.name.name]
            example = f"{p.name.name} = {default}"
            q = number(expr, {}, f"the parameter `{p.name.name}`", example, default.dimension)
            if p.domain is not None and not contains(p.domain, q):
                labels = [Label(p.domain.span, "the values it may have")]
                text = f"`{p.name.name}` of `{decl.name.name}` cannot be {q}"
                fail("Q0504", text, expr.span, label="not one of its values", labels=labels)
            names[p.name.name] = q
    return names


def _warn_unused(decl: AcceleratorDecl, sink: Sink) -> None:
    for p in decl.items:
        if isinstance(p, ParamDecl) and p.name.name not in {n for i in decl.items if i is not p for n in names_in(i)}:
            warn(sink, "Q0404", f"parameter `{p.name.name}` is not used", p.name.span, helps=["remove it"])


def _settings(decl: AcceleratorDecl, names: Names) -> tuple[int | None, float | None]:
    """Default word in bits, and clock in Hz."""
    items = [i for i in decl.items if isinstance(i, WordStmt | ClockStmt | FlagStmt)]
    found = Statements(items, f"accelerator `{decl.name.name}`", decl.name, WordStmt, ClockStmt, FlagStmt)
    word, clock = found.get(WordStmt), found.get(ClockStmt)
    bits = _word(word, names) if word else None
    if clock is None:
        return bits, None
    q = number(clock.value, names, "`clock`", "clock 200 MHz", FREQUENCY)
    if q.value <= 0:
        fail("Q0305", "`clock` must be positive", clock.value.span, label=f"this is {q}")
    return bits, float(q.value)


def _check_structure(decl: AcceleratorDecl) -> None:
    """Raises SpecError unless a memory comes first, exactly one compute unit last, and no name is used twice."""
    items = [i for i in decl.items if isinstance(i, MemoryDecl | ArrayDecl | ComputeDecl)]
    distinct("level", (i.name for i in items))
    if not items or not isinstance(items[0], MemoryDecl):
        at = items[0].name if items else decl.name
        helps = ["begin with the backing store, for example `memory dram { energy read 512 pJ, write 512 pJ }`"]
        fail("Q0501", f"accelerator `{decl.name.name}` must begin with a memory", at.span, helps=helps)
    computes = [i for i in items if isinstance(i, ComputeDecl)]
    if not computes:
        helps = ["end with, for example, `compute mac { energy 2.2 pJ }`"]
        fail("Q0501", f"accelerator `{decl.name.name}` has no compute unit", decl.name.span, helps=helps)
    if len(computes) > 1:
        labels = [Label(computes[0].name.span, "first one")]
        fail("Q0501", "an accelerator has one compute unit", computes[1].name.span, label="second one", labels=labels)
    if items[-1] is not computes[0]:
        after = items[items.index(computes[0]) + 1]
        text = f"`{after.name.name}` stands after the compute unit"
        labels = [Label(computes[0].name.span, "the compute unit")]
        fail("Q0501", text, after.name.span, labels=labels, helps=["levels go from the outermost to the compute unit"])


def _memory(
    decl: MemoryDecl, outermost: bool, default_word: int | None, technologies: Technologies, names: Names
) -> StorageLevel:
    what = f"memory `{decl.name.name}`"
    allowed = (SizeStmt, WordStmt, WidthStmt, KeepStmt, EnergyStmt, BandwidthStmt, SourceStmt)
    found = Statements(decl.statements, what, decl.name, *allowed)
    word_stmt, width, keep, size = (found.get(WordStmt), found.get(WidthStmt), found.get(KeepStmt), found.get(SizeStmt))
    word = _word(word_stmt, names) if word_stmt else default_word
    if word is None:
        found.missing(WordStmt, "word 16 bit")
    energy = found.need(EnergyStmt, _ENERGY)
    table, table_span = _energies(energy, "memory", found.get(SourceStmt), technologies, names)
    block = 1
    if width or table.width_bits is not None:
        at = width.value.span if width else table_span
        block = _block_words(width_bits(width.value, names) if width else table.width_bits or word, word, at)
    if outermost:
        for stmt, why in ((size, "is unlimited"), (keep, "keeps every tensor")):
            if stmt is not None:
                text = f"the backing store `{decl.name.name}` {why}"
                fail("Q0503", text, stmt.span, helps=["remove the statement, or put a memory outside this one"])
    elif size is None:
        found.missing(SizeStmt, "size 224 word")
    if keep is not None:
        distinct("tensor", keep.tensors)
    bandwidth = _bandwidth(found.get(BandwidthStmt), word, names)
    return StorageLevel(
        decl.name.name,
        word,
        block,
        _size_words(size, word, names) if size else None,
        frozenset(t.name for t in keep.tensors) if keep else None,
        _access_energy(table, word, block),
        bandwidth.get("read"),
        bandwidth.get("write"),
        decl.name.span,
        size.span if size else None,
    )


def _array(decl: ArrayDecl, names: Names) -> FanOut:
    meshes: dict[str, tuple[int, Span]] = {}
    sharing: dict[str, SharingStmt] = {}
    flags: set[str] = set()
    for stmt in decl.statements:
        key = stmt.axis if isinstance(stmt, MeshStmt) else stmt.kind if isinstance(stmt, SharingStmt) else stmt.name
        if key in meshes or key in sharing or key in flags:
            fail("Q0503", f"array `{decl.name.name}` has two `{key}` statements", stmt.span, helps=["keep one of them"])
        if isinstance(stmt, MeshStmt):
            q = number(stmt.value, names, f"`{key}`", f"{key} 12")
            meshes[key] = (whole(q, stmt.value.span, f"`{key}` of `{decl.name.name}`", 1, 2**20), stmt.span)
        elif isinstance(stmt, SharingStmt):
            distinct("tensor", stmt.tensors)
            sharing[key] = stmt
        else:
            flags.add(key)
    if "x" not in meshes:
        helps = ["for example `array pe { x 14; y 12 }`"]
        fail("Q0502", f"array `{decl.name.name}` has no `x`", decl.name.span, label="needs its size", helps=helps)
    (x, x_span), (y, y_span) = meshes["x"], meshes.get("y", (1, None))
    multicast, reduce = (
        frozenset(t.name for t in sharing[k].tensors) if k in sharing else None for k in ("multicast", "reduce")
    )
    forward = frozenset(t.name for t in sharing["forward"].tensors) if "forward" in sharing else frozenset()
    unshared = forward - multicast if multicast is not None else frozenset()
    if unshared:
        text = f"array `{decl.name.name}` forwards {quoted(sorted(unshared))} without sharing it"
        labels = [Label(sharing["multicast"].span, "tensors that instances share")]
        fail("Q0503", text, sharing["forward"].span, labels=labels, helps=["name it in `multicast` too"])
    if forward and "separate_diagonals" in flags:
        text = f"array `{decl.name.name}` cannot forward tiles and keep diagonals separate"
        labels = [Label(sharing["forward"].span, "neighbours on a diagonal pass tiles on")]
        fail("Q0503", text, decl.name.span, labels=labels, helps=["remove one of the two"])
    switches = ("pooled" in flags, "separate_diagonals" in flags)
    return FanOut(decl.name.name, x, y, multicast, reduce, forward, *switches, decl.name.span, x_span, y_span)


def _compute(decl: ComputeDecl, technologies: Technologies, names: Names) -> ComputeUnit:
    found = Statements(decl.statements, f"compute unit `{decl.name.name}`", decl.name, EnergyStmt, SourceStmt)
    energy = found.need(EnergyStmt, "energy 2.2 pJ")
    table, _ = _energies(energy, "compute", found.get(SourceStmt), technologies, names)
    return ComputeUnit(decl.name.name, float(table.accesses[""].value), table.source, decl.name.span)


def _energies(
    stmt: EnergyStmt, kind: str, source: SourceStmt | None, technologies: Technologies, names: Names
) -> tuple[Energies, Span]:
    """The energies a statement gives or takes from a technology, and where they are named."""
    text = source.text.value if source else None
    if stmt.origin is None:
        return Energies(kind, energies(stmt, kind, names), None, text), stmt.span
    if len(stmt.origin.parts) != 2:
        helps = ["for example `energy from cmos45.glb`"]
        fail("Q0201", "an energy is taken from TECHNOLOGY.ENTRY", stmt.origin.span, helps=helps)
    technology = lookup("technology", stmt.origin.parts[0], technologies)
    entry = lookup("entry", stmt.origin.parts[1], technology.entries, of=technology.name)
    if entry.kind != kind:
        fail(
            "Q0503", f"`{stmt.origin.dotted}` is the energy of a {entry.kind}", stmt.origin.span, label=f"not a {kind}"
        )
    return Energies(kind, entry.accesses, entry.width_bits, text or entry.source), stmt.origin.span


def _access_energy(table: Energies, word: int, block: int) -> AccessEnergy:
    def pj(access: str) -> float:
        q = table.accesses[access]
        factor = {ENERGY_PER_BIT: word * block, ENERGY_PER_WORD: block}.get(q.dimension, 1)
        return float(q.value * factor)

    return AccessEnergy(pj("read"), pj("write"), pj("update"), table.source)


def _word(stmt: WordStmt, names: Names) -> int:
    q = number(stmt.value, names, "`word`", "word 16 bit", BITS)
    return whole(q, stmt.value.span, "`word` in bits", 1, WORD_LIMIT)


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


def _bandwidth(stmt: BandwidthStmt | None, word: int, names: Names) -> dict[str, float]:
    """Words per cycle by access."""
    found: dict[str, float] = {}
    for term in stmt.terms if stmt else ():
        if term.access in found:
            fail("Q0503", f"the bandwidth of `{term.access}` is given twice", term.span, helps=["keep one of them"])
        q = number(term.value, names, "`bandwidth`", "bandwidth read 16 word/cycle", WORD_RATE, BIT_RATE)
        if q.value <= 0:
            fail("Q0305", "a bandwidth must be positive", term.value.span, label=f"this is {q}")
        found[term.access] = float(q.value if q.dimension == WORD_RATE else q.value / word)
    return found
