"""The last look at what a search found."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingABC

from qdsl.mapspace.violations import constraint_violations
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import legality


def check(
    accelerator: Accelerator,
    problem: Problem,
    bits: MappingABC[str, int],
    constraints: Iterable[Constraint],
    mapping: Mapping,
) -> None:
    """Holds what was found against the rules and the constraints, independently of the search."""
    broken = legality(accelerator, problem, bits, mapping, None)
    broken += constraint_violations(constraints, accelerator, problem, bits, mapping)
    if broken:
        raise RuntimeError(f"the mapper's mapping is not legal: {broken[0].message}: {mapping}")
