"""A mapping: for every place of the accelerator an ordered list of loops."""

from __future__ import annotations

from dataclasses import dataclass, field

from qdsl.diagnostics import Span


@dataclass(frozen=True, slots=True)
class Loop:
    dim: str
    factor: int
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Mapping:
    """places: (place, loops) for every place of the accelerator, outermost place first; loops outermost first.

    Loops with factor 1 are left out. Invariant of a checked mapping: per dimension the factors multiply to its size.
    """

    places: tuple[tuple[str, tuple[Loop, ...]], ...]

    def loops(self, place: str) -> tuple[Loop, ...]:
        return next((loops for p, loops in self.places if p == place), ())

    def factor(self, place: str, dim: str) -> int:
        """Product of the factors of `dim` at a place (1 if it has no loop there)."""
        n = 1
        for loop in self.loops(place):
            if loop.dim == dim:
                n *= loop.factor
        return n
