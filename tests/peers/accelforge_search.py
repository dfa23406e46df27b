"""AccelForge's own search for the mapping of a layer, run by an interpreter that has it (Python 3.12 or newer).

In that interpreter this file is a script: arguments are two YAML files, architecture and workload; a JSON object comes out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qdsl.model.accelerator import Accelerator
    from qdsl.model.operator import Problem
    from tests.peers.own_places import Nest

VARIABLE = "QDSL_ACCELFORGE_PYTHON"


@dataclass(frozen=True)
class Searched:
    """cpu_s: processor time of one process, libraries loaded; energy_pj: by AccelForge's model; nest: the mapping."""

    cpu_s: float
    energy_pj: float
    nest: Nest


def interpreter() -> str | None:
    """The one that the environment names, or this one; None if it does not have AccelForge."""
    named = os.environ.get(VARIABLE)
    return named or (sys.executable if find_spec("accelforge") else None)


def search(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], python: str) -> Searched:
    """The mapping of least energy, which it claims to be optimal, on a machine with one array."""
    from qdsl.exchange.accelforge import export_accelforge

    with tempfile.TemporaryDirectory() as place:
        architecture, workload = Path(place, "architecture.yaml"), Path(place, "workload.yaml")
        files, _ = export_accelforge(accelerator, "layer", problem, bits)
        architecture.write_text(files["arch.yaml"], encoding="utf-8")
        workload.write_text(files["workload.yaml"], encoding="utf-8")
        command = [python, __file__, str(architecture), str(workload)]
        done = subprocess.run(command, cwd=place, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return Searched(found["cpu_s"], found["energy_pj"], _nest(problem, found["nest"]))


def _nest(problem: Problem, found: list[list[Any]]) -> Nest:
    from tests.peers.own_places import Stored, Turn

    extents = dict(zip(problem.operator.dims, problem.sizes, strict=True))
    nest: list[Stored | Turn] = []
    for kind, *rest in found:
        if kind == "stored":
            nest.append(Stored(rest[0], rest[1].removesuffix("_")))
        else:
            dim, tile, axis = rest[0].upper(), rest[1], rest[2]
            nest.append(Turn(dim, extents[dim] // tile, axis))
            extents[dim] = tile
    return nest


def _as_script(architecture: str, workload: str) -> None:
    import time

    import accelforge as af  # type: ignore[import-not-found,unused-ignore]
    from accelforge.frontend.mapper.metrics import Metrics  # type: ignore[import-not-found,unused-ignore]
    from accelforge.mapper.FFM.main import map_workload_to_arch  # type: ignore[import-not-found,unused-ignore]

    af.set_n_parallel_jobs(1)
    spec = af.Spec.from_yaml(architecture, workload)
    spec.mapper.metrics = Metrics.ENERGY
    start = time.process_time()
    found = map_workload_to_arch(spec, eval_in_detail=False, print_progress=False)
    cpu_s = time.process_time() - start
    best = found.data.iloc[0]
    nest: list[list[Any]] = []
    for node in best["Total<SEP>mapping"]().nodes:
        kind = type(node).__name__
        if kind == "Storage":
            nest += (["stored", str(node.component), str(tensor)] for tensor in node.tensors)
        elif kind in ("Temporal", "Spatial"):
            axis = str(node.name) if kind == "Spatial" else ""
            nest.append(["turn", str(node.rank_variable), int(node.tile_shape), axis])
    print(json.dumps({"cpu_s": cpu_s, "energy_pj": float(best["Total<SEP>energy"]), "nest": nest}))


if __name__ == "__main__":
    _as_script(*sys.argv[1:])
