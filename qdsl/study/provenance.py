"""What a reader needs to get the same numbers again."""

from __future__ import annotations

import platform
from importlib import metadata

from qdsl.model.study import Model, Study
from qdsl.study.result import EnergySource, Provenance

LIBRARIES = ("lark", "numpy", "sympy", "z3-solver", "pymoo")


def provenance(study: Study, model: Model, command: str) -> Provenance:
    """command: what the user typed, '' if it was not a command."""
    return Provenance(
        qdsl=version("qdsl"),
        python=platform.python_version(),
        libraries=tuple((name, version(name)) for name in LIBRARIES),
        seed=study.search.seed,
        command=command,
        files=model.files,
        energy_sources=_energy_sources(study),
    )


def version(distribution: str) -> str:
    """Installed version of a distribution; 'not installed' when it runs from somewhere else."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "not installed"


def _energy_sources(study: Study) -> tuple[EnergySource, ...]:
    accelerator = study.accelerator
    rows = [
        EnergySource(
            level.name,
            "memory",
            level.block_words,
            level.word_bits,
            level.energy.read_pj,
            level.energy.write_pj,
            level.energy.update_pj,
            level.energy.source,
        )
        for level in accelerator.levels
    ]
    compute = accelerator.compute
    rows.append(EnergySource(compute.name, "compute", 0, 0, compute.energy_pj, 0.0, 0.0, compute.source))
    return tuple(rows)
