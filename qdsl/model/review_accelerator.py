"""What a careful colleague would ask about a machine: where its numbers come from."""

from __future__ import annotations

from collections.abc import Iterator

from qdsl.diagnostics import Diagnostic
from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.check_technology import Energies, Technology
from qdsl.model.findings import warning
from qdsl.syntax.tree import (
    AcceleratorDecl,
    ArrayDecl,
    ComputeDecl,
    EnergyStmt,
    EngineDecl,
    Ident,
    LayerCost,
    MemoryDecl,
    ParamDecl,
    PowerStmt,
    SourceStmt,
    TechnologyDecl,
)

_HELP = 'say where the numbers come from: `source "data sheet, table 3"`'


def review_accelerator(decl: AcceleratorDecl, accelerator: Accelerator) -> Iterator[Diagnostic]:
    """Energies that it states without a source, and a parameter that hides a word of formulas."""
    free = _free_parts(accelerator)
    for part in decl.items:
        if (
            isinstance(part, MemoryDecl | ArrayDecl | ComputeDecl)
            and _states_energy(part)
            and part.name.name not in free
        ):
            yield _without_source(part.name)
    for p in decl.items:
        if isinstance(p, ParamDecl) and p.name.name == "reduction":
            text = "parameter `reduction` hides the `reduction` of formulas, the operations that add up to one value"
            yield warning("Q0206", text, p.name.span, helps=["rename the parameter"])


def review_technology(decl: TechnologyDecl, technology: Technology) -> Iterator[Diagnostic]:
    """Entries without a source."""
    for entry in decl.entries:
        if (known := technology.entries[entry.name.name]) and _unsaid(known):
            yield _without_source(entry.name)


def review_engine(decl: EngineDecl) -> Iterator[Diagnostic]:
    """An energy without a source."""
    if not any(isinstance(s, SourceStmt) for s in decl.items):
        yield _without_source(decl.name)


def _without_source(name: Ident) -> Diagnostic:
    helps = ['say where the number comes from: `source "data sheet, table 3"`']
    return warning("Q0509", f"the energy of `{name.name}` has no source", name.span, helps=helps)


def _states_energy(part: MemoryDecl | ArrayDecl | ComputeDecl) -> bool:
    """Whether it states energies and no source of them."""
    own = any(
        isinstance(s, LayerCost | PowerStmt) or (isinstance(s, EnergyStmt) and s.origin is None)
        for s in part.statements
    )
    return own and not any(isinstance(s, SourceStmt) for s in part.statements)


def _free_parts(accelerator: Accelerator) -> set[str]:
    """Names of the parts whose energies are 0: an assumption that needs no source."""
    free = set()
    for part in accelerator.hierarchy:
        if isinstance(part, FanOut) and not part.hop_pj_per_bit:
            free.add(part.name)
        if isinstance(part, StorageLevel) and not (
            part.energy.read_pj or part.energy.write_pj or part.energy.update_pj
        ):
            free.add(part.name)
    compute = accelerator.compute
    return free | ({compute.name} if compute.energy == 0 and not compute.layers else set())


def _unsaid(energies: Energies) -> bool:
    known = energies.operation
    costs = any(q.value for q in energies.accesses.values()) or (
        known is not None and (known.varies or known.constant != 0)
    )
    return energies.source is None and costs
