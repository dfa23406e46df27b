"""Checking one file, given the names that its imports declare."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from qdsl.diagnostics import Diagnostic, Sink, Span
from qdsl.model.accelerator import Accelerator
from qdsl.model.check_accelerator import bind_accelerator
from qdsl.model.check_compute import check_engine
from qdsl.model.check_constrain import StudyScope
from qdsl.model.check_constraints import ConstraintSet, check_set
from qdsl.model.check_levels import Technologies
from qdsl.model.check_mapping import check_mapping
from qdsl.model.check_network import check_network
from qdsl.model.check_operator import OperatorTemplate, check_operator
from qdsl.model.check_study import check_study
from qdsl.model.check_table import table_hashes
from qdsl.model.check_technology import Technology, check_technology
from qdsl.model.findings import EnoughError, collecting, duplicate, fail, lookup
from qdsl.model.machine import Machine
from qdsl.model.network import Network
from qdsl.model.review_accelerator import review_accelerator, review_engine, review_technology
from qdsl.model.study import Study, WrittenMapping
from qdsl.syntax.tree import (
    AcceleratorDecl,
    ConstraintsDecl,
    Declaration,
    EngineDecl,
    File,
    Ident,
    MachineRef,
    MappingDecl,
    NetworkDecl,
    OperatorDecl,
    StudyDecl,
    TechnologyDecl,
)

D = TypeVar("D", bound=Declaration)
T = TypeVar("T")


@dataclass
class Names:
    """What a file can name: its own declarations and those of its imports. None: reported as wrong."""

    operators: dict[str, OperatorTemplate | None] = field(default_factory=dict)
    technologies: dict[str, Technology | None] = field(default_factory=dict)
    engines: dict[str, EngineDecl | None] = field(default_factory=dict)
    accelerators: dict[str, Machine | None] = field(default_factory=dict)
    networks: dict[str, Network | None] = field(default_factory=dict)
    constraints: dict[str, ConstraintSet | None] = field(default_factory=dict)
    mappings: dict[str, WrittenMapping | None] = field(default_factory=dict)
    studies: dict[str, Study | None] = field(default_factory=dict)
    declared: dict[tuple[str, str], Ident] = field(default_factory=dict)  # (kind, name) -> where
    tables: dict[str, str | None] = field(default_factory=dict)  # path of a table as printed -> hash of its text

    def include(self, other: Names, sink: Sink) -> None:
        """Adds what an imported file can name; a name that is declared in two files is reported."""
        for key, ident in other.declared.items():
            with collecting(sink):
                self.declare(key, ident)
        self.tables |= other.tables
        for table in _TABLES.values():
            mine = getattr(self, table)
            for name, value in getattr(other, table).items():
                mine.setdefault(name, value)

    def declare(self, key: tuple[str, str], ident: Ident) -> None:
        first = self.declared.setdefault(key, ident)
        if first is not ident:
            duplicate(key[0], ident, first)


KINDS: dict[type[Declaration], str] = {
    OperatorDecl: "operator",
    TechnologyDecl: "technology",
    EngineDecl: "engine",
    AcceleratorDecl: "accelerator",
    NetworkDecl: "network",
    ConstraintsDecl: "constraint set",
    MappingDecl: "mapping",
    StudyDecl: "study",
}
_TABLES: dict[type[Declaration], str] = {
    OperatorDecl: "operators",
    TechnologyDecl: "technologies",
    EngineDecl: "engines",
    AcceleratorDecl: "accelerators",
    NetworkDecl: "networks",
    ConstraintsDecl: "constraints",
    MappingDecl: "mappings",
    StudyDecl: "studies",
}


def check_file(tree: File, imported: Sequence[Names], sink: Sink) -> Names:
    """Checks all declarations of a file, until there are too many findings."""
    names = Names(tables=table_hashes(tree))
    try:
        _check_all(tree, imported, names, sink)
    except EnoughError as enough:
        for diagnostic in enough.diagnostics:
            sink.add(diagnostic)
        end = Span(tree.span.source, tree.span.end, tree.span.end)
        sink.add(Diagnostic("Q0007", "too many mistakes; the rest of the file is not checked", end))
        for decl in tree.declarations:
            getattr(names, _TABLES[type(decl)]).setdefault(decl.name.name, None)
    return names


def _check_all(tree: File, imported: Sequence[Names], names: Names, sink: Sink) -> None:
    """What a declaration may name may stand before or after it."""
    for other in imported:
        names.include(other, sink)
    own: list[Declaration] = []
    for decl in tree.declarations:
        with collecting(sink):
            names.declare((KINDS[type(decl)], decl.name.name), decl.name)
            own.append(decl)

    declared = names.declared

    def of(kind: type[D]) -> list[D]:
        return [d for d in own if isinstance(d, kind)]

    def machine(reference: MachineRef, found: Sink) -> Accelerator | None:
        with collecting(found):
            return lookup("accelerator", reference.name, names.accelerators, declared=declared).bind(reference, found)
        return None

    def check(kind: type[D], table: dict[str, T | None], function: Callable[[D], T | None]) -> None:
        for decl in of(kind):
            table[decl.name.name] = None
            with collecting(sink):
                try:
                    table[decl.name.name] = function(decl)
                except RecursionError:
                    fail("Q0016", f"`{decl.name.name}` is nested too deeply", decl.name.span, helps=["split it up"])

    def constraint_set(decl: ConstraintsDecl) -> ConstraintSet | None:
        accelerator = lookup("accelerator", decl.accelerator, names.accelerators, declared=declared).default
        return check_set(decl, accelerator, names.operators, sink)

    def technology(decl: TechnologyDecl) -> Technology:
        checked = check_technology(decl, sink)
        for diagnostic in review_technology(decl, checked):
            sink.add(diagnostic)
        return checked

    def engine(decl: EngineDecl) -> EngineDecl | None:
        checked = check_engine(decl, sink)
        for diagnostic in review_engine(decl) if checked else ():
            sink.add(diagnostic)
        return checked

    def accelerator(decl: AcceleratorDecl) -> Machine:
        default = bind_accelerator(decl, technologies, sink)
        for diagnostic in review_accelerator(decl, default) if default else ():
            sink.add(diagnostic)
        return Machine(decl, technologies, default)

    technologies = Technologies(names.technologies, names.engines)
    scope = StudyScope(names.operators, names.networks, names.constraints, names.accelerators, declared)
    check(OperatorDecl, names.operators, lambda d: check_operator(d, sink))
    check(TechnologyDecl, names.technologies, technology)
    check(EngineDecl, names.engines, engine)
    check(AcceleratorDecl, names.accelerators, accelerator)
    check(NetworkDecl, names.networks, lambda d: check_network(d, names.operators, sink))
    check(ConstraintsDecl, names.constraints, constraint_set)
    check(
        MappingDecl,
        names.mappings,
        lambda d: check_mapping(d, names.networks, machine(d.accelerator, sink), sink, declared),
    )
    check(StudyDecl, names.studies, lambda d: check_study(d, scope, sink))
