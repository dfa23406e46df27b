"""Memories and arrays that name tensors which no operator in sight has, or not in that place: it has no effect there."""

from __future__ import annotations

from collections.abc import Iterator

from qdsl.diagnostics import Diagnostic, did_you_mean
from qdsl.model.check_file import Names
from qdsl.model.findings import quoted, warning
from qdsl.syntax.tree import ArrayDecl, ArrayStmt, BitsStmt, Ident, MemoryDecl, MemoryStmt, SharingStmt


def review_tensors(names: Names) -> Iterator[Diagnostic]:
    tensors = {t for o in names.operators.values() if o for t in o.tensors}
    if not tensors:
        return
    known = [o.tensors for o in names.operators.values() if o]
    shared = {t for ts in known for t in ts[:-1]}, {ts[-1] for ts in known}
    for machine in names.accelerators.values():
        for node in machine.decl.items if machine else ():
            for stmt in node.statements if isinstance(node, MemoryDecl | ArrayDecl) else ():
                for tensor in _tensors_of(stmt):
                    if tensor.name not in tensors:
                        helps = did_you_mean(tensor.name, tensors) or (f"tensors: {quoted(sorted(tensors))}",)
                        yield warning("Q0505", f"no operator has a tensor `{tensor.name}`", tensor.span, helps=helps)
                    elif isinstance(stmt, SharingStmt) and tensor.name not in shared[stmt.kind == "reduce"]:
                        yield _without_effect(stmt, tensor)


def _without_effect(stmt: SharingStmt, tensor: Ident) -> Diagnostic:
    kind = "an input" if stmt.kind == "reduce" else "an output"
    text = f"`{stmt.kind}` has no effect on `{tensor.name}`"
    other = "multicast" if stmt.kind == "reduce" else stmt.kind
    helps = [f"`reduce` is for outputs, `{other}` for inputs"]
    return warning("Q0508", text, tensor.span, label=f"{kind} of every operator", helps=helps)


def _tensors_of(stmt: MemoryStmt | ArrayStmt) -> list[Ident]:
    """Tensors that a statement of a memory or an array names."""
    if isinstance(stmt, BitsStmt):
        return [t.tensor for t in stmt.terms if t.tensor.name != "output"]
    return list(getattr(stmt, "tensors", None) or ())
