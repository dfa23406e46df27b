"""Layers that share one choice of spatial factors: the choice for which their energies add up to the least."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, field

import numpy as np

from qdsl.mapper.batch import Batch
from qdsl.mapper.bounds import plan_bounds
from qdsl.mapper.every_width import least_energies_pj, recover_mapping
from qdsl.mapper.objective import RELATIVE_TOLERANCE, Objective
from qdsl.mapper.plans import Plan, cost_key, every_plan
from qdsl.mapper.result import MapResult, Optimum
from qdsl.mapper.supported import untimed_spaces
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Same
from qdsl.model.operator import Problem
from qdsl.symbolic import evaluate

# The spatial loops of a mapping: (place, dimension, factor), with factors > 1.
Spatial = tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Part:
    """A layer of a group. times: how many layers there are of this problem and these widths."""

    problem: Problem
    bits: MappingABC[str, int]
    constraints: tuple[Constraint, ...]
    times: int = 1


def best_together(
    accelerator: Accelerator, parts: Sequence[Part], time_limit_s: float | None = None
) -> tuple[MapResult, ...]:
    """Mappings with the same spatial loops whose energies, each times its part's number of layers, add up to the least.

    The status is about the sum: 'optimal' if no other choice has a smaller one. Every lower bound is that of the layer by
    itself, with any spatial factors that all layers can have. Raises SpecError for a constraint that cannot be kept.
    """
    started = time.perf_counter()
    deadline = np.inf if time_limit_s is None else started + time_limit_s
    layers = [_Layer(accelerator, part) for part in parts]
    choices = [c for c in layers[0].bounds if all(c in layer.bounds for layer in layers[1:])]
    bounds = {c: sum(x.part.times * x.bounds[c] for x in layers) for c in choices}
    best, chosen, complete, searched = np.inf, None, True, 0
    for choice in sorted(choices, key=lambda c: (bounds[c], c)):
        if bounds[choice] >= best * (1 - RELATIVE_TOLERANCE):
            break
        if time.perf_counter() > deadline:
            complete = False
            break
        searched += 1
        total = sum(x.part.times * x.energy_pj(choice) for x in layers)
        if total < best:
            best, chosen = total, choice
    return tuple(_answer(x, choices, chosen, complete, searched, time.perf_counter() - started) for x in layers)


def _answer(
    layer: _Layer, choices: Sequence[Spatial], chosen: Spatial | None, complete: bool, searched: int, seconds: float
) -> MapResult:
    bound = min((layer.bounds[c] for c in choices), default=None)
    if chosen is None:
        status, bound = ("infeasible", None) if complete else ("unknown", bound)
        return MapResult(status, None, None, seconds, Objective.ENERGY, None, bound, len(choices), searched)
    optimum = layer.optimum(chosen)
    mapping = recover_mapping(layer.accelerator, layer.part.problem, layer.part.bits, layer.constraints, optimum)
    found = evaluate(layer.accelerator, layer.part.problem, layer.part.bits, mapping)
    # a bandwidth may stretch the mapping, which adds leakage
    tight = complete and found.energy_pj <= optimum.energy_pj * (1 + RELATIVE_TOLERANCE)
    status = "optimal" if tight else "feasible"
    return MapResult(status, mapping, found, seconds, Objective.ENERGY, found.energy_pj, bound, len(choices), searched)


@dataclass
class _Layer:
    """bounds: spatial choice -> least energy that any mapping with it can have."""

    accelerator: Accelerator
    part: Part
    bounds: dict[Spatial, float] = field(init=False, default_factory=dict)
    _plans: dict[Spatial, list[tuple[Batch, Plan, object]]] = field(init=False, default_factory=dict)
    _known: dict[object, float] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        for batch, plans in self._every_plan():
            keys = [(batch.space.key, cost_key(batch.space, plan)) for plan in plans]
            distinct = dict(zip(keys, plans, strict=True))
            known = dict(zip(distinct, plan_bounds(batch, list(distinct.values()))[0].tolist(), strict=True))
            for plan, key in zip(plans, keys, strict=True):
                choice = tuple(sorted(plan.places))
                self._plans.setdefault(choice, []).append((batch, plan, key))
                self.bounds[choice] = min(self.bounds.get(choice, np.inf), known[key])

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        return tuple(c for c in self.part.constraints if not isinstance(c, Same))

    def _every_plan(self) -> Iterator[tuple[Batch, list[Plan]]]:
        for space in untimed_spaces(self.accelerator, self.part.problem, self.part.bits, self.constraints):
            if plans := list(every_plan(space)):
                yield Batch.of_energies(space, (self.part.bits,)), plans

    def energy_pj(self, choice: Spatial) -> float:
        """The least energy with these spatial factors, inf without a legal mapping."""
        return min(self._energy_pj(*found) for found in self._plans[choice])

    def _energy_pj(self, batch: Batch, plan: Plan, key: object) -> float:
        if key not in self._known:
            self._known[key] = float(least_energies_pj(batch, plan)[0])
        return self._known[key]

    def optimum(self, choice: Spatial) -> Optimum:
        batch, plan, key = min(self._plans[choice], key=lambda found: self._energy_pj(*found))
        return Optimum("optimal", self._energy_pj(batch, plan, key), plan.places, batch.space.bypass)
