"""What a reader needs to get the same numbers again."""

from __future__ import annotations

import platform
from importlib import metadata

from qdsl.model.study import Model, Study
from qdsl.model.width_formula import WidthFormula
from qdsl.study.result import EnergySource, Provenance

LIBRARIES = ("lark", "numpy", "sympy", "z3-solver", "pymoo", "moocore")


def provenance(study: Study, model: Model, command: str) -> Provenance:
    """command: what the user typed, '' if it was not a command."""
    return Provenance(
        qdsl=version("qdsl"),
        python=platform.python_version(),
        libraries=tuple((name, version(name)) for name in (*LIBRARIES, *(("torch",) if study.accuracy else ()))),
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
    rows += [
        EnergySource(f.name, "array", 0, 0, f.hop_pj_per_bit, 0.0, 0.0, f.source)
        for f in accelerator.fanouts
        if f.hop_pj_per_bit
    ]
    compute = accelerator.compute
    energy, formula = (0.0, compute.energy.text) if isinstance(compute.energy, WidthFormula) else (compute.energy, "")
    rows.append(EnergySource(compute.name, "compute", 0, 0, energy, 0.0, 0.0, compute.source, formula))
    return tuple(rows)
