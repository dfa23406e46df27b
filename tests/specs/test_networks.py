"""Layers, shapes and work of the shipped networks (the MobileNets are checked with the network rules in tests/model)."""

from __future__ import annotations

import pytest

from qdsl.model import load
from qdsl.model.network import Network
from qdsl.resources import data_dir


def shipped(name: str) -> Network:
    return next(n for n in load(data_dir("specs") / "networks" / f"{name}.qdsl").networks if n.name == name)


@pytest.mark.parametrize(
    ("name", "layers", "operations", "parameters"),
    [
        # The known 1.81 G multiply-accumulates; parameters without biases and normalisation.
        ("resnet18", 21, 1_814_073_344, 11_678_912),
        # For CIFAR-100, with projection shortcuts.
        ("resnet18_cifar", 21, 555_468_800, 11_210_432),
        # Five ungrouped convolutions of 1.076 G, three fully connected layers of 58.6 M.
        ("alexnet", 8, 1_076_634_144 + 58_621_952, 3_745_824 + 58_621_952),
        # The four of MLPerf Tiny, as the authors' code of channel-wise mixed precision sizes them.
        ("resnet8", 10, 12_501_632, 77_360),
        ("ds_cnn", 10, 2_656_768, 22_016),
        ("mobilenet_v1_025", 28, 7_489_664, 208_112),
        ("autoencoder", 10, 264_192, 264_192),
        # Shortcuts have no weights. 0.27 M and 0.85 M parameters in the paper.
        ("resnet20", 20, 40_551_040, 268_336),
        ("resnet56", 56, 125_485_696, 848_944),
        # 398 131 200 in the 16 convolutions.
        ("vgg19", 17, 398_131_200 + 5_120, 20_018_880 + 5_120),
    ],
)
def test_layers_with_weights(name: str, layers: int, operations: int, parameters: int) -> None:
    weighted = [layer for layer in shipped(name).layers if layer.has_weights]
    assert len(weighted) == layers
    assert sum(x.problem.operations for x in weighted) == operations
    assert sum(x.problem.values(w) for x in weighted for w in x.problem.operator.weights) == parameters


def test_alexnet_convolutions_are_those_of_the_published_runs() -> None:
    """C, K, P = Q, R = S; the stride shows in the rows that an output of two would read."""
    found = [
        tuple(layer.problem.size(d) for d in ("C", "K", "P", "R"))
        for layer in shipped("alexnet").layers
        if layer.problem.operator.name == "conv2d"
    ]
    assert found == [(3, 96, 55, 11), (96, 256, 27, 5), (256, 384, 13, 3), (384, 384, 13, 3), (384, 256, 13, 3)]


def test_resnet18_adds_where_a_block_ends_and_projects_where_the_shape_changes() -> None:
    network = shipped("resnet18")
    adds = [x for x in network.layers if x.problem.operator.name == "add"]
    projections = [x.name for x in network.layers if x.name.endswith(".shortcut")]
    assert [x.name for x in adds] == [f"b{i}.{j}.sum" for i in range(1, 5) for j in (1, 2)]
    assert all(x.function == "relu" for x in adds)
    assert projections == ["b2.1.shortcut", "b3.1.shortcut", "b4.1.shortcut"]


def test_mobilenet_v2_adds_in_ten_of_its_seventeen_blocks() -> None:
    """Where a block repeats at stride 1: one less than the repetitions of each of the five groups."""
    adds = [x.name for x in shipped("mobilenet_v2").layers if x.problem.operator.name == "add"]
    assert len(adds) == 1 + 2 + 3 + 2 + 2
    assert "b1.add" not in adds and "b7.add" not in adds


def test_ds_cnn_puts_out_25_x_5_positions_of_64_channels() -> None:
    network = shipped("ds_cnn")
    stem = network.layer("stem")
    assert stem.problem.shape(stem.problem.operator.output) == (1, 64, 25, 5)


def test_resnet20_widens_two_shortcuts_by_channels_of_zeros() -> None:
    network = shipped("resnet20")
    widened = [x for x in network.layers if x.problem.operator.name == "widen"]
    assert [(x.name, x.padding, x.problem.shape(x.problem.operator.output)) for x in widened] == [
        ("b2.1.shortcut", (("K", 8),), (1, 32, 16, 16)),
        ("b3.1.shortcut", (("K", 16),), (1, 64, 8, 8)),
    ]
