"""Learned and running ranges, widths that change, partial sums."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from qdsl.quant import PartialSums, Quantiser, Quantisers
from qdsl.quant.quantisers import AVERAGING, ActivationQuantiser, WeightQuantiser


def activation(settings: Quantiser, bits: int, signed: bool = False) -> ActivationQuantiser:
    found = ActivationQuantiser(settings, signed, "cpu")
    found.set_width(bits)
    return found.train()


def gradient(x: Tensor) -> Tensor:
    assert x.grad is not None
    return x.grad


def test_pact_moves_its_limit_by_what_is_clipped() -> None:
    quantiser = activation(Quantiser(learned="pact"), 2)
    quantiser(torch.tensor([[0.0, 3.0]]))
    assert quantiser.learned is not None and quantiser.learned.tolist() == [3]
    x = torch.tensor([[0.4, 0.6, 2.0, 3.5, 9.0]], requires_grad=True)
    out = quantiser(x)
    assert out.tolist() == [[0, 1, 2, 3, 3]]
    out.sum().backward()
    assert gradient(x).tolist() == [[1, 1, 1, 0, 0]]
    assert float(gradient(quantiser.learned)) == 2


def test_lsq_scales_the_gradient_of_its_step() -> None:
    quantiser = activation(Quantiser(learned="lsq"), 2)
    quantiser(torch.tensor([[0.0, 3.0]]))
    x = torch.tensor([[0.25, 2.0, 5.0]])
    quantiser(x).sum().backward()
    assert quantiser.learned is not None and quantiser.learned.tolist() == [1]
    # round(0.25) - 0.25 + 0 + 3, over the root of 3 values times 3 steps
    assert float(gradient(quantiser.learned)) == pytest.approx(2.75 / 3)


def test_a_learned_range_stays_when_the_width_changes() -> None:
    for settings in (Quantiser(learned="lsq"), Quantiser(learned="pact")):
        quantiser = activation(settings, 4)
        quantiser(torch.tensor([[0.0, 6.0]]))
        before = quantiser.grid().values(quantiser.grid().high)
        quantiser.set_width(2)
        assert torch.allclose(quantiser.grid().values(quantiser.grid().high), before, rtol=2**-6)
    weights = WeightQuantiser(Quantiser(learned="lsq"), 2, "cpu")
    weights.set_width(8)
    rows = torch.tensor([[-1.0, 0.5], [2.0, 0.25]])
    weights(rows)
    weights.set_width((4, 2))
    assert weights(rows).detach().abs().amax(1).tolist() == pytest.approx([1.08, 1.34], abs=0.02)
    assert weights.step is not None and weights.step.tolist() == pytest.approx([4 / 255])


def test_running_ranges_follow_the_batches_while_training() -> None:
    quantiser = activation(Quantiser(), 8)
    quantiser(torch.tensor([[0.0, 1.0]]))
    quantiser(torch.tensor([[0.0, 2.0]]))
    assert float(quantiser.hi) == pytest.approx(1 + AVERAGING)
    quantiser.eval()(torch.tensor([[0.0, 9.0]]))
    assert float(quantiser.hi) == pytest.approx(1 + AVERAGING)


def test_one_scale_for_all_channels_or_one_each() -> None:
    rows = torch.tensor([[-1.0, 0.3], [8.0, 2.0]])
    grids = []
    for per_channel in (False, True):
        quantiser = WeightQuantiser(Quantiser(symmetric=True, per_channel=per_channel), 2, "cpu")
        quantiser.set_width(4)
        grids.append(quantiser.grid(rows).scale.flatten())
    assert grids[0][0] == grids[0][1] == grids[1][1] > grids[1][0]


def test_partial_sums_saturate_or_wrap() -> None:
    sums = torch.tensor([-130, -128, 0, 127, 128, 300])
    assert PartialSums(8).held(sums).tolist() == [-128, -128, 0, 127, 127, 127]
    assert PartialSums(8, saturate=False).held(sums).tolist() == [126, -128, 0, 127, -128, 44]
    assert PartialSums(8, saturate=False).held(sums.double()).tolist() == [126, -128, 0, 127, -128, 44]


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="per tensor"):
        Quantisers(activations=Quantiser(per_channel=True))
    with pytest.raises(ValueError, match="PACT"):
        Quantisers(weights=Quantiser(learned="pact"))
    with pytest.raises(ValueError, match="1 to 16 bits"):
        activation(Quantiser(), 17)
