"""Integer arithmetic alone gives what the quantised module gives in double precision, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from qdsl.model.network import Network
from qdsl.quant import PartialSums, Quantiser, Quantisers, QuantNetwork, build
from qdsl.quant.integers import integer_output, integer_run
from tests.quant.networks import DEPTHWISE, JOINED, RESIDUAL, shipped, uniform, written

SYMMETRIC = Quantiser(symmetric=True)
ROWS = Quantiser(symmetric=True, per_channel=True)


def trained(network: Network, settings: Quantisers, bits: tuple[int, int]) -> tuple[QuantNetwork, Tensor]:
    """A network in double precision with biases and ranges as after training, and inputs for it."""
    generator = torch.Generator().manual_seed(5)
    shape = next(a.shape for a in network.activations if a.producer is None)
    x = torch.randn(8, *shape[1:], generator=generator)
    module = build(network, uniform(network, *bits), quantisers=settings, batch_norm=True)
    module.train()
    for _ in range(2):
        module(x)
    module.fold()
    with torch.no_grad():
        for layer in module.layers.values():
            if layer.bias is not None:
                layer.bias.add_(0.2 * torch.randn(layer.bias.shape, generator=generator))
    module.calibrate([x])
    return module.double().eval(), torch.randn(4, *shape[1:], generator=generator).double()


@pytest.mark.parametrize(
    ("text", "settings", "bits"),
    [
        (RESIDUAL, Quantisers(), (8, 8)),
        (DEPTHWISE, Quantisers(), (1, 3)),
        (RESIDUAL, Quantisers(weights=Quantiser(ranges="mse"), activations=Quantiser(ranges="percentile")), (4, 5)),
        (DEPTHWISE, Quantisers(weights=SYMMETRIC, activations=Quantiser(symmetric=True, ranges="mse")), (2, 1)),
        (RESIDUAL, Quantisers(weights=Quantiser(learned="lsq"), activations=Quantiser(learned="lsq")), (3, 4)),
        (DEPTHWISE, Quantisers(weights=ROWS, activations=Quantiser(learned="pact")), (6, 7)),
        (RESIDUAL, Quantisers(partial_sums=PartialSums(9, saturate=True, channels=2)), (5, 6)),
        (DEPTHWISE, Quantisers(partial_sums=PartialSums(9, saturate=False, channels=3)), (1, 8)),
        (JOINED, Quantisers(), (4, 6)),
        (JOINED, Quantisers(weights=Quantiser(learned="lsq"), activations=Quantiser(learned="lsq")), (3, 4)),
    ],
    ids=["rows", "binary", "mse", "one bit", "lsq", "pact", "saturating", "wrapping", "joined", "joined lsq"],
)
def test_equal_bit_for_bit(text: str, settings: Quantisers, bits: tuple[int, int], tmp_path: Path) -> None:
    module, x = trained(written(text, tmp_path), settings, bits)
    values = module.run(x)
    for name, codes in integer_run(module, x).items():
        grid = module.grid(name)
        assert grid is not None and codes.dtype == torch.int64
        assert torch.equal(grid.values(codes.double()), values[name]), name
    assert torch.equal(integer_output(module, x), module(x))
    assert len(set(module(x).flatten().tolist())) > 1


def test_widths_per_channel_and_pruned_channels(tmp_path: Path) -> None:
    module, x = trained(written(RESIDUAL, tmp_path), Quantisers(), (8, 8))
    module.set_widths({**uniform(module.network, 8, 8), "stem": {"W": [0, 1, 3, 8], "I": 8, "O": 8}})
    assert torch.equal(integer_output(module, x), module(x))


def test_single_precision_leaves_the_same_codes_but_for_rounding(tmp_path: Path) -> None:
    module, x = trained(written(DEPTHWISE, tmp_path), Quantisers(), (8, 8))
    exact = module.run(x)
    single = module.float().run(x.float())
    grid = module.grid("p")
    assert grid is not None
    steps = ((single["p"] - exact["p"]) / grid.scale).abs().round()
    assert steps.max() <= 1 and (steps > 0).float().mean() < 0.01


@pytest.mark.slow
def test_resnet8_at_full_size() -> None:
    module, x = trained(shipped("resnet8"), Quantisers(), (4, 8))
    assert torch.equal(integer_output(module, x), module(x))


def test_what_is_not_all_integers_is_refused(tmp_path: Path) -> None:
    network = written(RESIDUAL, tmp_path)
    x = torch.ones(2, 2, 9, 9)
    module = build(network, uniform(network, 8, 8), batch_norm=True)
    module.calibrate([x])
    with pytest.raises(ValueError, match="not folded"):
        integer_run(module, x)
    module.fold()
    module.set_widths({"stem": {"I": 8, "O": 8}})
    with pytest.raises(ValueError, match="has no width"):
        integer_run(module, x)
