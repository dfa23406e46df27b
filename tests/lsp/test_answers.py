"""Hover, completion and the outline, without a server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qdsl.lsp.completion import complete
from qdsl.lsp.context import context_at
from qdsl.lsp.hover import hover
from qdsl.lsp.navigation import definition
from qdsl.lsp.outline import outline
from qdsl.lsp.project import Analysis, Project
from qdsl.resources import data_dir
from tests.lsp.conftest import LIBRARY, MAIN
from tests.support.grammar import Writer

Analyse = Callable[[str], Analysis]


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("256 word", "`256 word`: a number of words"),
        ("flow for", "spatial pe.x only N\norder pad: N, K"),
        ("rows = 4", "**parameter `rows`**\n\n```\nparam rows = 4 in {2..8}\n```\n\n= 4"),
        ("store }", "read 64 pJ, write 64 pJ, update 64 pJ per access of 32 bits (example)"),
        ("pad {", "- 256 words of 16 bits: 4096 bit\n- keeps I, O, may keep W"),
        ("pe { x", "- 4 x 4 = 16 instances\n- multicasts I, W"),
        ("pe.y: parallel", "- 4 x 2 = 8 instances"),  # the mapping sets `rows`
        ("mac {", "`1 * bits(W)` pJ per operation (example)"),
        ("image: 64", "1 x 64, batch first"),
        ("head = matmul", "M 1, N 10, K 64: 640 operations"),
        ("up = matmul", "| `body.2.up` | matmul | M 1, N 32, K 64 | 2,048 |"),
        ("matmul(x", "O[m, n] += I[m, gain*k] * W[k, n]"),
        ("two {", "- 5 layers, 3 of them distinct"),
        ("W = 4", "of `body.1.up`: 64 x 32 = 2,048 values of 4 bits"),
        ("I, W }", "- `I[m, gain*k]`, input activation of `matmul`"),
        ("N 4, K", "32 in `body.1.up`"),
        ("N\n  order", "of `matmul`"),
        ("by_hand", "`two.body.1.up` onto `tiny`"),
        ("widths {", "- 11 bit-widths to choose"),
        ("d in M", "for d in M, N"),
    ],
)
def test_hover(analyse: Analyse, mark: str, said: str) -> None:
    found = hover(analyse(MAIN), MAIN.index(mark))
    assert found is not None
    assert said in found.text


def test_hover_shows_values_in_base_units(analyse: Analyse) -> None:
    text = MAIN.replace("size 256 word", "size 0.5 KiB")
    found = hover(analyse(text), text.index("0.5 KiB"))
    assert found is not None and found.text == "`0.5 KiB` = 4096 bit: a number of bits"
    technology = hover(analyse(MAIN), MAIN.index("round.store"))
    assert technology is not None and "`store`" in technology.text


def test_hover_on_a_memory_tells_its_formulas(analyse: Analyse) -> None:
    found = hover(analyse(MAIN), MAIN.index("pad: for"))
    assert found is not None and found.more is not None
    assert "I: tile 1 x 4 = 4 values of 8 bits" in found.more()
    assert "updates 256 = K_dram*K_pad*N_pad" in found.more()


def at_end(analyse: Analyse, text: str) -> dict[str, str]:
    """Labels and kinds of what is offered at the end of a text that follows the main file."""
    full = MAIN + text
    context = context_at(full, len(full))
    assert context is not None
    return {item.label: item.kind for item in complete(analyse(context.rest), context)}


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", {"accelerator", "import", "study"}),
        ("mapping m for ", {"two"}),
        ("mapping m for two.", {"body", "head"}),
        ("mapping m for two.body.1.", {"up", "down"}),
        ("mapping m for two.head onto ", {"tiny"}),
        ("mapping m for two.head onto tiny(", {"rows"}),
        ("mapping m for two.head onto tiny {\n  ", {"bits", "dram", "pe", "pad"}),
        ("mapping m for two.head onto tiny {\n  pe.", {"x", "y"}),
        ("mapping m for two.head onto tiny {\n  bypass pad: ", {"W", "I", "O"}),
        ("mapping m for two.head onto tiny {\n  dram: for K 2, ", {"M", "N", "K"}),
        ("constraints c for ", {"tiny"}),
        ("constraints c for tiny {\n  spatial ", {"pe"}),
        ("constraints c for tiny {\n  order ", {"dram", "pad"}),
        ("constraints c for tiny {\n  order pad: ", {"M", "N", "K"}),
        ("constraints c for tiny {\n  every ", {"matmul", "layer"}),
        ("constraints c for tiny {\n  tile(", {"dram", "pad"}),
        ("constraints c for tiny {\n  tile(pad, ", {"M", "N", "K"}),
        ("constraints c for tiny {\n  if bits(", {"W", "I", "O"}),
        ("constraints c for tiny {\n  keep pad: ", {"W"}),
        ("constraints c for tiny {\n  every matmul {\n    ", {"utilization", "if", "temporal", "K"}),
        ("accelerator a {\n  ", {"memory", "array", "param", "clock"}),
        ("accelerator a {\n  memory m {\n    ", {"size", "energy", "double_buffered"}),
        ("accelerator a {\n  memory m {\n    size 4 ", {"word", "KiB"}),
        ("accelerator a {\n  memory m {\n    size 4 Ki", {"KiB"}),
        ("accelerator a {\n  memory m {\n    bandwidth read 4 wo", {"word/cycle"}),
        ("accelerator a {\n  memory m {\n    keep I, ", {"W", "O"}),
        ("accelerator a {\n  memory m {\n    energy from ", {"round"}),
        ("accelerator a {\n  memory m {\n    energy from round.", {"store"}),
        ("accelerator a {\n  param side = 4\n  array p { x ", {"side"}),
        ("accelerator a {\n  compute m { energy 1 pJ * bits(", {"weights", "W"}),
        ("operator o {\n  dims A, B\n  O[a, b] = I[a, ", {"a", "b"}),
        ("network n {\n  input x: 4\n  c = ", {"matmul", "x"}),
        ("network n {\n  input x: 4\n  c = matmul(x, ", {"N", "gain", "pad"}),
        ("network n {\n  input x: 4\n  c = matmul(x, N = 4) ", {"relu"}),
        ("network n {\n  input x: 4\n  c = matmul(x, N = x.", {"channels"}),
        ("network n {\n  block b(y) {\n    c = matmul(", {"y"}),
        ("study s {\n  ", {"map", "precision", "minimize"}),
        ("study s {\n  map ", {"two"}),
        ("study s {\n  map two onto ", {"tiny"}),
        ("study s {\n  map matmul as ", {"matmul"}),
        ("study s {\n  map matmul as matmul(", {"gain", "K"}),
        ("study s {\n  map matmul as matmul(K = ", {"M", "N"}),
        ("study s {\n  constrain with ", {"flow"}),
        ("study s {\n  minimize energy, ", {"noise"}),
        ("study s {\n  mapper ", {"exact", "random", "genetic"}),
        ("study s {\n  mapper random(victory = 100, ", {"samples", "time_limit"}),
        ("study s {\n  search nsga2(population = 4, ", {"seed", "operators"}),
        ("study s {\n  search nsga2(operators = ", {"default", "seed"}),
        ("study s {\n  limit ", {"area", "error"}),
        ("study s {\n  accuracy ", {"train", "calibrate"}),
        ("study s {\n  accuracy train(", {"epochs", "learned"}),
        ("study s {\n  accuracy train(epochs = 3, ranges = ", {"minmax", "mse"}),
        ("study s {\n  accuracy train(epochs = 3) on ", {"digits", "cifar10"}),
        ("study s {\n  report ", {"html"}),
        ("study s {\n  map two onto tiny\n  precision {\n    layer ", {"body", "head"}),
        ("study s {\n  map two onto tiny\n  precision {\n    split body.", {"1", "2"}),
        ("study s {\n  map two onto tiny\n  precision {\n    weights in {2..8} per ", {"layer"}),
        ("study s {\n  map two onto tiny\n  constrain {\n    occupancy(pad, ", {"W"}),
        ("study s {\n  map two onto tiny\n  constrain {\n    every layer ", {"body", "head"}),
        ('import "', {"library.qdsl", "../"}),
    ],
)
def test_completion(analyse: Analyse, text: str, names: set[str]) -> None:
    assert names <= at_end(analyse, text).keys()


def test_completion_offers_no_more_than_fits(analyse: Analyse) -> None:
    assert at_end(analyse, "mapping m for ").keys() == {"two"}
    assert at_end(analyse, "study s {\n  constrain with ").keys() == {"flow", "if"}
    kinds = set(at_end(analyse, "mapping m for two.head onto tiny {\n  dram: for ").values())
    assert kinds == {"dimension"}


@pytest.mark.parametrize("text", ["// a comm", 'technology t { source "a te'])
def test_nothing_is_offered_in_comments_and_texts(text: str) -> None:
    assert context_at(text, len(text)) is None


def test_outline(analyse: Analyse) -> None:
    found = {e.name: e for e in outline(analyse(MAIN).tree)}
    assert [e.name for e in found["tiny"].inside] == ["rows", "dram", "pe", "pad", "mac"]
    (block,) = (e for e in found["two"].inside if e.kind == "block")
    assert [e.name for e in block.inside] == ["up", "down"]
    assert found["by_hand"].kind == "mapping"


@pytest.mark.parametrize("path", sorted(data_dir("specs").glob("*/*.qdsl"))[1::6], ids=lambda p: p.stem)
def test_text_cut_anywhere_is_answered(path: Path) -> None:
    project, full = Project(), path.read_text()
    for end in range(0, len(full), 97):
        text = full[:end]
        analysis = project.analyse(path.resolve(), {path.resolve(): text})
        assert analysis is not None
        context = context_at(text, end)
        if context is not None:
            complete(analysis, context)
        hover(analysis, end)
        outline(analysis.tree)


@settings(max_examples=10)
@given(st.randoms(use_true_random=False))
def test_any_text_is_answered_also_a_damaged_one(random: Random) -> None:
    project, path, text = Project(), Path("any.qdsl").resolve(), Writer(random, depth=20).file()
    cut = random.randrange(len(text) + 1)
    for damage in ("", "{", '"', "\U0001f600", "//"):
        broken = text[:cut] + damage + text[cut + random.randrange(20) :]
        analysis = project.analyse(path, {path: broken})
        assert analysis is not None
        outline(analysis.tree)
        for offset in (cut, random.randrange(len(broken) + 1)):
            found = hover(analysis, offset)
            assert found is None or found.span.start <= offset <= found.span.end
            definition(analysis, offset)
            context = context_at(broken, offset)
            if context is not None:
                complete(analysis, context)


def test_the_library_is_completed_too(project: Project, main_file: Path) -> None:
    path, text = main_file.parent / "library.qdsl", LIBRARY + "technology t { memory m { energy read 1 "
    context = context_at(text, len(text))
    assert context is not None
    analysis = project.analyse(path, {path: context.rest})
    assert analysis is not None
    assert "pJ" in {item.label for item in complete(analysis, context)}
