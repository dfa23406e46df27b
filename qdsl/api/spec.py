"""A spec file as an object: what it declares, checked, and studies that run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from qdsl.api.results import COUNTS, Results, evaluation_rows
from qdsl.api.table import Table, html_facts
from qdsl.diagnostics import Diagnostic, Sink, SpecError, did_you_mean
from qdsl.model.check_operator import OperatorTemplate
from qdsl.model.loader import Library, Loaded
from qdsl.model.study import Model
from qdsl.model.study import Study as CheckedStudy
from qdsl.model.study import WrittenMapping as CheckedMapping
from qdsl.syntax.tree import File

if TYPE_CHECKING:
    from qdsl.model.accelerator import Accelerator
    from qdsl.model.network import Network
    from qdsl.study.progress import Progress
    from qdsl.symbolic.result import Evaluation

T = TypeVar("T")


def load(path: str | Path) -> Spec:
    """The spec in a file, with its imports. Raises SpecError, which prints as `qdsl check` does, if there are mistakes."""
    return _load(path, Library())


def loads(text: str, directory: str | Path = ".") -> Spec:
    """The spec in a text. directory: from where it imports. Raises SpecError as `load` does."""
    path, library = Path(directory) / "<text>", Library()
    library.texts.unsaved = {path.resolve(): text}
    return _load(path, library)


def _load(path: str | Path, library: Library) -> Spec:
    found = Sink()
    loaded = library.load(path, found)
    found.raise_if_errors()
    if loaded.model is None:
        raise SpecError(found)
    return Spec(loaded.model, loaded, tuple(found))


@dataclass(frozen=True, repr=False)
class Spec:
    """What one file and its imports declare. model: the same as plain data. warnings: what was found that is no mistake."""

    model: Model
    loaded: Loaded
    warnings: tuple[Diagnostic, ...]

    @property
    def operators(self) -> tuple[OperatorTemplate, ...]:
        names = self.loaded.names[self.loaded.files[-1].path]
        return tuple(o for o in names.operators.values() if o)

    @property
    def accelerators(self) -> tuple[Accelerator, ...]:
        """With their parameters at the defaults."""
        return self.model.accelerators

    @property
    def networks(self) -> tuple[Network, ...]:
        return self.model.networks

    @property
    def mappings(self) -> tuple[WrittenMapping, ...]:
        return tuple(WrittenMapping(m, self.model) for m in self.model.mappings)

    @property
    def studies(self) -> tuple[Study, ...]:
        return tuple(Study(s, self.model) for s in self.model.studies)

    def operator(self, name: str) -> OperatorTemplate:
        """Raises SpecError for a name that there is not; so do the others."""
        return _named("operator", name, self.operators, lambda o: o.name)

    def accelerator(self, name: str) -> Accelerator:
        return _named("accelerator", name, self.accelerators, lambda a: a.name)

    def network(self, name: str) -> Network:
        return _named("network", name, self.networks, lambda n: n.name)

    def mapping(self, name: str) -> WrittenMapping:
        return _named("mapping", name, self.mappings, lambda m: m.name)

    def study(self, name: str | None = None) -> Study:
        """The study of a name, or the only one."""
        if name is None and len(self.studies) == 1:
            return self.studies[0]
        return _named("study", name or "", self.studies, lambda s: s.name)

    @property
    def tree(self) -> File:
        """All declarations in one file, imported ones first."""
        files = [f.tree for f in self.loaded.files]
        return File(span=files[-1].span, imports=(), declarations=tuple(d for f in files for d in f.declarations))

    def __repr__(self) -> str:
        declared = [f"{kind} {name}" for kind, names in self._parts()[1:] for name in names]
        return f"<spec {self.model.path}: {', '.join(declared) or f'{len(self.operators)} operators'}>"

    def _parts(self) -> list[tuple[str, list[str]]]:
        return [
            ("operator", [o.name for o in self.operators]),
            ("accelerator", [a.name for a in self.accelerators]),
            ("network", [n.name for n in self.networks]),
            ("mapping", [m.name for m in self.mappings]),
            ("study", [s.name for s in self.studies]),
        ]

    def _repr_html_(self) -> str:
        facts = [(kind, ", ".join(items)) for kind, items in self._parts() if items]
        facts += [("warning", f"{d.code} {d.message}") for d in self.warnings]
        return html_facts(self.model.path, facts)


@dataclass(frozen=True, repr=False)
class Study:
    """checked: the study as plain data. model: what it is part of."""

    checked: CheckedStudy
    model: Model

    @property
    def name(self) -> str:
        return self.checked.name

    @property
    def network(self) -> Network:
        """As it is mapped: each split layer replaced by its groups."""
        return self.checked.network

    @property
    def accelerator(self) -> Accelerator:
        return self.checked.accelerator

    def run(
        self,
        out: str | Path | None = None,
        *,
        seed: int | None = None,
        workers: int = 1,
        progress: Progress | None = None,
        device: str = "cpu",
    ) -> Results:
        """Finds the best mappings and searches the bit-widths, as `qdsl run` does.

        out: directory for the run, `qdsl-out/NAME` if none is given; solved layers there are used again. seed: in place of
        the study's. workers: processes that solve layers; a script that asks for several starts them only under
        `if __name__ == "__main__"`. progress: is told what happens. device: of torch, which measures errors. Raises
        SpecError where layers have no legal mapping.
        """
        from qdsl.study.run import run_study

        study = self.checked
        if seed is not None:
            study = replace(study, search=replace(study.search, seed=seed))
        directory = Path(out) if out is not None else Path("qdsl-out") / self.name
        return Results(run_study(study, self.model, directory, progress, workers, device=device), directory)

    def __repr__(self) -> str:
        return f"<study {self.name}: {self.network.name} onto {self.accelerator.name}>"

    def _repr_html_(self) -> str:
        checked, variables = self.checked, self.checked.precision.variables
        facts = [
            ("network", f"{self.network.name}, {len(self.network.layers)} layers"),
            ("accelerator", self.accelerator.name),
            ("bit-widths to choose", str(len(variables))),
            ("constraints", "; ".join(c.text for c in checked.constraints)),
            ("minimizes", ", ".join(checked.objectives)),
            ("error at most", "" if checked.largest_error is None else f"{checked.largest_error:g} %"),
            ("accuracy", str(checked.accuracy or "")),
        ]
        return html_facts(self.name, [(name, value) for name, value in facts if value])


@dataclass(frozen=True, repr=False)
class WrittenMapping:
    """checked: the mapping as plain data. model: what it is part of."""

    checked: CheckedMapping
    model: Model

    @property
    def name(self) -> str:
        return self.checked.name

    def evaluate(self) -> Evaluation:
        """Counts, energy and cycles. Raises SpecError if the mapping is not legal."""
        from qdsl.symbolic.evaluate import evaluate
        from qdsl.symbolic.written import mapping_findings

        m = self.checked
        if findings := mapping_findings(m):
            raise SpecError(findings)
        return evaluate(m.accelerator, m.layer.problem, dict(m.bits), m.mapping)

    def counts(self) -> Table:
        """Where its energy goes: counts in words of one instance, energies of all. Raises SpecError if it is not legal."""
        return Table(("part", "tensor", *COUNTS, "energy_pj"), tuple(evaluation_rows(self.evaluate())))

    def __repr__(self) -> str:
        m = self.checked
        return f"<mapping {self.name}: {m.network}.{m.layer.name} onto {m.accelerator.name}>"

    def _repr_html_(self) -> str:
        from qdsl.model.mapping_text import format_mapping

        m = self.checked
        bits = ", ".join(f"{tensor} {width}" for tensor, width in m.bits)
        facts = [("layer", f"{m.network}.{m.layer.name}"), ("accelerator", m.accelerator.name), ("bits", bits)]
        nest = Table(("loops",), ((format_mapping(m.mapping, m.accelerator),),))
        return html_facts(self.name, facts) + nest._repr_html_()


def _named(kind: str, name: str, items: Iterable[T], name_of: Callable[[T], str]) -> T:
    known = {name_of(item): item for item in items}
    if name not in known:
        helps = did_you_mean(name, known) or ((f"there are: {', '.join(known)}",) if known else ())
        raise SpecError([Diagnostic("Q0201", f"there is no {kind} `{name}`", None, helps=helps)])
    return known[name]
