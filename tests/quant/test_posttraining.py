"""Biases that take back the mean error of quantisation."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from qdsl.quant import Quantiser, Quantisers, QuantNetwork, build
from qdsl.quant.posttraining import correct_biases, unquantised
from tests.quant.networks import DEPTHWISE, RESIDUAL, uniform, written


def calibrated(text: str, folder: Path, bits: tuple[int, int], settings: Quantisers) -> tuple[QuantNetwork, Tensor]:
    network = written(text, folder)
    shape = next(a.shape for a in network.activations if a.producer is None)
    x = torch.randn(64, *shape[1:], generator=torch.Generator().manual_seed(1)) + 0.5
    module = build(network, uniform(network, *bits), quantisers=settings).eval()
    module.calibrate([x])
    return module, x


def means(x: Tensor) -> Tensor:
    return x.detach().mean([i for i in range(x.dim()) if i != 1])


@pytest.mark.parametrize("text", [RESIDUAL, DEPTHWISE], ids=["residual", "depthwise"])
def test_channels_get_the_means_back_that_they_had(text: str, tmp_path: Path) -> None:
    module, x = calibrated(text, tmp_path, (3, 8), Quantisers(weights=Quantiser()))
    with unquantised(module):
        exact = module.run(x)
    before = module.run(x)
    correct_biases(module, [x[:32], x[32:]])
    after = module.run(x)
    plain = [n for n, layer in module.layers.items() if layer.bias is not None and not layer.layer.function]
    off = {n: [float((means(v[n]) - means(exact[n])).abs().max()) for v in (before, after)] for n in plain}
    assert plain and all(now < 0.2 * then for then, now in off.values()), off


def test_normalisation_must_be_folded(tmp_path: Path) -> None:
    network = written(RESIDUAL, tmp_path)
    with pytest.raises(ValueError, match="fold"):
        correct_biases(build(network, uniform(network, 4, 4), batch_norm=True), [torch.ones(2, 2, 9, 9)])


def test_a_module_comes_back_from_floating_point_as_it_was(tmp_path: Path) -> None:
    mse = Quantiser(ranges="mse")
    module, x = calibrated(RESIDUAL, tmp_path, (4, 3), Quantisers(activations=mse))
    quantised = module.train()(x)
    module.eval()
    with unquantised(module):
        module.set_widths(uniform(module.network, 8, 8))
        assert not torch.equal(module(x), quantised)
    found = [module(x), module.activations["stem"].bits, module.training]
    with unquantised(module):
        pass
    assert torch.equal(found[0], module(x)) and found[1:] == [3, False]
