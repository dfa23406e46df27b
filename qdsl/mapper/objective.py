"""What a mapper minimises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from qdsl.symbolic.result import Evaluation

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array, Fits


# Costs are sums of a few hundred float64 terms; two that differ by less are the same number.
RELATIVE_TOLERANCE = 1e-9


class Quantity(StrEnum):
    """energy: pJ; latency: cycles; edp: energy-delay product, pJ x cycles; accesses: words read from and written to the
    outermost level."""

    ENERGY = "energy"
    LATENCY = "latency"
    EDP = "edp"
    ACCESSES = "accesses"

    @property
    def unit(self) -> str:
        units = {Quantity.ENERGY: "pJ", Quantity.LATENCY: "cycles", Quantity.EDP: "pJ*cycles"}
        return units.get(self, "words")

    @property
    def whole(self) -> bool:
        """Whether it is a whole number."""
        return self in (Quantity.LATENCY, Quantity.ACCESSES)


@dataclass(frozen=True, slots=True)
class Costs:
    """Of mappings, or lower bounds on them: float64[n] each. cycles and accesses are whole numbers."""

    energy_pj: Array
    cycles: Array
    accesses: Array

    def of(self, quantity: Quantity) -> Array:
        if quantity is Quantity.EDP:
            return self.energy_pj * self.cycles
        return {Quantity.ENERGY: self.energy_pj, Quantity.LATENCY: self.cycles}.get(quantity, self.accesses)

    def at(self, n: int) -> Costs:
        """Of one of them."""
        return Costs(*(x[n : n + 1] for x in (self.energy_pj, self.cycles, self.accesses)))


@dataclass(frozen=True)
class Objective:
    """quantities: the first is minimised, the next one among all mappings that have the least of it, and so on. most_cycles:
    mappings that need more do not count."""

    quantities: tuple[Quantity, ...]
    most_cycles: int | None = None

    ENERGY: ClassVar[Objective]
    LATENCY: ClassVar[Objective]
    EDP: ClassVar[Objective]

    @classmethod
    def parse(cls, text: str) -> Objective:
        """From names of quantities with commas between, and perhaps `within 1000 cycles`. Raises ValueError if it is not that,
        or a quantity comes twice."""
        first, within, deadline = text.partition(" within ")
        names = [name.strip() for name in first.split(",")]
        known = [q.value for q in Quantity]
        if unknown := [name for name in names if name not in known]:
            raise ValueError(f"`{unknown[0]}` is none of {', '.join(known)}")
        if len(set(names)) < len(names):
            raise ValueError(f"`{text}` names a quantity twice")
        cycles = deadline.removesuffix("cycles").strip()
        if within and not (cycles.isdecimal() and len(cycles) < 19 and int(cycles)):
            raise ValueError(f"`{deadline}` is no number of cycles")
        return cls(tuple(map(Quantity, names)), int(cycles) if within else None)

    def __str__(self) -> str:
        within = "" if self.most_cycles is None else f" within {self.most_cycles} cycles"
        return ",".join(self.quantities) + within

    @property
    def unit(self) -> str:
        """Of the first quantity."""
        return self.quantities[0].unit

    @property
    def compared(self) -> tuple[Quantity, ...]:
        """The quantities, and the energy where it is among none of them: of equally fast mappings a cheap one is wanted."""
        with_energy = {Quantity.ENERGY, Quantity.EDP} & set(self.quantities)
        return self.quantities if with_energy else (*self.quantities, Quantity.ENERGY)

    def better(self, costs: Costs, best: Sequence[float] | None) -> Fits:
        """bool[n]: whether something with these costs, or more, can be better than the best values of `compared` by more
        than rounding."""
        import numpy as np

        out: Fits = np.zeros(costs.energy_pj.shape, dtype=bool)
        equal = np.isfinite(costs.energy_pj)
        if self.most_cycles is not None:
            equal = equal & (costs.cycles <= self.most_cycles)
        if best is None:
            return equal
        for quantity, known in zip(self.compared, best, strict=True):
            values = costs.of(quantity)
            noise = 0.0 if quantity.whole else RELATIVE_TOLERANCE * known
            out |= equal & (values < known - noise)
            equal = equal & (values <= known + noise)
        return out


Objective.ENERGY = Objective((Quantity.ENERGY,))
Objective.LATENCY = Objective((Quantity.LATENCY,))
Objective.EDP = Objective((Quantity.EDP,))


def value_of(objective: Objective, found: Evaluation) -> float:
    """The first quantity of an evaluated mapping."""
    return value(objective.quantities[0], found)


def value(quantity: Quantity, found: Evaluation) -> float:
    """A quantity of an evaluated mapping."""
    if quantity is Quantity.ENERGY:
        return found.energy_pj
    if quantity is Quantity.LATENCY:
        return float(found.cycles)
    if quantity is Quantity.EDP:
        return found.energy_pj * found.cycles
    return float(sum(c.reads + c.fills + c.updates for _, c in found.levels[0].tensors))
