"""Which limits of the cost the exact search keeps with a proof."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingABC

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapspace.narrowing import layer_spaces
from qdsl.mapspace.space import Space
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import Constraint, Limit
from qdsl.model.operator import Problem


def stretches(space: Space) -> bool:
    """Whether a bandwidth can make a mapping take longer than its compute units need."""
    return any(level.all_ports for level in space.accelerator.levels)


def timed(space: Space) -> bool:
    """Whether which mapping is legal, or its energy, depends on more than energies without waiting."""
    limited = any(limit.quantity != "energy" for limit in space.limits)
    return limited or bool(space.accelerator.leakage_pj and stretches(space))


def provable_spaces(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint]
) -> tuple[Space, ...]:
    """`layer_spaces`, if the search proves its answers there. Raises SpecError (Q0710) otherwise: how much of a bandwidth
    mappings use falls when they take longer, so a worse one may be within a limit of it."""
    spaces = layer_spaces(accelerator, problem, bits, constraints)
    _refuse(x for s in spaces if stretches(s) for x in s.limits if x.quantity == "bandwidth")
    return spaces


def untimed_spaces(
    accelerator: Accelerator, problem: Problem, bits: MappingABC[str, int], constraints: Iterable[Constraint]
) -> tuple[Space, ...]:
    """`layer_spaces`, if no limit depends on the cycles. Raises SpecError (Q0710) otherwise."""
    spaces = layer_spaces(accelerator, problem, bits, constraints)
    _refuse(x for s in spaces if timed(s) for x in s.limits)
    return spaces


def _refuse(limits: Iterable[Limit]) -> None:
    if found := list(dict.fromkeys(limits)):
        raise SpecError(map(_refusal, found))


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
