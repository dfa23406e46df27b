"""From a path to the checked model: reads the file and its imports, then checks file by file, imports first."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import is_
from pathlib import Path
from typing import TYPE_CHECKING

from qdsl.diagnostics import Diagnostic, Sink, SpecError
from qdsl.model.check_file import Names, check_file
from qdsl.model.check_table import table_hashes
from qdsl.model.imports import LoadedFile, Texts, read_files
from qdsl.model.outside import refuse_outside
from qdsl.model.review_files import review_imports, review_use
from qdsl.model.review_tensors import review_tensors
from qdsl.model.study import Model
from qdsl.model.versions import check_versions
from qdsl.syntax.tree import File

if TYPE_CHECKING:
    from qdsl.model.allowances import Allowance


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

        root: no path may lead out of this directory (None: imports may, but only to regular `.qdsl` files, tables to
        `.csv` files). Nothing is checked if one does.
        """
        with _collecting_seldom():
            return self._load(path, sink, root)

    def _load(self, path: str | Path, sink: Sink, root: Path | None) -> Loaded:
        read = Sink()
        files, complete = read_files(path, read, root, self.texts)
        check_versions(files, read)
        if root is not None:
            refuse_outside(files, root, read)
            if read.errors:
                sink.take(read)
                return Loaded(tuple(files), {f.path: Names() for f in files}, None)
        found = Sink()
        names: dict[Path, Names] = {}
        for file in files:
            names[file.path] = self._check(file, [names[p] for _, p in file.imports], found)
        main = names[files[-1].path] if files else Names()
        found.take(review_tensors(main))
        found.take(review_imports(files))
        if files and not read.errors and not found.errors:
            found.take(review_use(files[-1], names))
        allowances: tuple[Allowance, ...] = ()
        if read.diagnostics or found.diagnostics or any("allow" in f.source.text for f in files):
            from qdsl.model.telling import tell

            told = tell(files, complete, read, found, bool(main.studies))
            allowances = told.allowances
            sink.take(told.findings)
        wrong = not files or bool(read.errors or found.errors)
        return Loaded(tuple(files), names, None if wrong else _model(path, files, main, allowances))

    def _check(self, file: LoadedFile, imported: list[Names], sink: Sink) -> Names:
        known = self._checked.get(file.path)
        if known is None or known.tree is not file.tree or not _same(known.imported, imported) or _changed(known):
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


def _changed(checked: _Checked) -> bool:
    """Whether the text of a table is another one."""
    return not table_hashes(checked.tree).items() <= checked.names.tables.items()


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
    gc.set_threshold(500_000, *before[1:])
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


def _model(path: str | Path, files: Sequence[LoadedFile], main: Names, allowances: tuple[Allowance, ...]) -> Model:
    hashes = tuple((f.source.path, hashlib.sha256(f.source.text.encode()).hexdigest()) for f in reversed(files))
    hashes += tuple((path, text) for path, text in main.tables.items() if text)
    return Model(
        str(path),
        tuple(a.default for a in main.accelerators.values() if a and a.default),
        tuple(n for n in main.networks.values() if n),
        tuple(m for m in main.mappings.values() if m),
        tuple(s for s in main.studies.values() if s),
        hashes,
        allowances,
    )
