"""Which findings are told, and how: not what follows from unread text, nor what the spec allows; each with its imports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from qdsl.diagnostics import Diagnostic, Sink
from qdsl.model.allowances import Allowance, allowances_of, needless, without_allowed
from qdsl.model.follow_ups import is_follow_up
from qdsl.model.imports import LoadedFile, import_chains


@dataclass(frozen=True, slots=True)
class Told:
    findings: tuple[Diagnostic, ...]
    allowances: tuple[Allowance, ...]


def tell(files: Sequence[LoadedFile], complete: bool, read: Sink, found: Sink, with_study: bool) -> Told:
    """read: what is wrong with the texts; found: with what they say. complete: whether all imports were found; with_study:
    whether the last file, which is the one asked for, has a study. What is wrong with allowances is added to `read`."""
    allowances = tuple(a for f in files for a in allowances_of(f.tree, f.source, read))
    shown, needed = without_allowed((d for d in found if not is_follow_up(d, files, complete)), allowances)
    if files and not read.errors and not found.errors:
        main = files[-1].source
        shown += needless((a for a in allowances if a.at.source is main and a not in needed), with_study)
    chains = import_chains(files)
    return Told(
        tuple(replace(d, imported=chains.get(d.span.source.path, ()) if d.span else ()) for d in (*read, *shown)),
        allowances,
    )
