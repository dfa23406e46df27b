"""`qdsl lsp` over stdin and stdout, as an editor uses it."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls")
from lsprotocol import types
from pygls.exceptions import JsonRpcException

from qdsl.cli import main
from qdsl.lsp.convert import Converter
from qdsl.lsp.positions import Positions
from qdsl.lsp.project import Project
from qdsl.resources import data_dir
from qdsl.syntax import format_source
from tests.support.editor import Editor

FIRST = "examples/first.qdsl"
CONV = "operators/conv2d.qdsl"
RELATED = types.TextDocumentClientCapabilities(
    publish_diagnostics=types.PublishDiagnosticsClientCapabilities(related_information=True)
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("with space") / "specs"
    shutil.copytree(data_dir("specs"), place)
    return place


@pytest.fixture(scope="module")
def editor(root: Path) -> Iterator[Editor]:
    with Editor(root, text_document=RELATED) as started:
        yield started
        assert not started.messages, "no defect is logged"
        assert started.leave() == 0


@pytest.fixture
def first(editor: Editor, root: Path) -> Iterator[str]:
    """The first example, open and without findings."""
    text = (root / FIRST).read_text()
    assert editor.show(FIRST, text) == []
    yield text
    editor.show(FIRST, text)
    editor.close(FIRST)


def request(editor: Editor, name: str, params: Any) -> Any:
    return editor.run(getattr(editor.client, f"text_document_{name}_async")(params))


def test_it_says_what_it_can(editor: Editor) -> None:
    can = editor.capabilities
    assert can.position_encoding == "utf-16"
    assert can.hover_provider and can.definition_provider and can.references_provider
    assert can.completion_provider and can.document_formatting_provider and can.document_symbol_provider


def test_a_mistake_is_shown_while_it_is_there(editor: Editor, first: str) -> None:
    (found,) = editor.show(FIRST, first.replace("size 4 KiB", "size 4 KB"))
    assert found.code == "Q0301" and found.severity == types.DiagnosticSeverity.Error and found.source == "qdsl"
    assert found.message.splitlines() == ["unknown unit `KB` (not a unit)", "help: `KiB` is 1024 bytes, `kB` is 1000"]
    assert found.range == types.Range(types.Position(23, 11), types.Position(23, 13))
    assert found.code_description and Path(found.code_description.href.removeprefix("file://")).is_file()
    assert editor.show(FIRST, first) == []


def test_related_places_are_told(editor: Editor, first: str) -> None:
    (found,) = editor.show(FIRST, first.replace("registers: for C 3, R 3, S 3", "registers: for C 3, R 3"))
    assert found.code == "Q0603"
    found_by_capacity = editor.show(FIRST, first.replace("size 32 word", "size 8 word"))
    (too_small,) = found_by_capacity
    assert too_small.code == "Q0607" and too_small.related_information
    assert too_small.related_information[0].location.uri == editor.uri(FIRST)
    assert too_small.related_information[0].message.startswith("holds 8 words")


def test_what_is_open_counts_where_it_is_imported(editor: Editor, first: str, root: Path) -> None:
    text = (root / CONV).read_text()
    editor.show(CONV, text.replace("operator conv2d", "operator convolution"))
    later = editor.until(FIRST, lambda p: p.diagnostics)
    assert {d.code for d in later.diagnostics} == {"Q0201"}
    editor.close(CONV)  # what is on disk counts again
    editor.until(FIRST, lambda p: not p.diagnostics)


def test_a_mistake_in_an_imported_file_is_shown_there(editor: Editor, first: str) -> None:
    editor.show(FIRST, first)
    editor.show(CONV, "operator conv2d { dims }")
    there = editor.until(CONV, lambda p: p.diagnostics)
    assert there.diagnostics[0].code == "Q0101"
    editor.close(CONV)
    editor.until(FIRST, lambda p: not p.diagnostics)


def test_positions_are_utf_16(editor: Editor, first: str) -> None:
    text = first.replace('source "invented', 'source "\U0001f600 invented').replace(
        "compute mac { energy 1 pJ }", 'compute mac { source "\U0001f600\U0001f600"; energy 1 pX }'
    )
    (found,) = editor.show(FIRST, text)
    line = next(x for x in text.splitlines() if "pX" in x)
    assert found.range.start.character == line.index("pX") + 2
    place = editor.place(FIRST, text, "pX")
    assert place["position"] == found.range.start


def test_hover_explains_a_memory_with_its_formulas(editor: Editor, first: str) -> None:
    editor.show(FIRST, first)
    answer = request(editor, "hover", types.HoverParams(**editor.place(FIRST, first, "buffer: for")))
    assert "2,048 words of 16 bits: 4 KiB" in answer.contents.value
    assert "updates 1,024 = ceil(K_buffer*K_pe.y*P_dram*P_buffer*Q_buffer*Q_pe.x / 2)" in answer.contents.value
    nothing = request(editor, "hover", types.HoverParams(**editor.place(FIRST, first, "// Outermost")))
    assert nothing is None


def test_definition_leads_into_imported_files(editor: Editor, first: str, root: Path) -> None:
    editor.show(FIRST, first)
    (found,) = request(editor, "definition", types.DefinitionParams(**editor.place(FIRST, first, "conv2d(image")))
    assert found.uri == editor.uri(CONV)
    lines = (root / CONV).read_text().splitlines()
    assert lines[found.range.start.line][found.range.start.character :].startswith("conv2d(")
    (file,) = request(editor, "definition", types.DefinitionParams(**editor.place(FIRST, first, "operators/linear")))
    assert file.uri == editor.uri("operators/linear.qdsl")


def test_references_are_found_in_all_files(editor: Editor, first: str) -> None:
    editor.show(FIRST, first)
    place = editor.place(FIRST, first, "conv2d(image")
    context = types.ReferenceContext(include_declaration=True)
    found = request(editor, "references", types.ReferenceParams(context, **place))
    files = {Path(x.uri).name for x in found}
    assert {"conv2d.qdsl", "first.qdsl", "alexnet.qdsl", "mobilenet_v2.qdsl"} <= files


def test_completion_knows_the_dimensions_of_the_layer(editor: Editor, first: str) -> None:
    text = first.replace("  dram: for P 4\n", "  dram: for P 4, \n")
    editor.show(FIRST, text)
    place = editor.place(FIRST, text, "for P 4, ")
    place["position"] = types.Position(place["position"].line, place["position"].character + 9)
    items = request(editor, "completion", types.CompletionParams(**place))
    assert {i.label: i.detail for i in items} == {
        d: f"dimension, {n}" for d, n in zip("NKCPQRS", (1, 8, 3, 16, 16, 3, 3), strict=True)
    }


def test_rename_reaches_every_file_that_uses_the_name(editor: Editor, first: str, root: Path) -> None:
    editor.show(FIRST, first)
    place = editor.place(FIRST, first, "conv2d(image")
    edit = request(editor, "rename", types.RenameParams(new_name="convolution", **place))
    assert edit.changes.keys() >= {editor.uri(n) for n in (FIRST, CONV, "networks/alexnet.qdsl")}
    for uri, edits in edit.changes.items():
        lines = (root / Path(uri).relative_to(root.as_uri())).read_text().splitlines()
        for e in edits:
            assert lines[e.range.start.line][e.range.start.character : e.range.end.character] == "conv2d"
            assert e.new_text == "convolution"


def test_rename_is_refused_where_the_name_is_taken(editor: Editor, first: str) -> None:
    editor.show(FIRST, first)
    place = editor.place(FIRST, first, "buffer: for")
    with pytest.raises(JsonRpcException, match="`dram` already stands for something"):
        request(editor, "rename", types.RenameParams(new_name="dram", **place))


def test_formatting_changes_the_lines_that_need_it(editor: Editor, first: str) -> None:
    text = first.replace("  word 16 bit\n", "      word   16 bit\n")
    editor.show(FIRST, text)
    options = types.FormattingOptions(tab_size=2, insert_spaces=True)
    params = types.DocumentFormattingParams(types.TextDocumentIdentifier(editor.uri(FIRST)), options)
    (edit,) = request(editor, "formatting", params)
    assert edit.new_text == "  word 16 bit\n" and edit.range.start.line == edit.range.end.line - 1
    assert format_source(text) == first
    editor.show(FIRST, "accelerator {")
    assert request(editor, "formatting", params) is None


def test_symbols_are_a_tree(editor: Editor, first: str) -> None:
    editor.show(FIRST, first)
    params = types.DocumentSymbolParams(types.TextDocumentIdentifier(editor.uri(FIRST)))
    found = {s.name: [c.name for c in s.children or ()] for s in request(editor, "document_symbol", params)}
    assert found["toy"] == ["dram", "buffer", "pe", "registers", "mac"]
    assert found["tiny"] == ["image", "conv", "fc"]


def test_half_typed_text_is_answered(editor: Editor, first: str) -> None:
    for end in range(0, len(first), 97):
        text = first[:end]
        editor.show(FIRST, text)
        line = text.count("\n")
        place: dict[str, Any] = {
            "text_document": types.TextDocumentIdentifier(editor.uri(FIRST)),
            "position": types.Position(line, len(text.rpartition("\n")[2])),
        }
        request(editor, "hover", types.HoverParams(**place))
        request(editor, "completion", types.CompletionParams(**place))


def test_a_client_without_related_places_gets_them_in_the_message(root: Path) -> None:
    path = (root / FIRST).resolve()
    analysis = Project().analyse(path, {path: path.read_text().replace("size 32 word", "size 8 word")})
    assert analysis is not None
    (found,) = map(Converter(Positions(), lambda path: path, related=False).diagnostic, analysis.findings)
    assert found.related_information is None
    assert "29:22: holds 8 words of 16 bits" in found.message


def test_without_the_library_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "pygls", None)
    for name in [m for m in sys.modules if m.startswith("qdsl.lsp.")]:
        monkeypatch.delitem(sys.modules, name)
    assert main(["lsp"]) == 1
    said = capsys.readouterr().err
    assert "error[Q0960]: the language server needs the library `pygls`" in said
    assert "pip install 'qdsl[lsp]'" in said


def test_of_many_changes_in_a_row_the_last_is_checked(editor: Editor, first: str) -> None:
    uri, published = editor.uri(FIRST), []
    for _ in range(30):
        version = editor.versions[FIRST] = editor.versions[FIRST] + 1
        document = types.VersionedTextDocumentIdentifier(uri=uri, version=version)
        change = types.TextDocumentContentChangeWholeDocument(first.replace("size 4 KiB", f"size {version} KB"))
        editor.tell(types.TEXT_DOCUMENT_DID_CHANGE, types.DidChangeTextDocumentParams(document, [change]))
        published.append(editor.published[uri].version)
    assert editor.diagnostics(FIRST)[0].code == "Q0301"
    assert len(set(published)) < 10
