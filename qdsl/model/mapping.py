"""A mapping: for every place of the accelerator an ordered list of loops."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from qdsl.diagnostics import Span
from qdsl.model.accelerator import Bypass


@dataclass(frozen=True, slots=True)
class Loop:
    dim: str
    factor: int
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Mapping:
    """places: (place, loops) for every place of the accelerator, outermost place first; loops outermost first.

    bypass: what a level may keep and does not, as (level, tensor). imperfect: '' if the factors of every dimension multiply
    to its size; else 'padded' or 'partial', what becomes of iterations past it, and some make more. Loops with factor 1
    are left out, and so are iterations that never do anything.
    """

    places: tuple[tuple[str, tuple[Loop, ...]], ...]
    bypass: Bypass = frozenset()
    imperfect: str = ""

    def loops(self, place: str) -> tuple[Loop, ...]:
        return next((loops for p, loops in self.places if p == place), ())

    def covered(self, dim: str) -> int:
        """Product of all factors of a dimension: its size, or more."""
        return prod(loop.factor for _, loops in self.places for loop in loops if loop.dim == dim)

    def factor(self, place: str, dim: str) -> int:
        """Product of the factors of `dim` at a place (1 if it has no loop there)."""
        n = 1
        for loop in self.loops(place):
            if loop.dim == dim:
                n *= loop.factor
        return n
