"""Which limits of the cost the exact search keeps with a proof."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingABC

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapspace import Space, layer_spaces
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Limit
from qdsl.model.operator import Problem


def unproven_limits(space: Space) -> tuple[Limit, ...]:
    """Limits that the best mapping with given spatial factors can be beyond while another one with these factors is not:
    all but those of the energy, which is what the search minimises as long as no bandwidth adds leakage to it."""
    stretches = any(level.all_ports for level in space.accelerator.levels)
    proven = () if space.accelerator.leakage_pj and stretches else ("energy",)
    return tuple(limit for limit in space.limits if limit.quantity not in proven)


def provable_spaces(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint]
) -> tuple[Space, ...]:
    """`layer_spaces`, if the search proves its answers there. Raises SpecError (Q0710) otherwise."""
    spaces = layer_spaces(accelerator, problem, bits, constraints)
    if limits := list(dict.fromkeys(limit for space in spaces for limit in unproven_limits(space))):
        raise SpecError(map(_refusal, limits))
    return spaces


def _refusal(limit: Limit) -> Diagnostic:
    why = "a bandwidth of the accelerator may stretch the run" if limit.quantity != "bandwidth" else ""
    return Diagnostic(
        "Q0710",
        f"the search over all bit-widths cannot keep a limit of the {limit.quantity} with a proof",
        limit.span,
        label="depends on more than energy and spatial factors",
        notes=(why,) if why else (),
        helps=("`qdsl map` keeps it for given widths, and says what it could not prove",),
    )
