"""A client of the language server, as an editor has one, for tests that do not care about event loops."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from lsprotocol import types
from pygls.lsp.client import LanguageClient

T = TypeVar("T")

_NOTHING = types.PublishDiagnosticsParams("", [])
SECONDS = 60  # to wait for an answer at most


class Editor:
    """Starts `qdsl lsp` on a directory. Texts are named by their path in it."""

    def __init__(self, root: Path, **capabilities: Any) -> None:
        self.root = root.resolve()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.client = LanguageClient("tests", "1")
        self.messages: list[str] = []
        self.versions: dict[str, int] = {}
        self.published: dict[str, types.PublishDiagnosticsParams] = {}
        self.news = threading.Condition()
        self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self._publish(params))
        self.client.feature(types.WINDOW_LOG_MESSAGE)(lambda params: self.messages.append(params.message))
        self.capabilities = self.run(self._start(types.ClientCapabilities(**capabilities)))

    async def _start(self, capabilities: types.ClientCapabilities) -> types.ServerCapabilities:
        await self.client.start_io(sys.executable, "-m", "qdsl", "lsp", cwd=self.root)
        folder = types.WorkspaceFolder(self.root.as_uri(), "specs")
        params = types.InitializeParams(capabilities, root_uri=folder.uri, workspace_folders=[folder])
        answer = await self.client.initialize_async(params)
        self.client.initialized(types.InitializedParams())
        return answer.capabilities

    def _publish(self, params: types.PublishDiagnosticsParams) -> None:
        with self.news:
            self.published[params.uri] = params
            self.news.notify_all()

    def run(self, question: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(asyncio.wait_for(question, SECONDS), self.loop).result()

    def tell(self, method: str, params: Any) -> None:
        self.loop.call_soon_threadsafe(self.client.protocol.notify, method, params)

    # --- documents ---------------------------------------------------------------------------

    def uri(self, name: str) -> str:
        return (self.root / name).as_uri()

    def show(self, name: str, text: str) -> list[types.Diagnostic]:
        """Opens a text, or changes it as a whole; what is found in it then."""
        version = self.versions[name] = self.versions.get(name, 0) + 1
        if version == 1:
            item = types.TextDocumentItem(self.uri(name), "qdsl", version, text)
            self.tell(types.TEXT_DOCUMENT_DID_OPEN, types.DidOpenTextDocumentParams(item))
        else:
            document = types.VersionedTextDocumentIdentifier(uri=self.uri(name), version=version)
            change = types.TextDocumentContentChangeWholeDocument(text)
            self.tell(types.TEXT_DOCUMENT_DID_CHANGE, types.DidChangeTextDocumentParams(document, [change]))
        return self.diagnostics(name)

    def close(self, name: str) -> None:
        del self.versions[name]
        params = types.DidCloseTextDocumentParams(types.TextDocumentIdentifier(self.uri(name)))
        self.tell(types.TEXT_DOCUMENT_DID_CLOSE, params)

    def diagnostics(self, name: str) -> list[types.Diagnostic]:
        """Of the present version of a text."""
        return list(self.until(name, lambda p: p.version == self.versions[name]).diagnostics)

    def until(
        self, name: str, wanted: Callable[[types.PublishDiagnosticsParams], object]
    ) -> types.PublishDiagnosticsParams:
        """The last findings published for a text, as soon as they are the wanted ones."""
        with self.news:
            found = self.news.wait_for(lambda: wanted(self.published.get(self.uri(name), _NOTHING)), SECONDS)
            assert found, f"no such findings of {name} within {SECONDS} s: {self.published.get(self.uri(name))}"
            return self.published[self.uri(name)]

    def place(self, name: str, text: str, mark: str) -> dict[str, Any]:
        """The document, and the position of the first character of a part of its text."""
        before = text[: text.index(mark)]
        line, column = before.count("\n"), len(before[before.rfind("\n") + 1 :].encode("utf-16-le")) // 2
        return {"text_document": types.TextDocumentIdentifier(self.uri(name)), "position": types.Position(line, column)}

    # --- leaving -----------------------------------------------------------------------------

    def leave(self) -> int:
        """Ends the server as the protocol asks; its exit code."""
        self.run(self.client.shutdown_async(None))
        self.tell(types.EXIT, None)
        server = self.client._server
        assert server is not None
        code = self.run(server.wait())
        self.run(self.client.stop())  # type: ignore[no-untyped-call]
        return code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: BaseException | TracebackType | None) -> None:
        server = self.client._server
        if server is not None and server.returncode is None:
            self.leave() if kind is None else server.kill()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()
