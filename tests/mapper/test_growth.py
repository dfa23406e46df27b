"""Steps over tile extents, outwards and inwards, against their definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdsl.mapper.growth import Grow, Slide, growth
from qdsl.mapper.labels import Labels, _undominated
from qdsl.mapspace import divisors_of

EXTENTS = st.sampled_from([1, 2, 4, 6, 8, 12]).flatmap(
    lambda n: st.sets(st.sampled_from(divisors_of(n)), min_size=1).map(lambda s: tuple(sorted(s)))
)


@given(EXTENTS, EXTENTS, st.booleans(), st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_growth_takes_the_least_cost_both_ways(
    inner: tuple[int, ...], outer: tuple[int, ...], same: bool, seed: int
) -> None:
    outer = inner if same else outer
    table = growth(inner, outer, (1, 2, 3, 4, 6, 12))
    draw = np.random.default_rng(seed)
    inside, outside = draw.random((2, len(inner), 3)), draw.random((2, len(outer), 3))
    pairs = [(i, j) for i, a in enumerate(inner) for j, e in enumerate(outer) if e % a == 0 and e // a != 8]
    up, down = np.full(outside.shape, np.inf), np.full(inside.shape, np.inf)
    for i, j in pairs:
        up[:, j] = np.minimum(up[:, j], inside[:, i])
        down[:, i] = np.minimum(down[:, i], outside[:, j])
    assert (Grow(1, table).outwards(inside) == up).all()
    assert (Grow(1, table).inwards(outside) == down).all()

    charge = draw.random((1, len(inner), 3, len(outer)))
    up, down = np.full(outside.shape, np.inf), np.full(inside.shape, np.inf)
    for i, j in pairs:
        up[:, j] = np.minimum(up[:, j], inside[:, i] + charge[:, i, :, j])
        down[:, i] = np.minimum(down[:, i], outside[:, j] + charge[:, i, :, j])
    slide = Slide(1, table, charge)
    assert (slide.outwards(inside) == up).all()
    assert (slide.inwards(outside) == down).all()


@given(st.integers(1, 4), st.lists(st.tuples(st.integers(0, 2), *[st.integers(0, 5)] * 4), min_size=1, max_size=40))
@settings(max_examples=300, deadline=None)
def test_a_label_is_dropped_only_if_another_one_beats_it(rows: int, drawn: list[tuple[int, ...]]) -> None:
    every = np.array(drawn)
    none = np.zeros(len(every), dtype=np.int64)
    labels = Labels(every[:, :1], every[:, 1 : 1 + rows].T.astype(float), none, np.arange(len(every)))
    kept = _undominated(labels, (3,))
    costs = {(int(labels.at[i, 0]), *labels.costs[:, i].tolist()) for i in range(len(labels))}
    front = {c for c in costs if not any(o != c and o[0] == c[0] and (np.array(o) <= c).all() for o in costs)}
    left = [(int(kept.at[i, 0]), *kept.costs[:, i].tolist()) for i in range(len(kept))]
    assert set(left) == front
    assert len(left) == len(front)


@pytest.mark.parametrize("extents", [(1, 2, 4, 8), (1, 2, 3, 6), (1, 5)])
def test_a_running_minimum_does_what_the_whole_table_does(extents: tuple[int, ...]) -> None:
    whole = growth(extents, extents, extents)
    assert whole.covers is not None
    costs = np.random.default_rng(1).random((1, len(extents)))
    least = [min(costs[0, i] for i, a in enumerate(extents) if e % a == 0) for e in extents]
    assert Grow(1, whole).outwards(costs)[0].tolist() == least
