"""The TextMate grammar: made from the Lark grammar, and right about the shipped specs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from qdsl.lsp.textmate import text, textmate
from qdsl.resources import data_dir

GRAMMAR = data_dir("grammar")


def test_the_file_is_the_one_that_is_made() -> None:
    written = (GRAMMAR / "qdsl.tmLanguage.json").read_text(encoding="utf-8")
    assert written == text(), "write it anew: python -m qdsl.lsp.textmate > grammar/qdsl.tmLanguage.json"


def test_the_extension_names_files_that_are_there() -> None:
    contributes = json.loads((GRAMMAR / "package.json").read_text())["contributes"]
    (language,), (grammar,) = contributes["languages"], contributes["grammars"]
    assert (GRAMMAR / grammar["path"]).is_file() and (GRAMMAR / language["configuration"]).is_file()
    assert json.loads((GRAMMAR / language["configuration"]).read_text())["comments"]["lineComment"] == "//"


def scopes(line: str) -> Iterator[tuple[str, str]]:
    """Words of a line with the last parts of their scopes, as an editor finds them: the pattern that matches first."""
    patterns: list[tuple[re.Pattern[str], dict[str, Any]]] = [
        (re.compile(p.get("match") or p["begin"]), p) for p in textmate()["patterns"]
    ]
    at = 0
    while found := [(m, p) for pattern, p in patterns if (m := pattern.search(line, at))]:
        match, pattern = min(found, key=lambda pair: pair[0].start())
        if "end" in pattern:
            end = re.compile(pattern["end"]).search(line, match.end())
            assert end is not None
            yield line[match.start() : end.end()], pattern["name"].split(".")[-2]
            at = end.end()
            continue
        if "name" in pattern:
            yield match[0], pattern["name"].split(".")[-2]
        for i, capture in pattern.get("captures", {}).items():
            if match[int(i)] is not None:
                yield match[int(i)], capture["name"].split(".")[-2]
        at = match.end()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('import "a.qdsl" // b', {"import": "declaration", '"a.qdsl"': "double", "// b": "double-slash"}),
        ("accelerator toy {", {"accelerator": "declaration", "toy": "type"}),
        (
            "  memory glb { size 4.5 KiB; keep I }",
            {"memory": "other", "glb": "name", "size": "other", "4.5": "numeric"},
        ),
        ("  memory glb { size 4.5 KiB; keep I }", {"KiB": "unit", "keep": "other"}),
        ("  bandwidth read 16 word/cycle", {"bandwidth": "other", "read": "control", "word/cycle": "unit"}),
        ("  e = conv2d(x, K = 2) relu6", {"conv2d": "function", "=": "operator", "2": "numeric"}),
        ("  repeat 2 as b2 = bottleneck(b1, 6 then 1)", {"repeat": "other", "as": "control", "then": "control"}),
        ("  if bits(W) <= 4 then spatial(pe.x, K) >= 2", {"if": "other", "bits": "function", "<=": "operator"}),
        ("  O[n] max= I[n]", {"max=": "operator"}),
    ],
)
def test_words_have_their_colours(line: str, expected: dict[str, str]) -> None:
    assert expected.items() <= dict(scopes(line)).items()


@pytest.mark.parametrize("line", ["  size = conv2d(x)", "  weights: for C 3", "  x.channels", "  keep(x)"])
def test_keywords_used_as_names_have_none(line: str) -> None:
    word = re.findall(r"\w+", line)[0]
    assert dict(scopes(line)).get(word) not in ("other", "control", "declaration")
