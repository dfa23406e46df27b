"""An evaluated mapping as JSON and as text, the same in every command."""

from __future__ import annotations

from typing import Any

from qdsl.cli.tables import columns, energy
from qdsl.model.accelerator import Accelerator
from qdsl.model.mapping import Mapping
from qdsl.symbolic import Evaluation

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
    }
    total = {"cycles": evaluation.cycles, "energy_pj": evaluation.energy_pj}
    return {"levels": levels, "compute": compute, "total": total, **total}


def evaluation_text(evaluation: Evaluation, accelerator: Accelerator) -> str:
    """A table of levels and tensors, and the totals."""
    rows = []
    for level in evaluation.levels:
        for i, (tensor, c) in enumerate(level.tensors):
            counts = [f"{getattr(c, name):,}" for name in _COUNTS]
            rows.append([level.name if i == 0 else "", tensor, *counts, energy(c.energy_pj)])
    operations = f"{evaluation.operations:,}"
    rows.append([accelerator.compute.name, f"{operations} operations", *[""] * 5, energy(evaluation.compute_energy_pj)])
    table = columns(("level", "tensor", *_COUNTS, "energy"), rows, left=2)
    totals = (
        f"energy {energy(evaluation.energy_pj)}, {evaluation.cycles:,} cycles, "
        f"{evaluation.utilization:.1%} of the compute units used"
    )
    return f"{table}\n\n{totals}\nwords, reads, fills and updates are per instance; energies over all instances"


def mapping_json(mapping: Mapping) -> dict[str, list[list[str | int]]]:
    """Places with loops, outermost first: {place: [[dim, factor], ...]}."""
    return {place: [[x.dim, x.factor] for x in loops] for place, loops in mapping.places if loops}
