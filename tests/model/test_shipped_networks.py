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
    ],
)
def test_layers_with_weights_and_their_operations(name: str, layers: int, operations: int) -> None:
    weighted = [layer for layer in shipped(name).layers if layer.has_weights]
    assert len(weighted) == layers
    assert sum(layer.problem.operations for layer in weighted) == operations


@pytest.mark.parametrize("name", ["mobilenet_v1", "mobilenet_v2"])
def test_classifier_gives_a_thousand_scores(name: str) -> None:
    network = shipped(name)
    shapes = {a.name: a.shape for a in network.activations}
    assert [shapes[o] for o in network.outputs] == [(1, 1000)]
