"""Many mappings of a space by rank at once: at every stage all ranks choose among the moves together."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from qdsl.mapspace.lattice import exponent_of
from qdsl.mapspace.stages import START, Key, Move, Stage
from qdsl.mapspace.sweep import Sweep, Ways

if TYPE_CHECKING:
    from qdsl.mapspace.lattice import Ints

# Numbers of mappings below it are added in int64.
_SMALL = 2**62


def decisions_of(
    sweep: Sweep,
    stages: Sequence[Stage],
    ways: Sequence[Ways],
    arriving: Sequence[MappingABC[Key, tuple[Move, ...]]],
    ranks: Sequence[int],
) -> tuple[Ints, Ints]:
    """int64[stages, ranks]: the factor that every stage decides on, and the rank of the loop order where it completes a
    level. ways[i]: those that lead to stage i; arriving[i]: its moves by the key they lead to; ranks: below their total."""
    import numpy as np

    factors = np.ones((len(stages), len(ranks)), dtype=np.int64)
    orders = np.zeros_like(factors)
    numbers: type = np.int64 if max(ranks, default=0) < _SMALL else object
    left: Any = np.array(ranks, dtype=numbers)
    exponents = np.zeros((len(sweep.lattice.axes), len(ranks)), dtype=np.int64)
    at = {START: np.arange(len(ranks))}
    for stage in reversed(range(len(stages))):
        after: dict[Key, list[Ints]] = {}
        for key, here in at.items():
            moves = arriving[stage][key]
            steps = [_step(sweep, stages[stage].dim, move.factor) for move in moves]
            shares = np.stack(
                [
                    move.weight * _numbers(sweep, ways[stage][move.before], exponents[:, here] + step[:, None], numbers)
                    for move, step in zip(moves, steps, strict=True)
                ]
            )
            ends = np.cumsum(shares, axis=0)
            chosen = (left[here] >= ends).sum(axis=0)
            left[here] -= np.take_along_axis(ends - shares, chosen[None], axis=0)[0]
            for i, (move, step) in enumerate(zip(moves, steps, strict=True)):
                which = here[chosen == i]
                if len(which):
                    factors[stage, which] = move.factor
                    left[which], orders[stage, which] = left[which] // move.weight, left[which] % move.weight
                    exponents[:, which] += step[:, None]
                    after.setdefault(move.before, []).append(which)
        at = {key: np.concatenate(found) for key, found in after.items()}
    return factors, orders


def _step(sweep: Sweep, dim: str, factor: int) -> Ints:
    """int64[axes]: what a factor adds to the exponents."""
    import numpy as np

    return np.array([exponent_of(p, factor) if d == dim else 0 for d, p, _ in sweep.lattice.axes], dtype=np.int64)


def _numbers(sweep: Sweep, ways: Ints, exponents: Ints, dtype: type) -> Any:
    """dtype[ranks]: the numbers of ways at these extents, 0 where they do not divide the sizes."""
    import numpy as np

    whole = np.array(sweep.lattice.whole, dtype=np.int64)[:, None]
    digits: Any = ways[:, 0][:, *np.minimum(exponents, whole)].astype(dtype)
    # all ways at an extent on the path to a rank lead to mappings: their number is below the total
    used = range(len(digits)) if dtype is object else range(min(len(digits), 1 + 62 // sweep.base_bits))
    found = sum(digits[i] << sweep.base_bits * i for i in used)
    return np.where((exponents <= whole).all(axis=0), found, 0)
