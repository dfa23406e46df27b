"""What the language server answers to each request and notification of the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.uris import to_fs_path

from qdsl.diagnostics import SpecError
from qdsl.lsp.completion import complete
from qdsl.lsp.context import context_at
from qdsl.lsp.convert import completion_item
from qdsl.lsp.hover import hover
from qdsl.lsp.navigation import definition
from qdsl.lsp.outline import outline
from qdsl.lsp.rename import RenameRefusedError, rename, uses
from qdsl.lsp.server import Server
from qdsl.syntax import format_source

_REQUEST_FAILED = -32803


async def _initialized(ls: Server, _: types.InitializedParams) -> None:
    folders = [to_fs_path(uri) for uri in ls.workspace.folders] or [ls.workspace.root_path]
    ls.project.roots = [Path(f).resolve() for f in folders if f]
    known = ls.client_capabilities.workspace
    if known and known.did_change_watched_files and known.did_change_watched_files.dynamic_registration:
        watched = types.DidChangeWatchedFilesRegistrationOptions([types.FileSystemWatcher("**/*.qdsl")])
        registration = types.Registration("watched", types.WORKSPACE_DID_CHANGE_WATCHED_FILES, watched)
        ls.client_register_capability(types.RegistrationParams([registration]))


async def _shutdown(ls: Server, _: None) -> None:
    ls.left = True
    if ls.waiting:
        ls.waiting.cancel()
    for executor in (ls.worker, ls.explainer):
        executor.shutdown(wait=False, cancel_futures=True)


async def _changed(ls: Server, params: types.DidOpenTextDocumentParams | types.DidChangeTextDocumentParams) -> None:
    ls.changed(params.text_document.uri)


async def _closed(ls: Server, params: types.DidCloseTextDocumentParams) -> None:
    ls.closed(params.text_document.uri)


async def _files_changed(ls: Server, _: types.DidChangeWatchedFilesParams) -> None:
    ls.check_soon()


async def _hover(ls: Server, params: types.HoverParams) -> types.Hover | None:
    found = await ls.at(params)
    about = await ls.ask(hover, *found) if found else None
    if about is None:
        return None
    text = about.text
    if about.more:  # not in the thread of the specs, which this would hold up
        text += "\n\n" + await asyncio.get_running_loop().run_in_executor(ls.explainer, about.more)
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text), ls.positions.of(about.span))


async def _definition(ls: Server, params: types.DefinitionParams) -> list[types.Location]:
    found = await ls.at(params)
    spans = await ls.ask(definition, *found) if found else []
    return [ls.converter.location(span) for span in spans]


async def _references(ls: Server, params: types.ReferenceParams) -> list[types.Location]:
    found = await ls.at(params)
    occurrence = found[0].occurrence(found[1]) if found else None
    if found is None or occurrence is None:
        return []
    analyses = await ls.ask(ls.project.linked, found[0].path, ls.unsaved)
    named = uses(occurrence.symbol, analyses)
    declared = params.context.include_declaration
    return [ls.converter.location(o.span) for o in named if declared or not o.declares]


async def _highlights(ls: Server, params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
    found = await ls.at(params)
    occurrence = found[0].occurrence(found[1]) if found else None
    named = uses(occurrence.symbol, [found[0]]) if found and occurrence else []
    return [types.DocumentHighlight(ls.positions.of(o.span)) for o in named]


async def _completion(ls: Server, params: types.CompletionParams) -> list[types.CompletionItem]:
    path = ls.path(params.text_document.uri)
    document = ls.documents.get(path)
    if document is None:
        return []
    context = await ls.ask(context_at, document.text, ls.positions.offset(document.text, params.position))
    analysis = await ls.analysis(path, context.rest) if context else None
    if context is None or analysis is None:
        return []
    return [completion_item(item) for item in await ls.ask(complete, analysis, context)]


async def _prepare_rename(ls: Server, params: types.PrepareRenameParams) -> types.Range | None:
    found = await ls.at(params)
    occurrence = found[0].occurrence(found[1]) if found else None
    return ls.positions.of(occurrence.span) if occurrence else None


async def _rename(ls: Server, params: types.RenameParams) -> types.WorkspaceEdit | None:
    found = await ls.at(params)
    occurrence = found[0].occurrence(found[1]) if found else None
    if found is None or occurrence is None:
        return None
    try:
        edits = await ls.ask(rename, occurrence.symbol, params.new_name, found[0].path, ls.project, ls.unsaved)
    except RenameRefusedError as refused:
        raise JsonRpcException(str(refused), _REQUEST_FAILED) from None
    return ls.converter.workspace_edit(edits)


async def _formatting(ls: Server, params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
    document = ls.documents.get(ls.path(params.text_document.uri))
    if document is None:
        return None
    try:
        after = await ls.ask(format_source, document.text)
    except SpecError:  # is shown where it is
        return None
    return ls.converter.line_edits(document.text, after)


async def _symbols(ls: Server, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
    analysis = await ls.analysis(ls.path(params.text_document.uri))
    return [ls.converter.symbol(e) for e in outline(analysis.tree)] if analysis else []


HANDLERS: dict[str, tuple[Callable[[Server, Any], Awaitable[Any]], Any]] = {
    types.INITIALIZED: (_initialized, None),
    types.SHUTDOWN: (_shutdown, None),
    types.TEXT_DOCUMENT_DID_OPEN: (_changed, None),
    types.TEXT_DOCUMENT_DID_CHANGE: (_changed, None),
    types.TEXT_DOCUMENT_DID_CLOSE: (_closed, None),
    types.WORKSPACE_DID_CHANGE_WATCHED_FILES: (_files_changed, None),
    types.TEXT_DOCUMENT_HOVER: (_hover, None),
    types.TEXT_DOCUMENT_DEFINITION: (_definition, None),
    types.TEXT_DOCUMENT_REFERENCES: (_references, None),
    types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: (_highlights, None),
    types.TEXT_DOCUMENT_COMPLETION: (_completion, types.CompletionOptions(trigger_characters=[".", "/", '"', "("])),
    types.TEXT_DOCUMENT_PREPARE_RENAME: (_prepare_rename, None),
    types.TEXT_DOCUMENT_RENAME: (_rename, types.RenameOptions(prepare_provider=True)),
    types.TEXT_DOCUMENT_FORMATTING: (_formatting, None),
    types.TEXT_DOCUMENT_DOCUMENT_SYMBOL: (_symbols, None),
}
