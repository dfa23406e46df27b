"""From the costs of a search to what a mapping costs: how long it takes, and what that adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from qdsl.mapper.measure import ENERGY, Flow, Measure, words_through
from qdsl.mapper.objective import RELATIVE_TOLERANCE, Costs
from qdsl.mapspace.space import Space
from qdsl.model.accelerator import StorageLevel
from qdsl.symbolic.result import Evaluation

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array, Fits

# A quotient of doubles may be above a whole number that it is.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Gate:
    """A flow and how many of its words pass in a cycle: a side of a port."""

    level: str
    flow: Flow
    words_per_cycle: float

    def cycles(self, words: Array) -> Array:
        """At the least: float64."""
        cycles: Array = np.ceil(words / self.words_per_cycle * (1 - _ROUNDING))
        return cycles


def gates(space: Space) -> tuple[Gate, ...]:
    """The sides of ports with a bandwidth."""
    out = []
    names = [t.name for t in space.problem.operator.tensors]
    for item, level in enumerate(space.accelerator.hierarchy):
        if isinstance(level, StorageLevel):
            for port in level.all_ports:
                tensors = frozenset(t for t in names if level.keeps(t) and level.serves(port, t))
                for bandwidth, reads in ((port.read, True), (port.write, False)):
                    if bandwidth is not None and tensors:
                        out.append(Gate(level.name, Flow(item, tensors, reads, not reads), bandwidth))
    return tuple(out)


def outermost_accesses(space: Space) -> Flow:
    """The accesses of the level that is furthest from the compute units."""
    return Flow(0, frozenset(t.name for t in space.problem.operator.tensors), True, True)


@dataclass(frozen=True)
class Clock:
    """measures: the rows of a batch in this order: the energy, if asked for the accesses of the outermost level, flows of
    ports, flows that are limited (most words)."""

    space: Space
    accesses: bool
    gates: tuple[Gate, ...] = ()

    @property
    def measures(self) -> tuple[Measure, ...]:
        accesses = (words_through(outermost_accesses(self.space)),) if self.accesses else ()
        limited = (words_through(flow) for flow, _ in self._limited)
        return (ENERGY, *accesses, *(words_through(g.flow) for g in self.gates), *limited)

    @cached_property
    def _limited(self) -> tuple[tuple[Flow, float], ...]:
        """Flows with a limit in words per cycle, where no bandwidth stretches the run: then its cycles are known."""
        if gates(self.space):
            return ()
        hierarchy = self.space.accelerator.hierarchy
        names = frozenset(t.name for t in self.space.problem.operator.tensors)
        items = {part.name: i for i, part in enumerate(hierarchy)}
        limits = (x for x in self.space.limits if x.quantity == "bandwidth")
        return tuple((Flow(items[x.level], names, True, True), x.most) for x in limits)

    def costs(self, rows: Array, compute_cycles: Array | float) -> Costs:
        """float64[rows, n] -> what a mapping with these, and so many cycles of its compute units, costs at the least.
        Energy inf: beyond a limit."""
        cycles = np.broadcast_to(np.asarray(compute_cycles, dtype=float), rows.shape[1:])
        first = 1 + self.accesses
        for gate, words in zip(self.gates, rows[first:], strict=False):
            cycles = np.maximum(cycles, gate.cycles(words))
        leakage_pj = self.space.accelerator.leakage_pj
        # not 0 * inf, where no mapping goes on
        energy_pj = rows[0] + leakage_pj * (cycles - compute_cycles) if leakage_pj else rows[0]
        accesses = rows[1] if self.accesses else np.zeros_like(cycles)
        beyond = self._beyond(energy_pj, cycles)
        for (_, most), words in zip(self._limited, rows[first + len(self.gates) :], strict=True):
            beyond = beyond | (words > most * cycles * (1 + RELATIVE_TOLERANCE))
        return Costs(np.where(beyond, np.inf, energy_pj), cycles, accesses)

    def _beyond(self, energy_pj: Array, cycles: Array) -> Fits:
        out: Fits = np.zeros(cycles.shape, dtype=bool)
        for limit in self.space.limits:
            if limit.quantity != "bandwidth":
                reached = cycles if limit.quantity == "latency" else energy_pj
                out = out | (reached > limit.most * (1 + RELATIVE_TOLERANCE))
        return out


def missed(every: Sequence[Gate], known: Sequence[Gate], found: Evaluation, cycles: float) -> list[Gate]:
    """Gates besides the known ones through which a mapping's words need more than so many cycles."""
    out = []
    for gate in every:
        rows = [c for t, c in found.level(gate.level).tensors if t in gate.flow.tensors]
        words = sum(c.reads if gate.flow.reads else c.fills + c.updates for c in rows)
        if gate not in known and gate.cycles(np.array(float(words))) > cycles:
            out.append(gate)
    return out
