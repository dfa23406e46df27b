"""The layers that are mapped: every different one of a study, at its widest widths."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qdsl.cli.selection import widest_bits
from qdsl.model import load
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint
from qdsl.model.operator import Problem

NETWORKS = ("resnet18", "mobilenet_v1", "mobilenet_v2")
MACHINES = ("eyeriss", "simba", "three_level")


@dataclass(frozen=True)
class Question:
    layer: str
    accelerator: Accelerator
    problem: Problem
    bits: dict[str, int]
    constraints: tuple[Constraint, ...]

    @property
    def arguments(self) -> tuple[Accelerator, Problem, dict[str, int], tuple[Constraint, ...]]:
        return self.accelerator, self.problem, self.bits, self.constraints


@cache
def questions(network: str, machine: str) -> tuple[Question, ...]:
    """In the order of the network."""
    studies = load(Path(__file__).parent / "networks.qdsl").studies
    study = next(s for s in studies if s.name == f"{network}_{machine}")
    widest = widest_bits(study)
    found: dict[tuple[Problem, tuple[tuple[str, int], ...]], Question] = {}
    for x in study.network.layers:
        question = Question(x.name, study.accelerator, x.problem, widest[x.name], study.constraints)
        found.setdefault((x.problem, tuple(widest[x.name].items())), question)
    return tuple(found.values())
