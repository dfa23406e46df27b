"""Written mappings: whether they can be evaluated."""

from __future__ import annotations

from dataclasses import replace

from qdsl.diagnostics import Diagnostic, Label, SpecError
from qdsl.model.study import WrittenMapping
from qdsl.symbolic.legality import legality
from qdsl.symbolic.widths import widths_of


def mapping_findings(written: WrittenMapping) -> tuple[Diagnostic, ...]:
    """Why a mapping is not legal; none if it is."""
    accelerator, problem, bits = written.accelerator, written.layer.problem, dict(written.bits)
    try:
        widths_of(accelerator.resolved(written.mapping.bypass), problem, bits)
        return tuple(legality(accelerator, problem, bits, written.mapping, written.span))
    except SpecError as error:  # a formula of the accelerator has no valid value, and does not say for whom
        where = (Label(written.span, "at the widths of this mapping"),) if written.span else ()
        return tuple(replace(d, labels=(*d.labels, *where)) for d in error.diagnostics)
