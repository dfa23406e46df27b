"""Observers of ranges."""

from __future__ import annotations

import warnings

import pytest
import torch

from qdsl.quant import Quantiser
from qdsl.quant.grid import affine, symmetric
from qdsl.quant.ranges import EVERY, Observer

BITS = torch.full((1,), 8.0)


def sample(rows: int = 1, n: int = 1000) -> torch.Tensor:
    return torch.randn(rows, n, generator=torch.Generator().manual_seed(3)) + 0.5


@pytest.mark.parametrize("centred", [False, True])
def test_minmax_is_that_of_torch_but_for_the_short_scale(centred: bool) -> None:
    from torch.ao.quantization import MinMaxObserver

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.ao is to move to another package
        scheme = torch.per_tensor_symmetric if centred else torch.per_tensor_affine
        observer = MinMaxObserver(dtype=torch.qint8 if centred else torch.quint8, qscheme=scheme)
    x = sample()
    observer(x)
    scale, zero = observer.calculate_qparams()
    lo, hi = Quantiser(symmetric=centred).range_of(x, 8, True)
    grid = symmetric(torch.maximum(-lo, hi), BITS) if centred else affine(lo, hi, BITS)
    assert float(scale) <= float(grid.scale) <= float(scale) * (1 + 2**-7)
    assert abs(int(zero) - int(grid.zero)) <= 1


def test_percentile_leaves_out_the_tails() -> None:
    x = torch.arange(1000.0).unsqueeze(0)
    assert [float(v) for v in Quantiser(ranges="percentile", percentile=99).range_of(x, 8, True)] == [10, 989]
    assert [float(v) for v in Quantiser(ranges="percentile", percentile=100).range_of(x, 8, True)] == [0, 999]


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("centred", [False, True])
def test_mse_has_no_larger_error_than_minmax(bits: int, centred: bool) -> None:
    x = sample(3)
    width = torch.full((3,), float(bits))
    errors = []
    for how in ("mse", "minmax"):
        quantiser = Quantiser(symmetric=centred, ranges=how)
        grid = quantiser.grid(*quantiser.range_of(x, bits, True), width, True).expanded((-1, 1))
        errors.append((grid(x) - x).square().mean(1))
    assert torch.all(errors[0] <= errors[1])
    assert bits == 8 or (bits == 1 and centred) or torch.all(errors[0] < errors[1])


def test_one_bit_takes_the_mean_magnitude() -> None:
    x = sample()
    lo, hi = Quantiser(symmetric=True).range_of(x, 1, True)
    assert torch.allclose(hi, x.abs().mean(1)) and torch.equal(lo, -hi)


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="ranges are of"):
        Quantiser(ranges="entropy")
    with pytest.raises(ValueError, match="percentile"):
        Quantiser(percentile=20)


def test_the_range_of_least_error_is_looked_for_now_and_then_while_trained() -> None:
    settings = Quantiser(ranges="mse", symmetric=True)
    observer = Observer(settings)
    x, other = sample(2), sample(2) ** 3  # the tails of the other are longer, so less of its range is covered
    first = settings.range_of(x, 3, True)
    share, extreme = first[1] / x.amax(1), other.amax(1)
    for i in range(2 * EVERY):
        found = observer.range_of(x if i == 0 else other, 3, True, training=True)[1]
        wanted = first[1] if i == 0 else share * extreme if i < EVERY else settings.range_of(other, 3, True)[1]
        assert torch.equal(found, wanted), i
    exact = settings.range_of(x, 3, True)
    assert torch.equal(torch.stack(observer.range_of(x, 3, True, training=False)), torch.stack(exact))
    assert not torch.equal(share * extreme, settings.range_of(other, 3, True)[1])


def test_a_training_looks_for_the_ranges_of_all_widths_on_their_own() -> None:
    settings = Quantiser(ranges="mse", symmetric=True)
    observer = Observer(settings)
    x = sample(2)
    for bits in (2, 4, 2, 4):
        found = observer.range_of(x, bits, True, training=True)
        assert torch.equal(found[1], settings.range_of(x, bits, True)[1])
