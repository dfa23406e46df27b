"""What a study found, as tables."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from qdsl.api.table import Cell, Table, html_facts
from qdsl.readable import energy, memory

if TYPE_CHECKING:
    from pandas import DataFrame

    from qdsl.study.result import LayerDetail, StudyRun
    from qdsl.symbolic.result import Evaluation

COUNTS = ("words", "reads", "fills", "updates", "instances")


@dataclass(frozen=True)
class Results:
    """run: everything there is. directory: where the run is kept; the next run of the study goes on from there."""

    run: StudyRun
    directory: Path

    @cached_property
    def front(self) -> Table:
        """The designs that no other one beats in all objectives, by ascending energy, with every objective that is known.

        Of an exact front that is very long these are some, spread evenly; `run` says how many there are.
        """
        from qdsl.study.result import OBJECTIVE_UNITS

        known = [name for name in OBJECTIVE_UNITS if name in self.run.front[0].objectives]
        columns = (f"{name}_{OBJECTIVE_UNITS[name].lower().replace('*', '_')}" for name in known)
        rows = ((*(p.objectives[name] for name in known), i == self.run.chosen) for i, p in enumerate(self.run.front))
        return Table((*columns, "chosen"), tuple(rows))

    @cached_property
    def widths(self) -> Table:
        """Every bit-width of every design of the front. design: row of the front."""
        variables = self.run.study.precision.variables
        rows = (
            (i, v.name, v.role, bits)
            for i, p in enumerate(self.run.front)
            for v, bits in zip(variables, p.choice, strict=True)
        )
        return Table(("design", "variable", "role", "bits"), tuple(rows))

    @cached_property
    def layers(self) -> Table:
        """The layers of the designs whose mappings are kept: the chosen one, those of least energy and memory, the widest."""
        columns = ("design", "layer", "operator", "bits", "status", "energy_pj", "cycles", "utilization", "mapping")
        return Table(columns, tuple(self._layers()))

    @cached_property
    def energies(self) -> Table:
        """Where the energy of these layers goes: counts in words of one instance, energies of all."""
        columns = ("design", "layer", "part", "tensor", *COUNTS, "energy_pj")
        rows = ((d, x.name, *row) for d, x in self._details() for row in evaluation_rows(x.evaluation))
        return Table(columns, tuple(rows))

    @property
    def tables(self) -> dict[str, Table]:
        """All tables by name."""
        return {"front": self.front, "widths": self.widths, "layers": self.layers, "energies": self.energies}

    def to_pandas(self) -> dict[str, DataFrame]:
        """All tables by name. Raises SpecError that says how to install pandas, if it is not."""
        return {name: table.to_pandas() for name, table in self.tables.items()}

    def report(self, *formats: str) -> tuple[Path, ...]:
        """Writes the report into the directory, in the formats of the study unless told otherwise; its files."""
        from qdsl.report import write_report

        return write_report(self.run, self.directory, formats or self.run.study.reports)

    def _details(self) -> Iterator[tuple[str, LayerDetail]]:
        """(the first role of a design, layer)"""
        return ((d.roles[0], layer) for d in self.run.details for layer in d.layers)

    def _layers(self) -> Iterator[tuple[Cell, ...]]:
        for design, x in self._details():
            bits = ", ".join(f"{tensor} {width}" for tensor, width in x.bits)
            cost = (x.evaluation.energy_pj, x.evaluation.cycles, x.evaluation.utilization)
            yield design, x.name, x.operator, bits, x.status, *cost, x.nest

    def __repr__(self) -> str:
        return f"<results of {self.run.study.name}: {len(self.run.front)} designs on the front>"

    def _repr_html_(self) -> str:
        from qdsl.report.pictures import pictures
        from qdsl.report.points import units

        run, chosen = self.run, self.run.chosen_point
        facts = [
            ("study", f"{run.study.network.name} onto {run.study.accelerator.name}"),
            ("front", f"{len(run.front)} designs of {run.counts.evaluated:,} looked at"),
            ("chosen", f"{energy(chosen.energy_pj)}, {memory(chosen.weight_memory_bits)} of weights"),
            ("directory", str(self.directory)),
        ]
        if not run.complete:
            facts.append(("interrupted", "the search did not reach its last generation"))
        # as an image, so that the styles of the page and of the picture leave each other alone
        picture = b64encode(pictures(run, units(run)).front.standalone().encode()).decode()
        image = f'<img alt="the front" src="data:image/svg+xml;base64,{picture}"/>'
        return html_facts(run.study.name, facts) + image + self.front._repr_html_()


def evaluation_rows(evaluation: Evaluation) -> Iterator[tuple[Cell, ...]]:
    """(part, tensor, counts, energy in pJ) of every place that takes energy."""
    nothing = (None,) * len(COUNTS)
    for level in evaluation.levels:
        for tensor, c in level.tensors:
            yield level.name, tensor, *(getattr(c, n) for n in COUNTS), c.energy_pj
    for array, tensors in evaluation.networks:
        yield from ((f"{array} hops", tensor, *nothing, pj) for tensor, pj in tensors)
    yield "compute", None, *nothing, evaluation.compute_energy_pj
    if evaluation.leakage_pj:
        yield "leakage", None, *nothing, evaluation.leakage_pj
