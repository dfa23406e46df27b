"""Arrays and compute units of an accelerator, and what memories share with them: energies, leakage, area."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from qdsl.diagnostics import Label, Span
from qdsl.model.accelerator import FanOut
from qdsl.model.check_technology import (
    Energies,
    Technology,
    access_energies,
    not_negative,
    operation_energy,
)
from qdsl.model.check_width_formula import Defined
from qdsl.model.expressions import Names, number
from qdsl.model.findings import distinct, fail, lookup, quoted
from qdsl.model.statements import Statements
from qdsl.model.units import (
    AREA,
    BITS,
    ENERGY_PER_BIT,
    ENERGY_PER_CYCLE,
    POWER,
    whole,
)
from qdsl.syntax.tree import (
    AreaStmt,
    ArrayDecl,
    EnergyStmt,
    EngineDecl,
    FlagStmt,
    LeakageStmt,
    MeshStmt,
    PowerStmt,
    SharingStmt,
    SourceStmt,
    WordStmt,
)


@dataclass(frozen=True)
class Technologies:
    """What an accelerator may take from elsewhere. None: reported as wrong."""

    entries: Mapping[str, Technology | None]
    engines: Mapping[str, EngineDecl | None]


WORD_LIMIT = 4096


@dataclass(frozen=True)
class Scope:
    """What the statements of all levels can use. word: default in bits; clock_hz: None if not stated; layers: whether the
    compute unit states the cost of whole layers."""

    names: Names
    technologies: Technologies
    word: int | None
    clock_hz: float | None
    layers: bool = False


def check_array(decl: ArrayDecl, scope: Scope) -> FanOut:
    """Raises SpecError."""
    meshes: dict[str, tuple[int, Span]] = {}
    sharing: dict[str, SharingStmt] = {}
    others = [s for s in decl.statements if not isinstance(s, MeshStmt | SharingStmt | FlagStmt)]
    found = Statements(others, f"array `{decl.name.name}`", decl.name, EnergyStmt, SourceStmt)
    flags: set[str] = set()
    for stmt in decl.statements:
        if not isinstance(stmt, MeshStmt | SharingStmt | FlagStmt):
            continue
        key = stmt.axis if isinstance(stmt, MeshStmt) else stmt.kind if isinstance(stmt, SharingStmt) else stmt.name
        if key in meshes or key in sharing or key in flags:
            fail("Q0503", f"array `{decl.name.name}` has two `{key}` statements", stmt.span, helps=["keep one of them"])
        if isinstance(stmt, MeshStmt):
            q = number(stmt.value, scope.names, f"`{key}`", f"{key} 12")
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
    hop = _hop(found.get(EnergyStmt), scope.names)
    source = found.get(SourceStmt)
    if source and not found.get(EnergyStmt):
        fail("Q0503", "`source` is of an energy, and the array states none", source.span, helps=["remove it"])
    said = source.text.value if source else None
    return FanOut(
        decl.name.name, x, y, multicast, reduce, forward, *switches, hop, said, decl.name.span, x_span, y_span
    )


def check_word(stmt: WordStmt, names: Names) -> int:
    """Bits of a word. Raises SpecError."""
    q = number(stmt.value, names, "`word`", "word 16 bit", BITS)
    return whole(q, stmt.value.span, "`word` in bits", 1, WORD_LIMIT)


def leakage_pj(stmt: LeakageStmt | PowerStmt | None, scope: Scope) -> float:
    """pJ per cycle."""
    if stmt is None:
        return 0.0
    what = "power" if isinstance(stmt, PowerStmt) else "leakage"
    q = number(stmt.value, scope.names, f"`{what}`", f"{what} 0.1 pJ/cycle", ENERGY_PER_CYCLE, POWER)
    not_negative(q, stmt.value, what)
    if q.dimension == ENERGY_PER_CYCLE:
        return float(q.value)
    if scope.clock_hz is None:
        helps = ["add `clock 200 MHz` to the accelerator, or give pJ/cycle"]
        text = "a power needs the clock" if what == "power" else "a leakage power needs the clock"
        fail("Q0502", text, stmt.value.span, label=f"this is {q.dimension}", helps=helps)
    return float(q.value / Fraction(scope.clock_hz))


def area_mm2(stmt: AreaStmt | None, names: Names) -> float | None:
    """mm2."""
    if stmt is None:
        return None
    return float(not_negative(number(stmt.value, names, "`area`", "area 0.1 mm2", AREA), stmt.value, "an area").value)


def _hop(stmt: EnergyStmt | None, names: Names) -> float:
    """pJ per bit."""
    if stmt is None:
        return 0.0
    example = "energy hop 0.05 pJ/bit"
    if len(stmt.terms) != 1 or stmt.terms[0].access != "hop":
        fail("Q0503", "an array states its energy per hop", stmt.span, helps=[f"for example `{example}`"])
    value = stmt.terms[0].value
    return float(not_negative(number(value, names, "the energy of a hop", example, ENERGY_PER_BIT), value).value)


def energies_of(
    stmt: EnergyStmt, kind: str, source: SourceStmt | None, scope: Scope, defined: Defined | None = None
) -> tuple[Energies, Span]:
    """The energies a statement gives or takes from a technology, and where they are named."""
    text = source.text.value if source else None
    if stmt.origin is None:
        if kind == "compute":
            return Energies(kind, {}, operation_energy(stmt, scope.names, defined), None, text), stmt.span
        return Energies(kind, access_energies(stmt, scope.names), None, None, text), stmt.span
    if len(stmt.origin.parts) != 2:
        helps = ["for example `energy from cmos45.glb`"]
        fail("Q0201", "an energy is taken from TECHNOLOGY.ENTRY", stmt.origin.span, helps=helps)
    technology = lookup("technology", stmt.origin.parts[0], scope.technologies.entries)
    entry = lookup("entry", stmt.origin.parts[1], technology.entries, of=technology)
    if entry.kind != kind:
        fail(
            "Q0503", f"`{stmt.origin.dotted}` is the energy of a {entry.kind}", stmt.origin.span, label=f"not a {kind}"
        )
    return Energies(kind, entry.accesses, entry.operation, entry.width_bits, text or entry.source), stmt.origin.span
