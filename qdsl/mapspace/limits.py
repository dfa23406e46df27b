"""Limits of what a mapping costs, and the one that is a matter of its spatial factors alone."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from math import floor

from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import ComputeInUse, Constant, Formula, Limit, Operation
from qdsl.model.operator import Problem
from qdsl.symbolic.functions import ceil_div
from qdsl.symbolic.result import Evaluation

UNITS = {"latency": "cycles", "energy": "pJ", "bandwidth": "word/cycle"}

# Energies are sums of doubles; one that is above a limit by less is not above it.
_RELATIVE_TOLERANCE = 1e-9


def is_spatial(limit: Limit, accelerator: Accelerator) -> bool:
    """Whether a mapping stays within the limit exactly if `latency_formula` is true: no bandwidth stretches the run."""
    return limit.quantity == "latency" and not any(level.all_ports for level in accelerator.levels)


def latency_formula(limit: Limit, accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int]) -> Formula:
    """What every mapping in perfect factors within a limit of the latency keeps: so many compute units are in use that
    they alone do not take longer."""
    each = accelerator.compute.cycles_per_operation(problem, bits)
    allowed = floor(limit.most) * each.denominator
    if allowed <= 0:
        return Constant(0.0)
    needed = int(ceil_div(problem.operations * each.numerator, allowed))
    in_use: Formula = ComputeInUse() if accelerator.fanouts else Constant(1.0)
    return Operation(">=", (in_use, Constant(float(needed))))


def within(limit: Limit, found: Evaluation) -> bool:
    """Whether an evaluated mapping stays within a limit."""
    return reached(limit, found) <= limit.most * (1 + _RELATIVE_TOLERANCE)


def reached(limit: Limit, found: Evaluation) -> float:
    """What is limited, in the unit of the limit."""
    if limit.quantity == "latency":
        return found.cycles
    if limit.quantity == "energy":
        return found.energy_pj
    counts = [c for _, c in found.level(limit.level).tensors]
    return sum(c.reads + c.fills + c.updates for c in counts) / found.cycles
