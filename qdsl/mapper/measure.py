"""What the costs of a search are: sums over all traffic, of energy and of words that pass certain memories."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Flow:
    """Words of some tensors through one instance of the level at an item: reads (and what it passes on), writes (fills and
    updates), or both."""

    item: int
    tensors: frozenset[str]
    reads: bool
    writes: bool


@dataclass(frozen=True, slots=True)
class Measure:
    """Weights: of the energy in pJ, and of flows in words."""

    energy: float = 0.0
    flows: tuple[tuple[Flow, float], ...] = ()

    def of(self, tensor: str) -> Measure:
        """What the traffic of one tensor adds."""
        return Measure(self.energy, tuple((f, w) for f, w in self.flows if tensor in f.tensors))

    def outside(self, item: int) -> Measure:
        """Without the flows of an item and of what is inside it."""
        return Measure(self.energy, tuple((f, w) for f, w in self.flows if f.item < item))


ENERGY = Measure(1.0)


def words_through(flow: Flow) -> Measure:
    """A flow by itself."""
    return Measure(0.0, ((flow, 1.0),))
