"""Content addresses of solved layers: equal keys mean equal optimal energies.

A key covers the meaning of the question only. Names of files, accelerators and operators, the sources of numbers, the
clock and the layout of the text change nothing; names of levels, tensors and dimensions do, because the answer uses
them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from qdsl.mapper.objective import Objective
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Bits, Constraint, Formula, Operation, Require, Scope
from qdsl.model.mapper import EXACT, ExactMapper, MapperChoice
from qdsl.model.operator import Problem
from qdsl.study.codec import Json, to_json
from qdsl.symbolic.widths import cost_key

COST_MODEL = 3
"""Version of the counting rules and of the mapper's answers: raised whenever one of them changes."""


def applying(constraints: Sequence[Constraint], problem: Problem) -> tuple[Constraint, ...]:
    """The constraints whose scope includes the problem."""
    return tuple(c for c in constraints if c.scope.includes(problem))


def cost_class(
    accelerator: Accelerator, problem: Problem, bits: Mapping[str, int], constraints: Sequence[Constraint]
) -> tuple[object, ...]:
    """Assignments of bit-widths with equal classes have the same legal mappings at the same cost.

    Widths that fill the words alike belong together, unless a constraint that applies reads the width itself.
    """
    read = sorted({t for c in applying(constraints, problem) for f in _formulas(c) for t in _tensors_read(f)})
    return (cost_key(accelerator, problem, bits), tuple((t, bits[t]) for t in read if t in bits))


class KeyMaker:
    """Store keys of one problem on one accelerator under the constraints that apply. What a mapper without a proof finds
    depends on the mapper, too. objective: of the mappings."""

    def __init__(
        self,
        accelerator: Accelerator,
        problem: Problem,
        constraints: Sequence[Constraint],
        mapper: MapperChoice = EXACT,
        objective: Objective = Objective.ENERGY,
    ) -> None:
        self._question = canonical(question(accelerator, problem, constraints))
        self._how = () if isinstance(mapper, ExactMapper) else (to_json(mapper, MapperChoice),)
        if objective != Objective.ENERGY:
            self._how = (*self._how, str(objective))

    def key(self, cost_class: tuple[object, ...]) -> str:
        """Hexadecimal SHA-256 of the question for one class of bit-widths (see `cost_class`)."""
        return digest([self._question, cost_class, *self._how])


def question(accelerator: Accelerator, problem: Problem, constraints: Sequence[Constraint]) -> dict[str, Json]:
    """The meaning of the question for the best mapping of a problem, but for its bit-widths."""
    return {
        "cost_model": COST_MODEL,
        "accelerator": _accelerator(accelerator),
        "problem": _problem(problem),
        "constraints": sorted(map(_constraint, applying(constraints, problem)), key=canonical),
    }


def digest(data: Json) -> str:
    """Hexadecimal SHA-256 of some data."""
    return hashlib.sha256(canonical(data).encode()).hexdigest()


def canonical(data: Json) -> str:
    """The one JSON text of some data: sorted keys, no blanks."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _accelerator(accelerator: Accelerator) -> Json:
    data = to_json(accelerator)
    for part in [*data["hierarchy"], data["compute"]]:
        part.pop("source", None)
        part.pop("area_mm2", None)
        if isinstance(part.get("energy"), dict):
            part["energy"].pop("source", None)
    return {name: data[name] for name in ("hierarchy", "compute", "first_output_fills")}


def _problem(problem: Problem) -> Json:
    data = to_json(problem)
    data["operator"].pop("name")
    for tensor in data["operator"]["tensors"]:
        tensor.pop("is_weight")
    return data


def _constraint(constraint: Constraint) -> Json:
    # which layers it holds for is no part of what it asks of one
    data = to_json(replace(constraint, scope=Scope(condition=constraint.scope.condition)))
    data.pop("text")
    return {"is": type(constraint).__name__, **data}


def _formulas(constraint: Constraint) -> Iterator[Formula]:
    if constraint.scope.condition is not None:
        yield constraint.scope.condition
    if isinstance(constraint, Require):
        yield constraint.formula


def _tensors_read(formula: Formula) -> Iterator[str]:
    if isinstance(formula, Bits):
        yield formula.tensor
    elif isinstance(formula, Operation):
        for operand in formula.operands:
            yield from _tensors_read(operand)
