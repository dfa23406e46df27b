"""The exact search of one space at given widths, for any goal: every spatial plan, best bound first.

A plan's least costs, each by itself, bound those of its mappings. If a goal looks at one of them only, the mapping that has
it is the plan's answer. Otherwise paths are followed with all costs that matter (`labels`): at first without bandwidths, then
with those that the answers turn out to exceed, until there are none.
"""

from __future__ import annotations

import time
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from qdsl.mapper.batch import Batch
from qdsl.mapper.bounds import plan_bounds, plan_steps
from qdsl.mapper.clock import Clock, Gate, gates, missed
from qdsl.mapper.goal import Goal, Point, point_of
from qdsl.mapper.labels import OutOfReach, paths
from qdsl.mapper.objective import RELATIVE_TOLERANCE, Costs, Quantity
from qdsl.mapper.padded import without_idle
from qdsl.mapper.pins import pin_choices
from qdsl.mapper.plans import Plan, spatial_plans
from qdsl.mapper.recover import best_of_plan
from qdsl.mapper.remaining import Remaining
from qdsl.mapper.sweep import States, Sweep
from qdsl.mapspace.limits import within
from qdsl.mapspace.space import Space
from qdsl.mapspace.violations import constraint_violations
from qdsl.model.constraint import Constraint
from qdsl.symbolic import evaluate

if TYPE_CHECKING:
    from qdsl.mapper.lattice import Array
    from qdsl.model.mapping import Mapping


@dataclass
class Exploration:
    """A space with its goal. only: the one plan to search, if not all. left: costs that bound those of the mappings which
    were not searched, one row each; plans: how many there are; searched: how many of them were."""

    space: Space
    bits: MappingABC[str, int]
    constraints: tuple[Constraint, ...]
    goal: Goal
    deadline: float | None
    only: Plan | None = None
    left: list[Costs] = field(default_factory=list)
    plans: int = 0
    searched: int = 0

    def run(self) -> None:
        """Adds to the goal all that this space can add, but for what is `left`."""
        plans = [self.only] if self.only else list(spatial_plans(self.space))
        self.plans = len(plans)
        if not plans:
            return
        every = replace(self._clock, gates=self._gates)
        bounded = self._batch(every)
        cycles = bounded.cycles(plan_steps(bounded, plans))[0]
        bounds = every.costs(plan_bounds(bounded, plans), cycles)
        base = self._batch(self._clock)
        remaining: Remaining | None = None
        for i in np.lexsort(self.goal.keys(bounds)[::-1]):
            bound = bounds.at(i)
            if not self.goal.promising(bound).any():
                continue
            if self.deadline is not None and time.perf_counter() > self.deadline:
                self.left.append(bound)
                continue
            remaining = Remaining.once_worth(base, self.searched, remaining)
            self.searched += 1
            for pins in pin_choices(base, plans[i]):
                self._search(Sweep.of(base, plans[i], pins), bound, float(cycles[i]), remaining)

    @cached_property
    def _clock(self) -> Clock:
        return Clock(self.space, Quantity.ACCESSES in self.goal.quantities)

    @cached_property
    def _gates(self) -> tuple[Gate, ...]:
        """The ports that matter: all, if the goal or a limit depends on the cycles."""
        of_time = {Quantity.LATENCY, Quantity.EDP} & self.goal.quantities
        limited = any(x.quantity != "energy" for x in self.space.limits)
        return gates(self.space) if of_time or limited or self.space.accelerator.leakage_pj else ()

    def _batch(self, clock: Clock) -> Batch:
        return Batch.of_measures(self.space, self.bits, clock.measures)

    def _search(self, sweep: Sweep, bound: Costs, cycles: float, remaining: Remaining | None) -> None:
        """Adds what one plan with pinned extents can add. bound: of its costs; cycles: of its compute units."""
        clock = self._clock

        def costs(rows: Array) -> Costs:
            found = clock.costs(rows, cycles)
            return replace(found, cycles=np.maximum(found.cycles, bound.cycles))

        def hopeless(states: States, item: int) -> bool:
            return remaining is not None and remaining.exclude(
                sweep, lambda rows: not self.goal.promising(costs(rows)).any(), states, item
            )

        ideal = costs(sweep.least(hopeless)[:, None])
        if not self.goal.promising(ideal).any():
            return
        if len(clock.measures) == 1:
            if not (self._gates or self.space.limits or self.space.problem.needed):
                self.goal.add(Point(ideal, lambda: best_of_plan(sweep)[1]))
                return
            least, mapping = best_of_plan(sweep)
            exceeded = self._settled(mapping, least, clock, ideal)
            if not exceeded:
                return
            clock = replace(clock, gates=tuple(exceeded))
        following: Clock | None = clock
        try:
            while following:
                following = self._followed(sweep, following, cycles)
        except OutOfReach:
            self.left.append(ideal)

    def _followed(self, sweep: Sweep, clock: Clock, cycles: float) -> Clock | None:
        """Adds what following the paths of a plan finds; the clock with further ports if some are exceeded."""
        sweep = Sweep.of(self._batch(clock), sweep.plan, sweep.pins)
        found = paths(sweep, lambda rows: self.goal.promising(clock.costs(rows, cycles)), self.deadline)
        claims = clock.costs(found.costs, cycles)
        exceeded: dict[Gate, None] = {}
        for n in self.goal.choose(claims):
            more = self._settled(found.mapping(int(n)), float(found.costs[0, n]), clock, claims.at(n))
            exceeded |= dict.fromkeys(more)
        return replace(clock, gates=(*clock.gates, *exceeded)) if exceeded else None

    def _settled(self, mapping: Mapping, least: float, clock: Clock, claim: Costs) -> list[Gate]:
        """Makes a mapping known; the ports that make it cost more than claimed. least: its energy without waiting for them."""
        found = evaluate(self.space.accelerator, self.space.problem, self.bits, mapping)
        waiting_pj = self.space.accelerator.leakage_pj * (found.cycles - found.compute_cycles)
        if abs(found.energy_pj - waiting_pj - least) > RELATIVE_TOLERANCE * found.energy_pj:
            raise RuntimeError(f"the mapper's {least} pJ and the model's {found.energy_pj} pJ differ for {mapping}")
        exceeded = missed(self._gates, clock.gates, found, float(claim.cycles[0]))
        if self.space.problem.needed:
            mapping = without_idle(self.space.problem.unpadded, mapping)
            found = evaluate(self.space.accelerator, self.space.problem.unpadded, self.bits, mapping)
        if all(within(limit, found) for limit in self.space.limits) and self._admits(mapping):
            self.goal.add(point_of(mapping, found))
        elif not exceeded:
            # another mapping of this plan may be legal, at a higher cost
            self.left.append(claim)
        return exceeded

    def _admits(self, mapping: Mapping) -> bool:
        """Whether a mapping still keeps the constraints without iterations that do nothing."""
        given = (self.space.accelerator, self.space.problem.unpadded, self.bits, mapping)
        return not mapping.imperfect or not constraint_violations(self.constraints, *given)
