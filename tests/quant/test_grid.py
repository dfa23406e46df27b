"""Grids: against torch's own quantisation where it has the same, and by hand elsewhere."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from qdsl.quant.grid import Grid, affine, short, straight, symmetric

GENERATOR_SEED = 7


def values(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(GENERATOR_SEED)) * 3 + 1


def tensor(x: float) -> Tensor:
    return torch.tensor([x])


@pytest.mark.parametrize(
    ("bits", "width"),
    # torch multiplies by 1 / scale: with many codes that is only the same where the scale is a power of two
    [(1, 8.0), (2, 8.0), (3, 8.0), (8, 8.0), (12, (2**12 - 1) / 2**9), (16, (2**16 - 1) / 2**13)],
)
def test_equal_to_torch_per_tensor_with_the_gradient(bits: int, width: float) -> None:
    x = values(4096).requires_grad_()
    grid = affine(tensor(-3 / 8 * width), tensor(5 / 8 * width), tensor(bits))
    ours = grid(x)
    (gradient,) = torch.autograd.grad(ours.square().sum(), x)
    args = (float(grid.scale), int(grid.zero), int(grid.low), int(grid.high))
    theirs = torch.fake_quantize_per_tensor_affine(x, *args)
    assert torch.equal(ours, theirs)
    assert torch.equal(gradient, torch.autograd.grad(theirs.square().sum(), x)[0])


def test_equal_to_torch_per_channel() -> None:
    x = values(6, 300)
    grid = symmetric(x.abs().amax(1, keepdim=True), torch.full((6, 1), 4.0))
    scale, zero = grid.scale.reshape(-1), grid.zero.reshape(-1).int()
    assert torch.equal(grid(x), torch.fake_quantize_per_channel_affine(x, scale, zero, 0, -8, 7))


def test_learned_step_has_the_gradient_of_torch() -> None:
    x = values(500)
    ours = short(tensor(0.3)).detach().requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    grid = Grid(ours, tensor(0.0), tensor(-4.0), tensor(3.0))
    grid(x).square().sum().backward()  # type: ignore[no-untyped-call]
    found = torch._fake_quantize_learnable_per_tensor_affine(x, theirs, tensor(0.0), -4, 3, 1.0)
    found.square().sum().backward()  # type: ignore[no-untyped-call]
    assert ours.grad is not None and theirs.grad is not None
    assert torch.allclose(ours.grad, theirs.grad, rtol=1e-4)


def test_scales_are_the_next_of_eight_significant_bits() -> None:
    scales = torch.tensor([1.0, 0.1, 3.14159, 1e-6, 255 / 256, 1.001])
    found = short(scales)
    assert torch.all((found >= scales) & (found <= scales * (1 + 2**-7)))
    mantissas = torch.frexp(found).mantissa * 2**8
    assert torch.equal(mantissas, mantissas.round())
    assert found[0] == 1 and found[4] == 255 / 256 and found[5] == 1 + 2**-7
    assert torch.equal(short(torch.zeros(2)), torch.ones(2))


def test_by_hand() -> None:
    two_bits = affine(tensor(-1.0), tensor(2.0), tensor(2))
    assert [float(t) for t in (two_bits.scale, two_bits.zero, two_bits.low, two_bits.high)] == [1, 1, 0, 3]
    x = torch.tensor([-9.0, -0.6, -0.5, 0.4, 0.5, 1.5, 9.0])
    assert two_bits(x).tolist() == [-1, -1, 0, 0, 0, 2, 2]  # ties to even
    # A range without 0 is widened to it, so that padding stays exact.
    assert float(affine(tensor(2.0), tensor(3.0), tensor(2))(torch.zeros(1))) == 0
    signed = symmetric(tensor(3.5), tensor(3))
    assert (float(signed.scale), float(signed.low), float(signed.high)) == (1, -4, 3)
    assert symmetric(tensor(7.0), tensor(3), signed=False)(torch.tensor([-1.0, 6.6, 9.0])).tolist() == [0, 7, 7]


def test_one_bit_with_sign_has_two_opposite_values() -> None:
    grid = symmetric(tensor(2.0), tensor(1))
    assert grid(torch.tensor([-5.0, -0.1, 0.1, 5.0])).tolist() == [-2, -2, 2, 2]
    assert float(grid.unit) * 2 == float(grid.scale) == 4


def test_straight_is_the_value_with_the_other_gradient() -> None:
    x = values(5).requires_grad_()
    out = straight(x, torch.round(x))
    assert torch.equal(out, torch.round(x))
    assert torch.equal(torch.autograd.grad(out.sum(), x)[0], torch.ones(5))
