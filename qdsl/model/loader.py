"""From a path to the checked model: reads the file and its imports, then checks file by file, imports first."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from qdsl.diagnostics import Sink, SpecError, did_you_mean
from qdsl.model.check_file import Names, check_file
from qdsl.model.findings import quoted, warn
from qdsl.model.follow_ups import is_follow_up
from qdsl.model.imports import import_chains, read_files
from qdsl.model.study import Model
from qdsl.syntax.tree import ArrayDecl, ArrayStmt, BitsStmt, Ident, MemoryDecl, MemoryStmt, SharingStmt


def load_model(path: str | Path, sink: Sink, root: Path | None = None) -> Model | None:
    """The checked model of a file with its imports; all findings go to the sink.

    root: imports may not lead out of this directory (None: they may, but only to regular `.qdsl` files).
    Returns None if an error was found.
    """
    read = Sink()
    files, complete = read_files(path, read, root)
    found = Sink()
    names: dict[Path, Names] = {}
    for file in files:
        imported = [names[p] for _, p in file.imports]
        names[file.path] = check_file(file.tree, imported, found)
    if files:
        _warn_unknown_tensors(names[files[-1].path], found)
    chains = import_chains(files) if read.diagnostics or found.diagnostics else {}
    for d in (*read, *(d for d in found if not is_follow_up(d, files, complete))):
        sink.add(replace(d, imported=chains.get(d.span.source.path, ()) if d.span else ()))
    if read.errors or found.errors or not files:
        return None
    main = names[files[-1].path]
    hashes = tuple((f.source.path, hashlib.sha256(f.source.text.encode()).hexdigest()) for f in reversed(files))
    return Model(
        str(path),
        tuple(a.default for a in main.accelerators.values() if a and a.default),
        tuple(n for n in main.networks.values() if n),
        tuple(m for m in main.mappings.values() if m),
        tuple(s for s in main.studies.values() if s),
        hashes,
    )


def load(path: str | Path, root: Path | None = None) -> Model:
    """The checked model of a file. Raises SpecError with all findings if one of them is an error."""
    sink = Sink()
    model = load_model(path, sink, root)
    sink.raise_if_errors()
    if model is None:
        raise SpecError(sink.diagnostics)
    return model


def _warn_unknown_tensors(names: Names, sink: Sink) -> None:
    """Warns of a memory or array that names a tensor which no operator has, or not in that place: it has no effect there."""
    tensors = {t for o in names.operators.values() if o for t in o.tensors}
    if not tensors:
        return
    known = [o.tensors for o in names.operators.values() if o]
    shared = {t for ts in known for t in ts[:-1]}, {ts[-1] for ts in known}
    for machine in names.accelerators.values():
        for node in machine.decl.items if machine else ():
            if not isinstance(node, MemoryDecl | ArrayDecl):
                continue
            for stmt in node.statements:
                for tensor in _tensors_of(stmt):
                    if tensor.name not in tensors:
                        helps = did_you_mean(tensor.name, tensors) or (f"tensors: {quoted(sorted(tensors))}",)
                        warn(sink, "Q0505", f"no operator has a tensor `{tensor.name}`", tensor.span, helps=helps)
                    elif isinstance(stmt, SharingStmt) and tensor.name not in shared[stmt.kind == "reduce"]:
                        kind = "an input" if stmt.kind == "reduce" else "an output"
                        text = f"`{stmt.kind}` has no effect on `{tensor.name}`"
                        other = "multicast" if stmt.kind == "reduce" else stmt.kind
                        helps = (f"`reduce` is for outputs, `{other}` for inputs",)
                        warn(sink, "Q0508", text, tensor.span, label=f"{kind} of every operator", helps=helps)


def _tensors_of(stmt: MemoryStmt | ArrayStmt) -> list[Ident]:
    """Tensors that a statement of a memory or an array names."""
    if isinstance(stmt, BitsStmt):
        return [t.tensor for t in stmt.terms if t.tensor.name != "output"]
    return list(getattr(stmt, "tensors", None) or ())
