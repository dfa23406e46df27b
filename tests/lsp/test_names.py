"""What every name of a spec stands for, and what changes with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from lark.lexer import PatternStr

from qdsl.lsp.navigation import definition
from qdsl.lsp.project import Analysis, Project
from qdsl.lsp.rename import RenameRefusedError, rename, uses
from qdsl.lsp.symbols import Symbol
from qdsl.model import load
from qdsl.model.accuracy import CHOICES, DATA, METHODS
from qdsl.model.check_hardware import LIMITED
from qdsl.model.graph import FUNCTIONS
from qdsl.model.study import LEVELS, OBJECTIVES
from qdsl.model.units import UNITS
from qdsl.resources import data_dir
from qdsl.syntax.tables import parser
from tests.lsp.conftest import LIBRARY, MAIN

SPECS = sorted(data_dir("specs").rglob("*.qdsl"))
REFERENCE = [
    text
    for text in re.findall(
        r"^```qdsl\n(.*?)^```$", (data_dir("grammar") / "README.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    if '"../' not in text  # a path
]
OTHER = {
    *(t.pattern.value for t in parser().terminals if isinstance(t.pattern, PatternStr)),
    *UNITS,
    *FUNCTIONS,
    *OBJECTIVES,
    *LEVELS,
    *LIMITED,
    *(
        "bits",
        "tile",
        "utilization",
        "occupancy",
        "max",
        "floor",
        "log2",
        "reduction",
        "output",
        "weights",
        "activations",
    ),
    *(
        "ceil",
        "epsilon",
        "min",
        "operations",
        "pad",
        "channels",
        "nsga2",
        "population",
        "offspring",
        "generations",
        "seed",
        "html",
        "markdown",
        "layer",
    ),
    *("latency", "operators", "default", "exact", "random", "victory", "groups"),
    *(*METHODS, *(name for names in METHODS.values() for name in names), *DATA),
    *(word for words in CHOICES.values() for word in words),
    "concat",
    *("pad_P", "pad_Q"),  # the dimension in them is found
    "e",  # of numbers
}


def unresolved(analysis: Analysis) -> set[str]:
    """Words that are no names."""
    text = re.sub(r'"(?:\\.|[^"\\])*"|//[^\n]*', lambda m: " " * len(m[0]), analysis.source.text)
    known = {o.span.start for o in analysis.occurrences}
    return {m[0] for m in re.finditer(r"[A-Za-z_]\w*", text) if m.start() not in known}


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_every_name_of_the_shipped_specs_is_known(path: Path) -> None:
    analysis = Project().analyse(path.resolve(), {})
    assert analysis is not None
    assert unresolved(analysis) <= OTHER


@pytest.mark.parametrize("text", REFERENCE)
def test_every_name_of_the_language_reference_is_known(text: str, tmp_path: Path) -> None:
    path = tmp_path.resolve() / "example.qdsl"
    analysis = Project().analyse(path, {path: text})
    assert analysis is not None and not analysis.findings
    # what network a set of constraints is for is not known where it is declared
    layers = {
        word for found in re.findall(r"(?:every|for) layer ([^{\n]*)", text) for word in re.findall(r"\w+", found)
    }
    assert unresolved(analysis) <= OTHER | layers


def test_every_kind_of_name_is_known(analyse: Callable[[str], Analysis]) -> None:
    found = analyse(MAIN)
    assert not found.findings
    assert unresolved(found) <= OTHER
    kinds = {o.symbol.kind for o in found.occurrences}
    assert kinds == {
        *("operator", "technology", "entry", "accelerator", "parameter", "memory", "array", "compute", "network"),
        *("activation", "layer", "block", "constraint set", "variable", "mapping", "study", "tensor", "dimension"),
    }


@pytest.mark.parametrize(
    ("mark", "place"),
    [
        ("round.store", ("library.qdsl", "round {")),
        ("store }", ("library.qdsl", "store {")),
        ("rows; multicast", ("main.qdsl", "rows = 4 in")),
        ("rows = 2) {\n  bits", ("main.qdsl", "rows = 4 in")),
        ("pair(image", ("main.qdsl", "pair(x")),
        ("size = 32", ("main.qdsl", "size) {")),
        ("up onto", ("main.qdsl", "up = matmul")),
        ("body.1.up: 16", ("main.qdsl", "body = pair")),
        ("pe.y: parallel", ("main.qdsl", "pe {")),
        ("d) <= 32", ("main.qdsl", "d in M")),
        ("flow\n", ("main.qdsl", "flow for")),
        ("K 16", ("library.qdsl", "K\n  weights")),
        ("W\n  dram", ("library.qdsl", "W[k")),
        ('library.qdsl"', ("library.qdsl", "")),
    ],
)
def test_definition(analyse: Callable[[str], Analysis], mark: str, place: tuple[str, str]) -> None:
    file, start = place
    (found,) = definition(analyse(MAIN), MAIN.index(mark))
    assert Path(found.source.path).name == file
    assert found.source.text[found.start :].startswith(start)


def symbols(analysis: Analysis) -> list[Symbol]:
    return list(dict.fromkeys(o.symbol for o in analysis.occurrences))


def test_every_kind_of_symbol_can_be_renamed_and_the_spec_stays_right(
    project: Project, main_file: Path, analyse: Callable[[str], Analysis]
) -> None:
    one_of_each = {s.kind: s for s in symbols(analyse(MAIN))}
    for symbol in one_of_each.values():
        analysis = project.analyse(main_file, {})
        assert analysis is not None
        now = next(s for s in symbols(analysis) if (s.kind, s.name) == (symbol.kind, symbol.name))
        edits = rename(now, "Renamed", main_file, project, {})
        texts = {"main.qdsl": MAIN, "library.qdsl": LIBRARY}
        for edit in sorted(edits, key=lambda e: -e.span.start):
            name = Path(edit.span.source.path).name
            texts[name] = texts[name][: edit.span.start] + edit.text + texts[name][edit.span.end :]
        place = main_file.parent.with_name("renamed")
        place.mkdir(exist_ok=True)
        for name, text in texts.items():
            (place / name).write_text(text)
        assert load(place / "main.qdsl").studies, symbol
        assert sum(text.lower().count("renamed") for text in texts.values()) == len(edits) > 0


@pytest.mark.parametrize(
    ("mark", "new", "reason"),
    [
        ("pad: for", "dram", "`dram` already stands for something"),
        ("W = 4", "I", "already stands for something"),
        ("K 16", "n", "cannot stand everywhere|already stands for something"),
        ("rows = 4", "2rows", "is not a name"),
        ("up = matmul", "x", "already stands for something"),
        ("tiny {", "tiny machine", "is not a name"),
    ],
)
def test_rename_is_refused(
    project: Project, main_file: Path, analyse: Callable[[str], Analysis], mark: str, new: str, reason: str
) -> None:
    occurrence = analyse(MAIN).occurrence(MAIN.index(mark))
    assert occurrence is not None
    with pytest.raises(RenameRefusedError, match=reason):
        rename(occurrence.symbol, new, main_file, project, {})


def test_a_tensor_that_nothing_declares_is_not_renamed(
    project: Project, main_file: Path, analyse: Callable[[str], Analysis]
) -> None:
    text = MAIN.replace("multicast I, W", "multicast I, X")
    occurrence = analyse(text).occurrence(text.index("X"))
    assert occurrence is not None
    with pytest.raises(RenameRefusedError, match="declared nowhere"):
        rename(occurrence.symbol, "Y", main_file, project, {main_file: text})


def test_uses_are_found_in_files_that_import_the_declaration(project: Project, main_file: Path) -> None:
    library = main_file.parent / "library.qdsl"
    analysis = project.analyse(library, {})
    assert analysis is not None
    occurrence = analysis.occurrence(LIBRARY.index("matmul"))
    assert occurrence is not None
    found = uses(occurrence.symbol, project.linked(library, {}))
    assert sorted(Path(o.span.source.path).name for o in found) == ["library.qdsl", *["main.qdsl"] * 6]


def test_only_what_changed_is_checked_again(project: Project, main_file: Path) -> None:
    before = project.analyse(main_file, {})
    assert before is not None and project.analyse(main_file, {}) is before
    library, text = main_file.parent / "library.qdsl", LIBRARY.replace("64 pJ", "32 pJ")
    other = project.analyse(main_file, {library: text})
    assert other is not None and other.tree is before.tree
    machine = other.names.accelerators["tiny"]
    assert machine and machine.default and machine.default.levels[0].energy.read_pj == 32


def test_a_renamed_dimension_is_renamed_in_its_padding(tmp_path: Path) -> None:
    text = (
        "operator conv {\n  dims N, P, R\n  weights W\n  O[n, p] += I[n, p + r] * W[r]\n}\n"
        "network n {\n  input x: 8\n  c = conv(x, R = 3, pad_P = 1)\n  output c\n}\n"
    )
    path = tmp_path.resolve() / "main.qdsl"
    path.write_text(text)
    project = Project()
    analysis = project.analyse(path, {})
    assert analysis is not None
    occurrence = analysis.occurrence(text.index("P, R"))
    assert occurrence is not None
    edits = rename(occurrence.symbol, "Row", path, project, {})
    for edit in sorted(edits, key=lambda e: -e.span.start):
        text = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert "pad_Row = 1" in text and "p + r" not in text and "row + r" in text
