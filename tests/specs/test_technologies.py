"""Energies that are calculated from others are what their comments say."""

from __future__ import annotations

import pytest

from qdsl.model.accelerator import Accelerator
from tests.specs.conftest import Load

# Energy over that of 1 V and so on: a V^2 + b V + c of Stillmaker and Baas (Integration 58, 2017, table 5), high performance.
EQUATIONS = {45: (1.018, -0.3107, 0.1539), 32: (0.8367, -0.4341, 0.1701), 20: (0.373, -0.1582, 0.04104)}
# pJ to read and write 64 bits by CACTI 7, at 32 nm and 22 nm.
CACTI = {
    "sram_8k": ((3.44337, 4.27156), (1.59026, 1.77144)),
    "sram_32k": ((8.25708, 7.46057), (3.78646, 3.10424)),
    "sram_1m": ((52.0282, 41.2264), (23.4672, 17.5006)),
}


def machine(load_beside_specs: Load, technology: str) -> Accelerator:
    """All of a technology that two nodes have."""
    memories = "\n".join(f"memory {name} {{ size 8 KiB; energy from {technology}.{name} }}" for name in CACTI)
    text = f"""
    import "technologies/{technology}.qdsl"
    accelerator one {{
      word 8 bit
      memory dram {{ energy from {technology}.dram }}
      {memories}
      compute mac {{ energy from {technology}.mac8 }}
    }}
    """
    return load_beside_specs(text).accelerators[0]


def test_operations_at_28_nm_are_those_of_45_nm_scaled(load_beside_specs: Load) -> None:
    at = {node: a * 0.81 + b * 0.9 + c for node, (a, b, c) in EQUATIONS.items()}
    assert at[32] == pytest.approx(0.4571, abs=1e-4)  # as in the paper's corrigendum
    factor = (at[32] * 2 / 3 + at[20] / 3) / at[45]
    assert factor == pytest.approx(0.532, abs=5e-4)
    small, large = (machine(load_beside_specs, f"operations{node}").compute.energy for node in (28, 45))
    assert isinstance(small, float) and isinstance(large, float)
    assert small == pytest.approx(large * factor, rel=1e-3)


def test_memories_at_28_nm_lie_between_those_of_cacti(load_beside_specs: Load) -> None:
    levels = machine(load_beside_specs, "operations28")
    for name, (at_32, at_22) in CACTI.items():
        energy = levels.level(name).energy
        for found, larger, smaller in zip((energy.read_pj, energy.write_pj), at_32, at_22, strict=True):
            assert found == pytest.approx(0.6 * larger + 0.4 * smaller, rel=1e-3)
        assert levels.level(name).block_words == 8
