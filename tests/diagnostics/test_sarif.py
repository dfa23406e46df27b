"""The SARIF log has the structure that the published 2.1.0 schema asks for, and says what the text says.

SHAPES is the part of the schema that a log of qdsl uses: per object what it must have, what else it has, and the type of each;
no object of the schema may have anything else.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qdsl.cli import main
from qdsl.diagnostics import Diagnostic, Label, Severity, SourceFile, Span
from qdsl.diagnostics.sarif import sarif

LEVELS = ("none", "note", "warning", "error")
# name -> (required, optional); a type is that of Python, a name of a shape, [shape] for a list, or a tuple of allowed values
SHAPES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "log": ({"version": ("2.1.0",), "runs": ["run"]}, {"$schema": str}),
    "run": (
        {"tool": "tool"},
        {"columnKind": ("utf16CodeUnits", "unicodeCodePoints"), "originalUriBaseIds": dict, "results": ["result"]},
    ),
    "tool": ({"driver": "toolComponent"}, {}),
    "toolComponent": ({"name": str}, {"version": str, "rules": ["reportingDescriptor"]}),
    "reportingDescriptor": (
        {"id": str},
        {
            "shortDescription": "multiformatMessageString",
            "fullDescription": "multiformatMessageString",
            "help": "multiformatMessageString",
            "defaultConfiguration": "reportingConfiguration",
        },
    ),
    "multiformatMessageString": ({"text": str}, {"markdown": str}),
    "reportingConfiguration": ({}, {"level": LEVELS}),
    "result": (
        {"message": "message"},
        {"ruleId": str, "ruleIndex": int, "level": LEVELS, "locations": ["location"], "relatedLocations": ["location"]},
    ),
    "message": ({"text": str}, {}),
    "location": ({}, {"id": int, "physicalLocation": "physicalLocation", "message": "message"}),
    "physicalLocation": ({"artifactLocation": "artifactLocation"}, {"region": "region"}),
    "artifactLocation": ({}, {"uri": str, "uriBaseId": str}),
    "region": ({"startLine": int}, {"startColumn": int, "endLine": int, "endColumn": int}),
}
POSITIVE = ("startLine", "startColumn", "endLine", "endColumn")


def violations(value: Any, shape: Any, where: str) -> list[str]:
    """What of a value is not as its shape says."""
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        found = [v for i, x in enumerate(value) for v in violations(x, shape[0], f"{where}[{i}]")]
        unique = len({json.dumps(x, sort_keys=True) for x in value}) == len(value)
        return found if unique or shape == ["result"] else [*found, f"{where} repeats an item"]
    if isinstance(shape, tuple):
        return [] if value in shape else [f"{where} is {value!r}"]
    if isinstance(shape, type):
        return [] if isinstance(value, shape) else [f"{where} is no {shape.__name__}"]
    required, optional = SHAPES[shape]
    known = {**required, **optional}
    found = [f"{where} lacks {name}" for name in required if name not in value]
    found += [f"{where} has {name}" for name in value if name not in known]
    found += [f"{where}.{n} is {value[n]}" for n in POSITIVE if n in value and value[n] < 1]
    return found + [v for n, x in value.items() if n in known for v in violations(x, known[n], f"{where}.{n}")]


def test_a_log_has_the_structure_of_the_schema() -> None:
    source = SourceFile("a b.qdsl", "accelerator a {\n  word é 8\n}\n")
    here, there = Span(source, 18, 22), Span(source, 12, 13)
    wrong = Diagnostic(
        "Q0302", "wrong", here, "this", (Label(there, "of"), Label(there, "")), ("a number",), ("a fix",)
    )
    log = sarif(
        [wrong, Diagnostic("Q0404", "unused", there, severity=Severity.WARNING), Diagnostic("Q0010", "no", None)], "1"
    )
    assert violations(log, "log", "log") == []
    (run,) = log["runs"]
    nowhere, warning, error = run["results"]
    assert "locations" not in nowhere
    assert [r["id"] for r in run["tool"]["driver"]["rules"]] == ["Q0010", "Q0302", "Q0404"]
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    assert (warning["level"], error["level"]) == ("warning", "error")
    place = error["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "a%20b.qdsl", "uriBaseId": "SRCROOT"}
    assert place["region"] == {"startLine": 2, "startColumn": 3, "endLine": 2, "endColumn": 7}
    assert error["message"]["text"] == "wrong\nthis\nnote: a number\nhelp: a fix"
    assert [x["id"] for x in error["relatedLocations"]] == [0, 1]
    assert run["originalUriBaseIds"]["SRCROOT"]["uri"].endswith("/")


def test_nothing_found_is_a_log_without_results() -> None:
    log = sarif([], "1")
    assert violations(log, "log", "log") == []
    assert log["runs"][0]["results"] == []


def test_a_path_outside_the_directory_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "inside").mkdir()
    monkeypatch.chdir(tmp_path / "inside")
    span = Span(SourceFile("../b.qdsl", "x"), 0, 1)
    result = sarif([Diagnostic("Q0101", "m", span)], "1")["runs"][0]["results"][0]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": (tmp_path / "b.qdsl").as_uri()}


def test_check_writes_one_log_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.qdsl").write_text("technology t { memory ram { energy read 1 pJ, write 1 } }\n")
    assert main(["check", "--format", "sarif", "a.qdsl", "missing.qdsl"]) == 1
    shown = capsys.readouterr()
    assert shown.err == ""
    log = json.loads(shown.out)
    assert violations(log, "log", "log") == []
    assert [r["ruleId"] for r in log["runs"][0]["results"]] == ["Q0010", "Q0302"]


def test_a_study_that_is_missing_is_in_the_log_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.qdsl"
    path.write_text("operator copy { dims N; O[n] = I[n] }\n")
    assert main(["check", "--feasibility", "--format", "sarif", str(path)]) == 1
    assert [r["ruleId"] for r in json.loads(capsys.readouterr().out)["runs"][0]["results"]] == ["Q0907"]
