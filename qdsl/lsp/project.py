"""The files an editor works on: open ones as they are on the screen, all others as they are on disk."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from qdsl.diagnostics import Diagnostic, Sink, SourceFile, Span
from qdsl.lsp.occurrences import occurrence_at, occurrences
from qdsl.lsp.symbols import Occurrence, Visible, visible
from qdsl.model.check_file import Names
from qdsl.model.imports import FILES_LIMIT, SUFFIX, Texts
from qdsl.model.loader import Library, Loaded
from qdsl.model.study import WrittenMapping
from qdsl.syntax.tree import Declaration, File


@dataclass(frozen=True)
class Analysis:
    """One file with all that it imports. findings: about any of these files."""

    path: Path
    source: SourceFile
    loaded: Loaded
    findings: tuple[Diagnostic, ...]

    @property
    def tree(self) -> File:
        return self.loaded.files[-1].tree

    @property
    def names(self) -> Names:
        """What the file can name, as far as it is right."""
        return self.loaded.names.get(self.path) or Names()

    @property
    def files(self) -> frozenset[Path]:
        return frozenset(f.path for f in self.loaded.files)

    @cached_property
    def visible(self) -> Visible:
        return visible([self.tree, *(f.tree for f in self.loaded.files[:-1])])

    @cached_property
    def occurrences(self) -> list[Occurrence]:
        return occurrences(self.tree, self.visible)

    def occurrence(self, offset: int) -> Occurrence | None:
        return occurrence_at(self.occurrences, offset)

    def declaration(self, offset: int) -> Declaration | None:
        """The declaration that an offset lies in."""
        return next((d for d in self.tree.declarations if d.span.start <= offset <= d.span.end), None)


@dataclass
class Project:
    """roots: directories whose specs belong together, for what is asked of all files."""

    roots: Sequence[Path] = ()
    _library: Library = field(default_factory=lambda: Library(_Resolved()))
    _analyses: dict[Path, Analysis] = field(default_factory=dict)
    _legal: dict[Path, list[tuple[WrittenMapping, tuple[Diagnostic, ...]]]] = field(default_factory=dict)

    def analyse(self, path: Path, unsaved: Mapping[Path, str]) -> Analysis | None:
        """A file as it is now, with its imports; None if it cannot be read. path: resolved; unsaved: by resolved path."""
        self._library.texts.unsaved = unsaved
        found = Sink()
        loaded = self._library.load(path, found)
        if not loaded.files:
            return None
        for written in loaded.model.mappings if loaded.model else ():
            for diagnostic in self._findings_of(path, written):
                found.add(diagnostic)
        known, source = self._analyses.get(path), loaded.files[-1].source
        same = known and [id(f.tree) for f in known.loaded.files] == [id(f.tree) for f in loaded.files]
        if known is None or not same or known.findings != tuple(found):
            known = self._analyses[path] = Analysis(path, source, loaded, tuple(found))
        return known

    def linked(self, path: Path, unsaved: Mapping[Path, str]) -> list[Analysis]:
        """The file and all that are connected with it by imports, in any direction."""
        candidates = dict.fromkeys([path, *unsaved, *self._specs()])
        analyses = {p: a for p in candidates if (a := self.analyse(p, unsaved))}
        for inner in {f for a in analyses.values() for f in a.files} - analyses.keys():
            if analysis := self.analyse(inner, unsaved):
                analyses[inner] = analysis
        linked = {path}
        while more := {f for a in analyses.values() if a.files & linked for f in a.files} - linked:
            linked |= more
        return [a for p, a in sorted(analyses.items()) if p in linked]

    def _specs(self) -> Iterable[Path]:
        """The specs below the roots, hidden directories aside; not more than may be read at once."""
        found: list[Path] = []
        for root in self.roots:
            for directory, inside, files in os.walk(root):
                inside[:] = sorted(d for d in inside if not d.startswith(".") and d != "node_modules")
                found += [Path(directory, f).resolve() for f in sorted(files) if f.endswith(SUFFIX)]
                if len(found) >= FILES_LIMIT:
                    return found[:FILES_LIMIT]
        return found

    def _findings_of(self, path: Path, written: WrittenMapping) -> tuple[Diagnostic, ...]:
        """Kept for as long as the mapping is the same object."""
        from qdsl.symbolic.written import mapping_findings

        known = self._legal.setdefault(path, [])
        for mapping, findings in known:
            if mapping is written:
                return findings
        known.append((written, mapping_findings(written)))
        del known[:-FILES_LIMIT]
        return known[-1][1]


class _Resolved(Texts):
    """Shows every file by its resolved path, so that one file has one name however it is imported."""

    def parse(self, shown: str, path: Path, span: Span | None, sink: Sink) -> tuple[SourceFile, File]:
        return super().parse(str(path), path, span, sink)
