"""An evaluated mapping as JSON and as text, the same in every command."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qdsl.cli.roofline import roofline_line
from qdsl.cli.tables import columns, duration, energy
from qdsl.model.accelerator import Accelerator
from qdsl.model.mapping import Mapping
from qdsl.symbolic import Evaluation, Roofline

_COUNTS = ("words", "reads", "fills", "updates", "instances")


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """Counts in words per instance and whole run; energies in pJ over all instances."""
    levels = {
        level.name: {
            "tensors": {
                tensor: {**{name: getattr(c, name) for name in _COUNTS}, "energy_pj": c.energy_pj}
                for tensor, c in level.tensors
            },
            "energy_pj": level.energy_pj,
        }
        for level in evaluation.levels
    }
    compute = {
        "operations": evaluation.operations,
        "energy_pj": evaluation.compute_energy_pj,
        "utilization": evaluation.utilization,
        "useful": evaluation.useful,
    }
    networks = {
        name: {"tensors": dict(parts), "energy_pj": sum(dict(parts).values())} for name, parts in evaluation.networks
    }
    total = {"cycles": evaluation.cycles, "energy_pj": evaluation.energy_pj}
    rest = {"networks": networks, "compute": compute, "leakage_pj": evaluation.leakage_pj}
    return {"levels": levels, **rest, "total": total, **total}


def evaluation_text(evaluation: Evaluation, accelerator: Accelerator, roofline: Roofline) -> str:
    """A table of levels and tensors, the totals, and what limits the speed."""
    rows = []
    for level in evaluation.levels:
        for i, (tensor, c) in enumerate(level.tensors):
            counts = [f"{getattr(c, name):,}" for name in _COUNTS]
            rows.append([level.name if i == 0 else "", tensor, *counts, energy(c.energy_pj)])
    for name, parts in evaluation.networks:
        for i, (tensor, pj) in enumerate(parts):
            rows.append([f"{name} hops" if i == 0 else "", tensor, *[""] * 5, energy(pj)])
    operations = f"{evaluation.operations:,} operations"
    rows.append([accelerator.compute.name, operations, *[""] * 5, energy(evaluation.compute_energy_pj)])
    if evaluation.leakage_pj:
        rows.append(["leakage", *[""] * 6, energy(evaluation.leakage_pj)])
    table = columns(("level", "tensor", *_COUNTS, "energy"), rows, left=2)
    totals = f"energy {energy(evaluation.energy_pj)}, {evaluation.utilization:.1%} of the compute units used"
    if evaluation.useful < 1:
        totals += f", {evaluation.useful:.1%} of what they could do useful"
    units = "words, reads, fills and updates are per instance; energies over all instances"
    lines = [table, "", totals, roofline_line(roofline), *_machine(evaluation, accelerator), units]
    return "\n".join(lines)


def _machine(evaluation: Evaluation, accelerator: Accelerator) -> Iterator[str]:
    """What follows from the clock and the areas, where they are stated."""
    said = []
    if accelerator.clock_hz is not None:
        said.append(f"{duration(evaluation.cycles / accelerator.clock_hz)} at {accelerator.clock_hz / 1e6:g} MHz")
    if accelerator.area_mm2 is not None:
        said.append(f"{accelerator.area_mm2:.4g} mm2 of all instances whose area is stated")
    if said:
        yield ", ".join(said)


def mapping_json(mapping: Mapping) -> dict[str, list[list[str | int]]]:
    """Places with loops, outermost first: {place: [[dim, factor], ...]}."""
    return {place: [[x.dim, x.factor] for x in loops] for place, loops in mapping.places if loops}
