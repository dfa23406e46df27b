"""Layers, shapes and multiply-accumulates of the shipped networks at 224 x 224 with 1000 classes."""

from __future__ import annotations

import pytest

from qdsl.model import load
from qdsl.model.network import Network
from qdsl.resources import data_dir


def shipped(name: str) -> Network:
    return next(n for n in load(data_dir("specs") / "networks" / f"{name}.qdsl").networks if n.name == name)


@pytest.mark.parametrize(
    ("name", "layers", "operations"),
    [
        # Counted by hand from the tables of the papers: stem, 13 (17) blocks, classifier; biases and pooling are not counted.
        ("mobilenet_v1", 28, 568_740_352),
        ("mobilenet_v2", 53, 300_774_272),
        ("squeezenet", 26, 349_151_936),
    ],
)
def test_layers_with_weights_and_their_operations(name: str, layers: int, operations: int) -> None:
    weighted = [layer for layer in shipped(name).layers if layer.has_weights]
    assert len(weighted) == layers
    assert sum(layer.problem.operations for layer in weighted) == operations


def test_squeezenet_has_the_weights_of_the_released_model() -> None:
    biases = 64 + 2 * (16 + 2 * 64 + 32 + 2 * 128 + 48 + 2 * 192 + 64 + 2 * 256) + 1000
    weights = sum(x.problem.values(t) for x in shipped("squeezenet").layers for t in x.problem.operator.weights)
    assert weights + biases == 1_235_496


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2", "squeezenet"])
def test_classifier_gives_a_thousand_scores(name: str) -> None:
    network = shipped(name)
    shapes = {a.name: a.shape for a in network.activations}
    assert [shapes[o] for o in network.outputs] == [(1, 1000)]
