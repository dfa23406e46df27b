"""The files of `qdsl export` in ZigZag and AccelForge themselves: they are valid there, and mean the machine and the layer.

Without the packages only what does not need them is tested, here and in tests/exchange.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from qdsl.cli import main
from qdsl.model import load
from tests.peers import accelforge_search

HERE = Path(__file__).parent
SPEC = HERE / "agree.qdsl"


def export(tool: str, mapping: str, directory: Path) -> None:
    assert main(["export", tool, str(SPEC), "--mapping", mapping, "--out", str(directory)]) == 0


@pytest.mark.parametrize("mapping", ["window_in_bits", "window_bypassed", "strided_inputs_stay"])
def test_zigzag_takes_its_files(mapping: str, tmp_path: Path) -> None:
    pytest.importorskip("zigzag", reason="needs ZigZag: pip install '.[peers]'")
    import yaml
    from zigzag.parser.accelerator_factory import AcceleratorFactory  # type: ignore[import-not-found,unused-ignore]
    from zigzag.parser.accelerator_validator import AcceleratorValidator  # type: ignore[import-not-found,unused-ignore]
    from zigzag.parser.mapping_validator import MappingValidator  # type: ignore[import-not-found,unused-ignore]
    from zigzag.parser.workload_factory import WorkloadFactory  # type: ignore[import-not-found,unused-ignore]
    from zigzag.parser.workload_validator import WorkloadValidator  # type: ignore[import-not-found,unused-ignore]

    export("zigzag", mapping, tmp_path)
    machine, workload, mappings = (
        kind(yaml.safe_load((tmp_path / f"{name}.yaml").read_text()))
        for kind, name in (
            (AcceleratorValidator, "accelerator"),
            (WorkloadValidator, "workload"),
            (MappingValidator, "mapping"),
        )
    )
    assert machine.validate() and workload.validate() and mappings.validate()
    written = next(m for m in load(SPEC).mappings if m.name == mapping)
    made = AcceleratorFactory(machine.normalized_data).create()
    assert {m.name for m in made.memory_hierarchy.nodes} >= {x.name for x in written.accelerator.levels}
    assert made.operational_array.total_unit_count == written.accelerator.compute_instances
    (layer,) = WorkloadFactory(workload.normalized_data, mappings.normalized_data).create().nodes
    sizes = dict(zip(written.layer.problem.operator.dims, written.layer.problem.sizes, strict=True))
    assert {str(d): n for d, n in layer.layer_dim_sizes.items() if str(d) in sizes} == sizes
    assert layer.total_mac_count == written.layer.problem.operations


@pytest.mark.parametrize("mapping", ["window_in_bits", "window_bypassed"])
def test_accelforge_takes_its_files(mapping: str, tmp_path: Path) -> None:
    python = accelforge_search.interpreter()
    if python is None:
        pytest.skip(f"needs AccelForge, here or in the interpreter that {accelforge_search.VARIABLE} names")
    export("accelforge", mapping, tmp_path)
    code = (
        "import accelforge as af; spec = af.Spec.from_yaml('arch.yaml', 'workload.yaml');"
        "print(*(n.name for n in spec.arch.nodes)); print(*(e.name for e in spec.workload.einsums))"
    )
    done = subprocess.run([python, "-c", code], cwd=tmp_path, check=True, capture_output=True, text=True)
    nodes, einsums = done.stdout.splitlines()[-2:]
    written = next(m for m in load(SPEC).mappings if m.name == mapping)
    assert nodes.split() == [*(h.name for h in written.accelerator.hierarchy), written.accelerator.compute.name]
    assert einsums == written.layer.name
