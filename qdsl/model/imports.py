"""Reading a file and everything it imports. Nothing but the named `.qdsl` files is opened."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from qdsl.diagnostics import Diagnostic, Label, Sink, SourceFile, Span, nearest
from qdsl.model.findings import EnoughError, collecting, fail, skip
from qdsl.syntax import parse
from qdsl.syntax.tree import File, Import

BYTES_LIMIT = 8 * 2**20
DEPTH_LIMIT = 64
FILES_LIMIT = 1000
NEARBY_LIMIT = 200  # files looked at for a suggestion
IMPORTS_LIMIT = 2000
CHARACTERS_LIMIT = 8_000_000
SUFFIX = ".qdsl"


@dataclass(frozen=True)
class LoadedFile:
    """A parsed file. path: resolved; imports: what it imports directly and could be read."""

    path: Path
    source: SourceFile
    tree: File
    imports: tuple[tuple[Import, Path], ...]


@dataclass
class Texts:
    """Where the texts of files come from, and what was parsed of them before.

    unsaved: texts that stand for files, by resolved path, whether or not there is a file.
    """

    unsaved: Mapping[Path, str] = field(default_factory=dict)
    parsed: dict[tuple[Path, str], tuple[SourceFile, File, tuple[Diagnostic, ...]]] = field(default_factory=dict)

    def exists(self, path: Path) -> bool:
        return path in self.unsaved or path.is_file()

    def parse(self, shown: str, path: Path, span: Span | None, sink: Sink) -> tuple[SourceFile, File]:
        """The tree of a file; the same object as before if the text is. Raises SpecError if it cannot be read."""
        text = self.unsaved[path] if path in self.unsaved else read_text(shown, path, span)
        known = self.parsed.get((path, shown))
        if known is None or known[0].text != text:
            source, found = SourceFile(shown, text), Sink()
            known = self.parsed[path, shown] = source, parse(source, found), tuple(found)
        for diagnostic in known[2]:
            sink.add(diagnostic)
        return known[:2]


def read_files(
    path: str | Path, sink: Sink, root: Path | None = None, texts: Texts | None = None
) -> tuple[list[LoadedFile], bool]:
    """The file and its imports, each once, every file after those it imports, and whether all of these could be found.
    No files if the first one cannot be read."""
    reader = _Reader(sink, root.resolve() if root else None, texts or Texts())
    try:
        with collecting(sink):
            reader.read(str(path), _resolved(Path(path), str(path), None), None)
    except EnoughError:
        sink.add(Diagnostic("Q0007", "too many mistakes; the rest is not read", None))
        return [], False
    complete = all(len(f.imports) == len(f.tree.imports) for f in reader.files.values())
    return list(reader.files.values()), complete


def import_chains(files: Sequence[LoadedFile]) -> dict[str, tuple[Label, ...]]:
    """Per path as printed, how a file is imported: the nearest import first. files: as `read_files` gives them."""
    by_path = {f.path: f for f in files}
    chains: dict[Path, tuple[Label, ...]] = {}
    left = [files[-1].path] if files else []
    for path in left:  # breadth first, so that a chain is as short as can be
        for node, target in by_path[path].imports:
            if target in by_path and target not in chains and target != files[-1].path:
                chains[target] = (Label(node.path.span, "imported here"), *chains.get(path, ()))
                left.append(target)
    return {by_path[path].source.path: chain for path, chain in chains.items()}


@dataclass
class _Reader:
    sink: Sink
    root: Path | None
    texts: Texts
    files: dict[Path, LoadedFile] = field(default_factory=dict)
    imports: int = 0
    exceeded: bool = False
    open: list[tuple[Path, str, Import | None]] = field(default_factory=list)  # the chain of imports being read

    def read(self, shown: str, path: Path, by: Import | None) -> None:
        """Reads a file and, before it is added, its imports. `shown` is the path that diagnostics print."""
        span = by.path.span if by else None
        source, tree = self.texts.parse(shown, path, span, self.sink)
        self.open.append((path, shown, by))
        imports = []
        for node in tree.imports:
            with collecting(self.sink):
                target, target_shown = self._target(node, path, shown)
                if target not in self.files:
                    self.read(target_shown, target, node)
                imports.append((node, target))
        self.open.pop()
        self.files[path] = LoadedFile(path, source, tree, tuple(imports))

    def _target(self, node: Import, importer: Path, shown: str) -> tuple[Path, str]:
        """Where an import leads, resolved and as printed. Raises SpecError if it may not be read or is not there."""
        text, span = node.path.value, node.path.span
        if not text.endswith(SUFFIX):
            fail("Q0012", f'"{text}" is not a `{SUFFIX}` file', span, helps=[f"only `{SUFFIX}` files can be imported"])
        if os.path.isabs(text) or "\\" in text or ":" in text or "\0" in text:
            helps = ['paths are relative to this file, with `/`, for example "../operators/conv2d.qdsl"']
            fail("Q0012", "an import must be a relative path", span, helps=helps)
        path = _resolved(importer.parent / text, text, span)
        if path.suffix != SUFFIX:
            fail("Q0012", f'"{text}" leads to a file that is not `{SUFFIX}`', span)
        if self.root is not None and not path.is_relative_to(self.root):
            fail(
                "Q0012", f'"{text}" leads out of the directory that may be read', span, notes=[f"allowed: {self.root}"]
            )
        if not self.texts.exists(path):
            there = path.parent.is_dir()
            near = _meant(path, importer.parent)
            notes = [] if near else ["its directory exists" if there else "its directory does not exist"]
            fail("Q0010", f'cannot find the import "{text}"', span, label="no such file", notes=notes, helps=near)
        chain = [p for p, _, _ in self.open]
        if path in chain:
            steps = [by for _, _, by in self.open[chain.index(path) + 1 :] if by]
            labels = [Label(by.path.span, f"imports {_name(by.path.value)}") for by in steps]
            helps = ["move what both files need into a third one"]
            fail(
                "Q0011", "imports form a cycle", span, label=f"imports {_name(text)} again", labels=labels, helps=helps
            )
        self._check_limits(span)
        return path, os.path.normpath(os.path.join(os.path.dirname(shown), text))

    def _check_limits(self, span: Span) -> None:
        """Raises SpecError at the first import that is one too many; later ones are left out without a word."""
        self.imports += 1
        characters = sum(len(f.source.text) for f in self.files.values())
        within = self.imports <= IMPORTS_LIMIT and characters <= CHARACTERS_LIMIT
        if len(self.open) < DEPTH_LIMIT and len(self.files) < FILES_LIMIT and within:
            return
        if self.exceeded:
            skip()
        self.exceeded = True
        notes = [
            f"at most {FILES_LIMIT} files are read, {DEPTH_LIMIT} deep, with {IMPORTS_LIMIT} imports "
            f"and {CHARACTERS_LIMIT} characters in all"
        ]
        fail("Q0013", "too much is imported", span, label="not read", notes=notes)


def _meant(path: Path, base: Path) -> tuple[str, ...]:
    """A help that names the file which an import was perhaps to name: one called alike, or one of that name nearby."""
    siblings = {p.stem: p for p in path.parent.glob(f"*{SUFFIX}")} if path.parent.is_dir() else {}
    if (near := nearest(path.stem, siblings)) is not None:
        found = siblings[near]
    else:
        around = (folder.glob(f"{pattern}{SUFFIX}") for folder in (base, base.parent) for pattern in ("*/*", "*"))
        found = next((p for files in around for p in islice(files, NEARBY_LIMIT) if p.name == path.name), path)
    return (f'did you mean "{Path(os.path.relpath(found, base)).as_posix()}"?',) if found != path else ()


def _resolved(path: Path, shown: str, span: Span | None) -> Path:
    """The path without links. Raises SpecError if the system cannot follow it or it leads to a place out of reach."""
    try:
        resolved = path.resolve()
        resolved.is_file()  # raises where no file can be: a name that is too long, a directory that may not be entered
    except (OSError, RuntimeError) as error:  # links that lead to each other are a RuntimeError until Python 3.12
        reason = error.strerror if isinstance(error, OSError) else None
        fail("Q0015", f"cannot read `{shown}`", span, notes=[reason or "its symbolic links form a loop"])
    return resolved


def read_text(shown: str, path: Path, span: Span | None) -> str:
    """The text of a file. Raises SpecError if it is missing, not a regular file, too large or not UTF-8."""
    try:
        if not path.is_file():  # raises where no file can be: a name that is too long
            what = "is not a regular file" if path.exists() else "does not exist"
            fail("Q0010", f"`{shown}` {what}", span)
        if path.stat().st_size > BYTES_LIMIT:
            fail("Q0013", f"`{shown}` is too large", span, notes=[f"at most {BYTES_LIMIT} bytes are read"])
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        fail("Q0014", f"`{shown}` is not UTF-8 text", span, notes=[f"byte {error.start} cannot be decoded"])
    except OSError as error:
        fail("Q0015", f"cannot read `{shown}`", span, notes=[error.strerror or str(error)])


def _name(path: str) -> str:
    return f"`{path.rsplit('/', 1)[-1]}`"
