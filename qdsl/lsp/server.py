"""The state of the language server: what is open, what was found in it, and what the client has been told."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from qdsl.diagnostics import Diagnostic, Span
from qdsl.lsp.convert import Converter
from qdsl.lsp.positions import Positions
from qdsl.lsp.project import Analysis, Project

T = TypeVar("T")

QUIET = 0.02
"""Seconds without a further change before a file is checked."""


@dataclass(frozen=True)
class _Document:
    """An open file as it is on the screen."""

    uri: str
    text: str
    version: int | None


class _Placed(Protocol):
    """A question about a place in a document."""

    text_document: types.TextDocumentIdentifier
    position: types.Position


class Server(LanguageServer):
    """Everything about specs is done in one thread of its own, in turn, so that the protocol is always served.

    documents: by resolved path. findings: of the open files, with the version they belong to. shown: what the client has,
    by address.
    """

    def __init__(self) -> None:
        # specs are small: they are sent whole, and nobody has to agree on what a line is
        super().__init__("qdsl", version("qdsl"), text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.project = Project()
        self.documents: dict[Path, _Document] = {}
        self.findings: dict[Path, tuple[int | None, tuple[Diagnostic, ...]]] = {}
        self.shown: dict[str, tuple[int | None, list[types.Diagnostic]]] = {}
        self.left = False  # whether the client has said that it leaves
        self.waiting: asyncio.Task[None] | None = None
        self.worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="specs")
        self.explainer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="formulas")

    # --- texts -------------------------------------------------------------------------------

    @property
    def unsaved(self) -> dict[Path, str]:
        return {path: d.text for path, d in self.documents.items()}

    def path(self, uri: str) -> Path:
        """The resolved path of a file; for what is not a file yet, a place beside the other specs."""
        found = to_fs_path(uri)
        if found is None:
            return (self.project.roots[0] if self.project.roots else Path.cwd()) / Path(uri.rpartition(":")[2]).name
        return Path(found).resolve()

    def address(self, path: str) -> str:
        document = self.documents.get(Path(path))
        return document.uri if document else Path(path).as_uri()

    @property
    def positions(self) -> Positions:
        return Positions(self.workspace.position_codec)

    @property
    def converter(self) -> Converter:
        known = self.client_capabilities.text_document
        published = known.publish_diagnostics if known else None
        return Converter(self.positions, self.address, bool(published and published.related_information))

    def changed(self, uri: str) -> None:
        """Takes over a document as it is now, and has the open files checked soon."""
        document = self.workspace.get_text_document(uri)
        self.documents[self.path(uri)] = _Document(uri, document.source, document.version)
        self.check_soon(self.path(uri))

    def closed(self, uri: str) -> None:
        """The file counts as it is on disk from now on."""
        self.documents.pop(self.path(uri), None)
        self.findings.pop(self.path(uri), None)
        self.check_soon()

    # --- findings ----------------------------------------------------------------------------

    def check_soon(self, first: Path | None = None) -> None:
        """Checks the open files, one of them first, once no change comes for a moment. Drops a check that is under way."""
        if self.waiting:
            self.waiting.cancel()
        self.waiting = asyncio.get_running_loop().create_task(self._check(first))

    async def _check(self, first: Path | None) -> None:
        await asyncio.sleep(QUIET)
        try:
            await self._check_all(first)
        except Exception:
            self.log_defect()

    async def _check_all(self, first: Path | None) -> None:
        for path in sorted(self.documents, key=lambda p: p != first):
            number = self.documents[path].version
            analysis = await self.analysis(path)
            self.findings[path] = number, analysis.findings if analysis else ()
            self._publish()
        self._publish()

    def _publish(self) -> None:
        """Sends the findings of files in which they changed, and of every new version of a document."""
        found: dict[str, dict[Diagnostic, None]] = {}
        versions: dict[str, int | None] = {}
        for path, (number, diagnostics) in self.findings.items():
            versions[self.address(str(path))] = number
            for d in diagnostics:  # several open files may report the same of a common import
                if d.span is None or self._is_present(d.span):
                    found.setdefault(self.address(d.span.source.path if d.span else str(path)), {})[d] = None
        converter = self.converter
        for uri in {**dict.fromkeys(versions), **found, **dict.fromkeys(self.shown)}:
            now = versions.get(uri), [converter.diagnostic(d) for d in found.get(uri, ())]
            if self.shown.get(uri, (None, [])) != now:
                self.shown[uri] = now
                self.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, now[1], now[0]))

    def _is_present(self, span: Span) -> bool:
        """Whether the text it lies in is that on the screen: another open file that imports it may be checked later."""
        document = self.documents.get(Path(span.source.path))
        return document is None or document.text == span.source.text

    def log_defect(self) -> None:
        """Shows the exception that is being handled among the client's messages."""
        text = f"internal error, a defect of qdsl:\n{traceback.format_exc()}"
        self.window_log_message(types.LogMessageParams(types.MessageType.Error, text))

    # --- questions ---------------------------------------------------------------------------

    async def ask(self, function: Callable[..., T], *arguments: Any) -> T:
        """Runs a function about specs in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self.worker, function, *arguments)

    async def analysis(self, path: Path, text: str | None = None) -> Analysis | None:
        """text: what to take for the file instead of what is on the screen."""
        unsaved = self.unsaved if text is None else {**self.unsaved, path: text}
        return await self.ask(self.project.analyse, path, unsaved)

    async def at(self, params: _Placed) -> tuple[Analysis, int] | None:
        """The file of a question and the offset in it."""
        analysis = await self.analysis(self.path(params.text_document.uri))
        return (analysis, self.positions.offset(analysis.source.text, params.position)) if analysis else None
