"""AccelForge's own search for the mapping of a layer, run by an interpreter that has it (Python 3.12 or newer).

In that interpreter this file is a script: arguments are two YAML files, architecture and workload; a JSON object comes out.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qdsl.model.accelerator import Accelerator, StorageLevel
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
    with tempfile.TemporaryDirectory() as place:
        architecture, workload = Path(place, "architecture.yaml"), Path(place, "workload.yaml")
        architecture.write_text("\n".join(_architecture(accelerator, problem, bits)) + "\n", encoding="utf-8")
        workload.write_text("\n".join(_workload(problem, bits)) + "\n", encoding="utf-8")
        command = [python, __file__, str(architecture), str(workload)]
        done = subprocess.run(command, cwd=place, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return Searched(found["cpu_s"], found["energy_pj"], _nest(problem, found["nest"]))


def _architecture(accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> Iterator[str]:
    (array,) = accelerator.fanouts
    yield "arch:"
    yield "  nodes:"
    for part in accelerator.hierarchy:
        if part is array:
            yield "  - !Container"
            yield f"    name: {array.name}"
            yield f"    spatial: [{{name: x, fanout: {array.x}}}, {{name: y, fanout: {array.y}}}]"
        else:
            yield from _memory(accelerator.level(part.name))
    energy = accelerator.compute.operation_pj(problem, bits)
    yield "  - !Compute"
    yield f"    name: {accelerator.compute.name}"
    yield "    leak_power: 0"
    yield "    area: 0"
    yield f"    actions: [{{name: compute, energy: {energy}, throughput: 1, latency: 0}}]"


def _memory(level: StorageLevel) -> Iterator[str]:
    rest = f"throughput: inf, latency: 0, bits_per_action: {level.word_bits * level.block_words}"
    yield "  - !Memory"
    yield f"    name: {level.name}"
    yield f"    size: {'inf' if level.size_words is None else level.size_words * level.word_bits}"
    yield "    leak_power: 0"
    yield "    area: 0"
    yield "    tensors: {keep: All}"
    yield "    actions:"
    yield f"    - {{name: read, energy: {level.energy.read_pj}, {rest}}}"
    yield f"    - {{name: write, energy: {level.energy.write_pj}, {rest}}}"


def _workload(problem: Problem, bits: MappingABC[str, int]) -> Iterator[str]:
    """Ranks are the axes of tensors: where an axis of the input has two dimensions, it is one of its own."""
    operator = problem.operator
    yield "workload:"
    yield "  iteration_space_shape:"
    for d in operator.dims:
        yield f"    {d.lower()}: 0 <= {d.lower()} < {problem.size(d)}"
    yield f"  bits_per_value: {{{', '.join(f'{t.name}_: {bits[t.name]}' for t in operator.tensors)}}}"
    yield "  einsums:"
    yield "  - name: layer"
    yield "    tensor_accesses:"
    for t in operator.tensors:
        axes = []
        for i, axis in enumerate(t.axes):
            index = " + ".join(
                f"{x.coefficient} * {x.dim.lower()}" if x.coefficient > 1 else x.dim.lower() for x in axis.terms
            )
            name = axis.terms[0].dim if len(axis.terms) == 1 else f"{t.name}{i}"
            axes.append(f"{name}: {index}")
        yield f"    - {{name: {t.name}_, projection: {{{', '.join(axes)}}}{', output: True' if t.is_output else ''}}}"
    (inputs, weights) = ([t.name for t in operator.inputs if t.is_weight == kind] for kind in (False, True))
    yield f"    renames: {{input: {inputs[0]}_, weight: {weights[0]}_, output: {operator.output.name}_}}"


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
