"""Numbers of an evaluated mapping. Section names refer to qdsl/symbolic/README.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TensorCounts:
    """One tensor at one storage level: words per instance; `energy_pj` over all used instances.

    words: what its tile occupies; reads, fills, updates: over the whole run; instances: how many are used.
    """

    words: int
    reads: int
    fills: int
    updates: int
    instances: int
    energy_pj: float


@dataclass(frozen=True, slots=True)
class LevelCounts:
    """One storage level; `tensors` holds the kept ones in operator order."""

    name: str
    tensors: tuple[tuple[str, TensorCounts], ...]

    @property
    def energy_pj(self) -> float:
        return sum(c.energy_pj for _, c in self.tensors)

    def tensor(self, name: str) -> TensorCounts:
        return dict(self.tensors)[name]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A mapping's cost. `levels` outermost first; `networks`: energy in pJ by tensor of arrays that state one, outermost
    first; `leakage_pj`: of everything over all cycles; `utilization`: used compute instances / all of them, 0..1;
    `useful`: of what these could do in all steps, the share that the problem needs, below 1 with imperfect factors only;
    `compute_cycles`: what `cycles` would be without limits of bandwidth."""

    levels: tuple[LevelCounts, ...]
    networks: tuple[tuple[str, tuple[tuple[str, float], ...]], ...]
    operations: int
    compute_energy_pj: float
    leakage_pj: float
    utilization: float
    useful: float
    compute_cycles: int
    cycles: int
    energy_pj: float

    @property
    def network_pj(self) -> float:
        return sum(pj for _, tensors in self.networks for _, pj in tensors)

    def level(self, name: str) -> LevelCounts:
        return next(x for x in self.levels if x.name == name)
