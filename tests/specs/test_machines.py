"""The shipped accelerators have the published sizes and energies, and every number names its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from qdsl.model import load
from qdsl.model.accelerator import Accelerator
from qdsl.resources import data_dir

MACHINES = sorted((data_dir("specs") / "accelerators").glob("*.qdsl"))


def machine(name: str) -> Accelerator:
    return load(data_dir("specs") / "accelerators" / f"{name}.qdsl").accelerators[0]


@pytest.mark.parametrize("path", MACHINES, ids=lambda p: p.stem)
def test_every_energy_names_its_source(path: Path) -> None:
    for accelerator in load(path).accelerators:
        sources = {level.name: level.energy.source for level in accelerator.levels}
        sources[accelerator.compute.name] = accelerator.compute.source
        assert {name for name, source in sources.items() if not source} == set()


@pytest.mark.parametrize(
    ("name", "levels", "arrays"),
    [
        # Per level: words, tensors kept, words per access, pJ per read and per write of a block, words read per cycle.
        (
            "eyeriss",
            {
                "dram": (None, None, 4, 512.0, 512.0, None),
                "glb": (51200, {"I", "O"}, 4, 67.9377, 68.7512, 16),
                "ifmap": (12, {"I"}, 1, 0.23632, 0.23632, 2),
                "weights": (224, {"W"}, 1, 0.75891, 1.17943, 2),
                "psum": (24, {"O"}, 1, 0.30161, 0.30161, 2),
            },
            [(14, 12)],
        ),
        (
            "simba",
            {
                "dram": (None, None, 4, 512.0, 512.0, None),
                "glb": (32768, {"I", "O"}, 16, 167.0908, 182.7858, None),
                "input_buffer": (32768, {"I"}, 4, 97.18672, 97.18672, None),
                "weight_buffer": (16384, {"W"}, 4, 44.75984, 44.75984, None),
                "accu_buffer": (128, {"O"}, 1, 1.00522, 1.00522, None),
                "weight_regs": (1, {"W"}, 1, 0.01533, 0.01533, None),
            },
            [(16, 1), (4, 1), (4, 1)],
        ),
    ],
)
def test_machine_is_the_published_one(
    name: str,
    levels: dict[str, tuple[int | None, set[str] | None, int, float, float, float | None]],
    arrays: list[tuple[int, int]],
) -> None:
    m = machine(name)
    assert {
        x.name: (x.size_words, x.keep, x.block_words, x.energy.read_pj, x.energy.write_pj, x.read_bandwidth)
        for x in m.levels
    } == levels
    assert all(x.energy.update_pj == x.energy.write_pj for x in m.levels)
    assert all(x.write_bandwidth == x.read_bandwidth for x in m.levels)
    assert {x.word_bits for x in m.levels} == {16}
    assert [(f.x, f.y) for f in m.fanouts] == arrays
    assert m.compute.energy == 2.20035


def test_eyeriss_has_168_processing_elements_and_simba_256_multipliers() -> None:
    assert (machine("eyeriss").compute_instances, machine("simba").compute_instances) == (168, 256)


def test_buffers_lie_where_the_published_instances_say() -> None:
    """Instances of every Simba level: the product of the arrays outside it."""
    m = machine("simba")
    instances: dict[str, int] = {}
    count = 1
    for item in m.hierarchy:
        if item in m.fanouts:
            count *= m.fanout(item.name).x * m.fanout(item.name).y
        else:
            instances[item.name] = count
    assert instances == {
        "dram": 1,
        "glb": 1,
        "input_buffer": 16,
        "weight_buffer": 64,
        "accu_buffer": 64,
        "weight_regs": 256,
    }
