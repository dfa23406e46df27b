"""Exact fronts of additive errors."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from qdsl.quant import build
from qdsl.quant.allocation import Part, best_allocations, together, weight_errors
from tests.quant.networks import NARROW, written

WIDTHS = (2, 4, 8)


@pytest.mark.parametrize("seed", range(5))
def test_the_front_is_that_of_all_choices(seed: int) -> None:
    draw = np.random.default_rng(seed)
    parts = [Part(tuple(draw.integers(1, 9, 3).tolist()), tuple(draw.integers(0, 9, 3).tolist())) for _ in range(5)]
    found = best_allocations(parts)
    everything = [
        (
            sum(p.sizes[i] for p, i in zip(parts, c, strict=True)),
            sum(p.errors[i] for p, i in zip(parts, c, strict=True)),
        )
        for c in product(range(3), repeat=5)
    ]
    front = {a for a in everything if not any(b != a and b[0] <= a[0] and b[1] <= a[1] for b in everything)}
    assert set(zip(found.sizes.tolist(), found.errors.tolist(), strict=True)) == front
    for size, choice in zip(found.sizes, found.choices, strict=True):
        assert size == sum(p.sizes[i] for p, i in zip(parts, choice, strict=True))


def test_channels_that_choose_alone_are_nowhere_behind_layers(tmp_path: Path) -> None:
    table = weight_errors(build(written(NARROW, tmp_path), seed=1), WIDTHS)
    per_channel = best_allocations([part for parts in table.values() for part in parts])
    per_layer = best_allocations([together(parts) for parts in table.values()])
    reached = [per_channel.errors[per_channel.sizes <= size].min() for size in per_layer.sizes]
    slack = 1e-12  # the same terms in another order
    assert (np.array(reached) <= per_layer.errors + slack).all()
    assert (np.array(reached) < 0.999 * per_layer.errors).any()
    assert per_layer.sizes[0] == 2 * 4964 and per_layer.sizes[-1] == 8 * 4964
