"""From a path to the checked model: reads the file and its imports, then checks file by file, imports first."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from qdsl.diagnostics import Sink, SpecError
from qdsl.model.allowances import Allowance, allowances_of, needless, without_allowed
from qdsl.model.check_file import Names, check_file
from qdsl.model.findings import hand_on
from qdsl.model.follow_ups import is_follow_up
from qdsl.model.imports import LoadedFile, import_chains, read_files
from qdsl.model.review_files import review_imports, review_use
from qdsl.model.review_tensors import review_tensors
from qdsl.model.study import Model


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
        hand_on(Sink([*review_tensors(names[files[-1].path]), *review_imports(files)]), found)
    if files and not read.errors and not found.errors:
        hand_on(Sink(list(review_use(files[-1], names))), found)
    allowances = [a for f in files for a in allowances_of(f.tree, f.source, read)]
    shown, needed = without_allowed((d for d in found if not is_follow_up(d, files, complete)), allowances)
    wrong = bool(read.errors or found.errors)
    if files and not wrong:
        main = files[-1].source
        unused = (a for a in allowances if a.at.source is main and a not in needed)
        shown += needless(unused, bool(names[files[-1].path].studies))
    chains = import_chains(files) if read.diagnostics or shown else {}
    for d in (*read, *shown):
        sink.add(replace(d, imported=chains.get(d.span.source.path, ()) if d.span else ()))
    return None if wrong or not files else _model(str(path), files, names[files[-1].path], tuple(allowances))


def _model(path: str, files: Sequence[LoadedFile], main: Names, allowances: tuple[Allowance, ...]) -> Model:
    hashes = tuple((f.source.path, hashlib.sha256(f.source.text.encode()).hexdigest()) for f in reversed(files))
    return Model(
        path,
        tuple(a.default for a in main.accelerators.values() if a and a.default),
        tuple(n for n in main.networks.values() if n),
        tuple(m for m in main.mappings.values() if m),
        tuple(s for s in main.studies.values() if s),
        hashes,
        allowances,
    )


def load(path: str | Path, root: Path | None = None) -> Model:
    """The checked model of a file. Raises SpecError with all findings if one of them is an error."""
    sink = Sink()
    model = load_model(path, sink, root)
    sink.raise_if_errors()
    if model is None:
        raise SpecError(sink.diagnostics)
    return model
