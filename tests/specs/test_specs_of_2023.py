"""The machines, dataflows and networks of the published runs of 2023 beside the shipped ones that they are variants of."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest

from qdsl.model import load
from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.study import Model, Study
from qdsl.resources import data_dir
from qdsl.study.keys import question

DENSE = 4_248_293_376
"""Multiply-accumulates of MobileNetV1 with dense depthwise layers: the published 4.248 G."""


@cache
def shipped(kind: str, name: str) -> Model:
    return load(data_dir("specs") / kind / f"{name}.qdsl")


@cache
def study(name: str) -> Study:
    return next(s for s in shipped("studies", "mobilenet_v1_2023").studies if s.name == name)


@pytest.mark.parametrize("name", ["eyeriss", "simba"])
def test_with_words_of_16_bits_only_the_rules_of_counting_differ(name: str) -> None:
    (usual,), (of_2023,) = (shipped("accelerators", n).accelerators for n in (name, f"{name}_2023"))
    assert of_2023.first_output_fills and all(f.separate_diagonals for f in of_2023.fanouts)
    hierarchy = tuple(replace(h, separate_diagonals=False) if isinstance(h, FanOut) else h for h in of_2023.hierarchy)
    (layer, *_) = study(f"{name}_16").network.layers
    same = replace(of_2023, hierarchy=hierarchy, first_output_fills=False)
    assert question(same, layer.problem, ()) == question(usual, layer.problem, ())


@pytest.mark.parametrize("name", ["eyeriss", "simba"])
def test_the_constraints_are_those_of_the_usual_dataflow(name: str) -> None:
    usual = shipped("studies", f"mobilenet_v1_{name}").studies[0]
    assert sorted(c.text for c in study(f"{name}_16").constraints) == sorted(c.text for c in usual.constraints)


@pytest.mark.parametrize(
    ("name", "words", "blocks", "energies"),
    [
        # Words per level, words per access, pJ per read; the compute unit last.
        ("eyeriss_8_same", (102400, 24, 448, 48), (8, 8, 2, 2, 2), (512, 67.9377, 0.23632, 0.75891, 0.30161, 0.5608)),
        (
            "eyeriss_8_changed",
            (102400, 24, 336, 48),
            (8, 8, 2, 2, 2),
            (512, 67.9377, 0.23632, 0.70363, 0.30161, 0.5608),
        ),
        ("eyeriss_float", (25600, 12, 224, 24), (2, 2, 1, 1, 1), (512, 67.9377, 0.38, 1.96, 0.45, 32.33)),
        (
            "simba_8_same",
            (65536, 65536, 32768, 128, 1),
            (8, 32, 8, 8, 1, 1),
            (512, 167.0908, 97.18672, 44.75984, 1.00522, 0.00764, 0.5608),
        ),
        (
            "simba_8_changed",
            (65536, 65536, 24576, 128, 1),
            (8, 32, 8, 8, 1, 1),
            (512, 167.0908, 97.18672, 33.61808, 1.00522, 0.00764, 0.5608),
        ),
    ],
)
def test_the_other_configurations_are_the_published_ones(
    name: str, words: tuple[int, ...], blocks: tuple[int, ...], energies: tuple[float, ...]
) -> None:
    m: Accelerator = study(name).accelerator
    assert tuple(x.size_words for x in m.levels[1:]) == words
    assert tuple(x.block_words for x in m.levels) == blocks
    assert (*(x.energy.read_pj for x in m.levels), m.compute.energy) == energies


def test_the_changed_machine_has_twice_the_bandwidth() -> None:
    same, changed = (study(f"eyeriss_8_{x}").accelerator for x in ("same", "changed"))
    bandwidths = [[x.read_bandwidth for x in m.levels] for m in (same, changed)]
    assert bandwidths == [[None, 16, 2, 2, 2], [None, 32, 4, 4, 4]]


def test_mobilenet_has_the_published_shapes() -> None:
    """C, K, P = Q, R = S of the first layers and of the last ones."""
    network = study("eyeriss_16").network
    shapes = [tuple(x.problem.size(d) for d in ("C", "K", "P", "R")) for x in network.layers]
    assert len(shapes) == 28
    assert shapes[:4] == [(3, 32, 112, 3), (32, 32, 112, 3), (32, 64, 112, 1), (64, 64, 55, 3)]
    assert shapes[-4:] == [(512, 1024, 6, 1), (1024, 1024, 6, 3), (1024, 1024, 6, 1), (1024, 1000, 6, 1)]
    assert sum(x.problem.operations for x in network.layers) == DENSE


def test_vgg1_has_eight_convolutions() -> None:
    """Their work keeps the 168 elements of Eyeriss busy in all of the published cycles."""
    (network,) = shipped("networks", "vgg1").networks
    operations = [x.problem.operations for x in network.layers if x.problem.operator.name == "conv2d"]
    assert len(operations) == 8
    assert sum(operations) == 168 * 44_556_288
