"""Technologies: named energies with their sources, and the energy statements that accelerators share with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from qdsl.diagnostics import Label, Sink, Span
from qdsl.model.check_width_formula import Defined, width_formula
from qdsl.model.expressions import Names, number
from qdsl.model.findings import collecting, distinct, fail
from qdsl.model.statements import Statements
from qdsl.model.units import BITS, ENERGY, ENERGY_PER_BIT, ENERGY_PER_WORD, Quantity, whole
from qdsl.model.width_formula import WidthFormula
from qdsl.syntax.tree import EnergyStmt, Expr, Number, SourceStmt, TechnologyDecl, TechnologyEntry, Unary, WidthStmt

_EXAMPLES = {"memory": "energy read 1.5 pJ, write 1.5 pJ", "compute": "energy 2.2 pJ"}
WIDTH_LIMIT = 2**20


@dataclass(frozen=True)
class Energies:
    """Energies as written, per access kind; their dimension says per access, bit or word.

    kind: 'memory' or 'compute'; operation: energy of a compute unit, which has no accesses; width_bits: bits moved by one
    access, None if not stated.
    """

    kind: str
    accesses: Mapping[str, Quantity]
    operation: WidthFormula | None
    width_bits: int | None
    source: str | None


@dataclass(frozen=True)
class Technology:
    """entries: None for one that was reported as wrong."""

    name: str
    entries: Mapping[str, Energies | None]
    span: Span | None = field(default=None, compare=False, repr=False)


def check_technology(decl: TechnologyDecl, sink: Sink) -> Technology:
    """Checks all entries of a technology."""
    default = decl.source.text.value if decl.source else None
    entries: dict[str, Energies | None] = {e.name.name: None for e in decl.entries}
    with collecting(sink):
        distinct("entry", (e.name for e in decl.entries))
    for entry in decl.entries:
        with collecting(sink):
            entries[entry.name.name] = _entry(entry, default)
    return Technology(decl.name.name, entries, decl.name.span)


def access_energies(stmt: EnergyStmt, names: Names) -> dict[str, Quantity]:
    """The energy of every kind of access that a memory has. Raises SpecError."""
    found: dict[str, Quantity] = {}
    example = _EXAMPLES["memory"]
    for term in stmt.terms:
        if term.access not in ("read", "write", "update"):
            fail(
                "Q0503", "a memory states its energy per read and write", term.span, helps=[f"for example `{example}`"]
            )
        what = f"a {term.access}"
        if term.access in found:
            first = next(t for t in stmt.terms if t.access == term.access)
            text = f"the energy of {what} is given twice"
            fail("Q0503", text, term.span, labels=[Label(first.span, "first one")])
        units = (ENERGY, ENERGY_PER_BIT, ENERGY_PER_WORD)
        found[term.access] = not_negative(
            number(term.value, names, f"the energy of {what}", example, *units), term.value
        )
    for access in ("read", "write"):
        if access not in found:
            fail("Q0502", f"the energy of a {access} is missing", stmt.span, helps=[f"for example `{example}`"])
    found.setdefault("update", found["write"])
    return found


def operation_energy(stmt: EnergyStmt, names: Names, defined: Defined | None = None) -> WidthFormula:
    """The energy of an operation of a compute unit. Raises SpecError."""
    example = _EXAMPLES["compute"]
    wrong = next((t for t in stmt.terms if t.access), None)
    if wrong is not None:
        fail("Q0503", "a compute unit has one energy", wrong.span, helps=[f"for example `{example}`"])
    value = stmt.terms[0].value
    if not isinstance(value, Number):
        example = "energy 0.1 pJ * bits(W)"
    formula = width_formula(value, names, "the energy of an operation", example, ENERGY, defined=defined)
    if not formula.varies:
        not_negative(Quantity(formula.constant, ENERGY), value)
    return formula


def not_negative(q: Quantity, expr: Expr, what: str = "an energy") -> Quantity:
    """`q`. Raises SpecError if it is negative."""
    if q.value < 0:
        fail("Q0305", f"{what} cannot be negative", expr.span, label=f"this is {_shown(q, expr)}")
    return q


def _shown(q: Quantity, expr: Expr) -> str:
    """A value in the unit it is written in, or else in its base unit."""
    number = expr.operand if isinstance(expr, Unary) else expr
    if isinstance(number, Number) and number.unit and q.value < 0:
        return f"-{number.text} {number.unit}"
    return str(q)


def width_bits(value: Expr, names: Names) -> int:
    q = number(value, names, "`width`", "width 64 bit", BITS)
    return whole(q, value.span, "`width` in bits", 1, WIDTH_LIMIT)


def _entry(entry: TechnologyEntry, default_source: str | None) -> Energies:
    what = f"the {entry.kind} `{entry.name.name}`"
    allowed = (EnergyStmt, SourceStmt, WidthStmt) if entry.kind == "memory" else (EnergyStmt, SourceStmt)
    found = Statements(entry.statements, what, entry.name, *allowed)
    energy = found.need(EnergyStmt, _EXAMPLES[entry.kind])
    if energy.origin is not None:
        helps = [f"for example `{_EXAMPLES[entry.kind]}`"]
        fail("Q0503", "an entry of a technology states its energy itself", energy.span, helps=helps)
    width, source = found.get(WidthStmt), found.get(SourceStmt)
    return Energies(
        entry.kind,
        access_energies(energy, {}) if entry.kind == "memory" else {},
        operation_energy(energy, {}) if entry.kind == "compute" else None,
        width_bits(width.value, {}) if width else None,
        source.text.value if source else default_source,
    )
