"""From a path to the checked model: reads the file and its imports, then checks file by file, imports first."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import is_
from pathlib import Path

from qdsl.diagnostics import Diagnostic, Sink, SpecError, did_you_mean
from qdsl.model.check_file import Names, check_file
from qdsl.model.findings import quoted, warn
from qdsl.model.imports import LoadedFile, Texts, read_files
from qdsl.model.study import Model
from qdsl.syntax.tree import ArrayDecl, ArrayStmt, BitsStmt, File, Ident, MemoryDecl, MemoryStmt, SharingStmt

# What a statement that could not be read, or an import that is missing, may cause elsewhere. While there is such a
# mistake these findings are not shown: most would go away with it.
_FOLLOW_UPS = frozenset(
    [
        "Q0201",
        "Q0205",
        "Q0401",
        "Q0404",
        "Q0411",
        "Q0414",
        "Q0416",
        "Q0419",
        "Q0420",
        "Q0501",
        "Q0502",
        "Q0505",
        "Q0603",
        "Q0604",
        "Q0804",
    ]
)


@dataclass(frozen=True)
class Loaded:
    """A file with its imports, as far as they can be read.

    files: every file after those it imports, the main one last. names: what each of them can name. model: None if an
    error was found.
    """

    files: tuple[LoadedFile, ...]
    names: Mapping[Path, Names]
    model: Model | None


@dataclass
class Library:
    """Files that are loaded again and again: only what changed, or imports it, is parsed and checked anew."""

    texts: Texts = field(default_factory=Texts)
    _checked: dict[Path, _Checked] = field(default_factory=dict)

    def load(self, path: str | Path, sink: Sink, root: Path | None = None) -> Loaded:
        """A file with its imports; all findings go to the sink.

        root: imports may not lead out of this directory (None: they may, but only to regular `.qdsl` files).
        """
        with _collecting_seldom():
            return self._load(path, sink, root)

    def _load(self, path: str | Path, sink: Sink, root: Path | None) -> Loaded:
        read = Sink()
        files = read_files(path, read, root, self.texts)
        found = Sink()
        names: dict[Path, Names] = {}
        for file in files:
            names[file.path] = self._check(file, [names[p] for _, p in file.imports], found)
        if files:
            _warn_unknown_tensors(names[files[-1].path], found)
        for diagnostic in read:
            sink.add(diagnostic)
        incomplete = bool(read.errors)
        for diagnostic in found:
            if not (incomplete and diagnostic.code in _FOLLOW_UPS):
                sink.add(diagnostic)
        model = None if incomplete or found.errors or not files else _model(path, files, names[files[-1].path])
        return Loaded(tuple(files), names, model)

    def _check(self, file: LoadedFile, imported: list[Names], sink: Sink) -> Names:
        known = self._checked.get(file.path)
        if known is None or known.tree is not file.tree or not _same(known.imported, imported):
            found = Sink()
            names = check_file(file.tree, imported, found)
            known = self._checked[file.path] = _Checked(file.tree, tuple(imported), names, tuple(found))
        for diagnostic in known.findings:
            sink.add(diagnostic)
        return known.names


@dataclass(frozen=True)
class _Checked:
    """What became of a file, given what its imports declare."""

    tree: File
    imported: tuple[Names, ...]
    names: Names
    findings: tuple[Diagnostic, ...]


def _same(before: Sequence[Names], now: Sequence[Names]) -> bool:
    """Whether they are the same objects: equal ones may have other spans."""
    return len(before) == len(now) and all(map(is_, before, now))


def load_model(path: str | Path, sink: Sink, root: Path | None = None) -> Model | None:
    """The checked model of a file with its imports, None if an error was found; see Library.load."""
    return Library().load(path, sink, root).model


@contextmanager
def _collecting_seldom() -> Iterator[None]:
    """Next to nothing that is made becomes garbage, and looking for it would take a third of the time."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def load(path: str | Path, root: Path | None = None) -> Model:
    """The checked model of a file. Raises SpecError with all findings if one of them is an error."""
    sink = Sink()
    model = load_model(path, sink, root)
    sink.raise_if_errors()
    if model is None:
        raise SpecError(sink.diagnostics)
    return model


def _model(path: str | Path, files: Sequence[LoadedFile], main: Names) -> Model:
    hashes = tuple((f.source.path, hashlib.sha256(f.source.text.encode()).hexdigest()) for f in reversed(files))
    return Model(
        str(path),
        tuple(a.default for a in main.accelerators.values() if a and a.default),
        tuple(n for n in main.networks.values() if n),
        tuple(m for m in main.mappings.values() if m),
        tuple(s for s in main.studies.values() if s),
        hashes,
    )


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
