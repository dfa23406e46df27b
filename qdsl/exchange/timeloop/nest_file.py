"""A mapping as Timeloop's directives: per memory the tensors it keeps and its loops, and the loops over instances inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from qdsl.diagnostics import Diagnostic, Span, SpecError
from qdsl.exchange.timeloop.machine_files import Entry, passing
from qdsl.model.accelerator import Accelerator, FanOut, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Problem


def directives(accelerator: Accelerator, problem: Problem, mapping: Mapping, span: Span | None) -> list[Entry]:
    """Outermost memory first; permutations have the innermost loop first. Raises SpecError for what they cannot say."""
    if mapping.imperfect:
        raise SpecError([Diagnostic("Q0984", f"Timeloop's files cannot say `imperfect {mapping.imperfect}`", span)])
    return list(_directives(accelerator, problem, mapping))


def _directives(accelerator: Accelerator, problem: Problem, mapping: Mapping) -> Iterator[Entry]:
    dims, tensors = problem.operator.dims, [t.name for t in problem.operator.tensors]
    added = {inner.name: name for name, inner in passing(accelerator).items()}
    memory = ""
    for part in accelerator.hierarchy:
        if isinstance(part, StorageLevel):
            memory = part.name
            kept = [t for t in tensors if part.keeps(t)]
            yield _kept(memory, kept, tensors)
            yield {"target": memory, "type": "temporal", **_loops(dims, mapping.loops(memory))}
        elif part.x * part.y > 1:
            if part.name in added:
                memory = added[part.name]
                yield _kept(memory, [], tensors)
                yield {"target": memory, "type": "temporal", **_loops(dims, ())}
            yield {"target": memory, "type": "spatial", **_spread(dims, part, mapping)}


def _kept(memory: str, kept: Sequence[str], tensors: Sequence[str]) -> Entry:
    return {"target": memory, "type": "datatype", "keep": list(kept), "bypass": [t for t in tensors if t not in kept]}


def _spread(dims: Sequence[str], array: FanOut, mapping: Mapping) -> Entry:
    """The first `split` dimensions of the permutation lie along X."""
    x, y = (mapping.loops(place) for place in array.places)
    return {**_loops(dims, (*y, *x)), "split": len({loop.dim for loop in x})}


def _loops(dims: Sequence[str], loops: Sequence[Loop]) -> Entry:
    """loops: outermost first. Timeloop has one loop per dimension at a memory, and one in an array."""
    names = [loop.dim for loop in loops]
    factors = {loop.dim: loop.factor for loop in loops}
    order = [*reversed(names), *(d for d in dims if d not in names)]
    return {
        "factors": " ".join(f"{d}={factors.get(d, 1)}" for d in dims),
        "permutation": ("" if all(len(d) == 1 for d in dims) else ",").join(order),
    }
