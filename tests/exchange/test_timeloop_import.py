"""Timeloop's files in: the reference cases keep every number, examples of both versions of architectures are read, and what
is wrong or has no meaning is said at its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import qdsl
from qdsl.cli import main
from qdsl.diagnostics import SpecError
from qdsl.exchange.timeloop import import_timeloop
from tests.support.timeloop_cases import load_cases, to_source
from tests.support.timeloop_files import write_case

HERE = Path(__file__).parent
Golden = Callable[[str, str], None]
CASES = load_cases()
FEW = CASES[::20]


def outcome(text: str) -> Any:
    """The evaluation of the mapping of a spec, or the codes that refuse it."""
    try:
        return qdsl.loads(text).mappings[0].evaluate()
    except SpecError as error:
        return [d.code for d in error.diagnostics]


def check(case: dict[str, Any], directory: Path) -> None:
    imported = import_timeloop(write_case(case, directory))
    assert imported.warnings == ()
    ours, wanted = outcome(imported.text), outcome(to_source(case))
    if isinstance(wanted, list):
        assert ours == wanted
    else:
        assert (ours.energy_pj, ours.cycles, ours.levels) == (wanted.energy_pj, wanted.cycles, wanted.levels)


@pytest.mark.parametrize("case", FEW, ids=lambda c: c["id"])
def test_a_reference_case_keeps_every_number(case: dict[str, Any], tmp_path: Path) -> None:
    check(case, tmp_path)


@pytest.mark.slow
def test_all_reference_cases_keep_every_number(tmp_path: Path) -> None:
    for case in CASES:
        check(case, tmp_path)


@pytest.mark.parametrize("example", ["tree", "nodes"])
def test_an_example_reads_as_expected(
    example: str, golden: Golden, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(HERE)
    assert main(["import", *(str(p.relative_to(HERE)) for p in sorted((HERE / example).glob("*.yaml")))]) == 0
    shown = capsys.readouterr()
    golden(f"{example}.qdsl", shown.out)
    golden(f"{example}.txt", shown.err)
    assert qdsl.loads(shown.out).warnings == ()


def test_the_mapping_of_an_example_is_within_its_constraints_and_legal() -> None:
    spec = qdsl.loads(import_timeloop(sorted((HERE / "nodes").glob("*.yaml"))).text)
    written, study = spec.mapping("written").checked, spec.study("search").checked
    assert spec.mapping("written").evaluate().cycles == 1152
    assert len(study.constraints) == 5
    assert written.mapping.loops("PE.y")[0].dim == "S"


# (file, what stands there, what stands there instead, code, words of the finding)
WRONG = [
    ("tree/arch.yaml", "subtree:\n    - name: system", "subtree:\n   - {name: system", "Q0980", "not YAML"),
    ("tree/arch.yaml", "version: 0.3", "version: 1.0", "Q0983", "version 1.0"),
    ("tree/arch.yaml", "word-bits: 32", "word-bits: 32, word_bits: 16", "Q0980", "given twice"),
    ("tree/arch.yaml", "memory_depth: 2048", "memory_depth: 2 * 1024", "Q0983", "not a number"),
    ("tree/arch.yaml", "memory_depth: 2048", "memory_depth: 20.5", "Q0983", "whole number"),
    ("tree/arch.yaml", "memory_depth: 2048", "memory_rows: 2048", "Q0983", "size of `glb`"),
    ("tree/arch.yaml", "memory_width: 64\n", "memory_width: 72\n", "Q0983", "no whole number of blocks"),
    ("tree/arch.yaml", "PE[0..11]", "PE[0..9]", "Q0983", "mesh"),
    ("tree/arch.yaml", "PE[0..11]", "PE[5..4]", "Q0983", "range is empty"),
    ("tree/arch.yaml", "PE[0..11]", "PE[0", "Q0983", "not a name"),
    ("tree/arch.yaml", "multiple-buffering: 2", "multiple-buffering: 3", "Q0981", "once or twice"),
    ("tree/arch.yaml", "n_banks: 4", "shared_bandwidth: 4", "Q0981", "shared_bandwidth"),
    ("tree/arch.yaml", "n_banks: 4", "energy-per-hop: 0.1", "Q0981", "energy_per_hop"),
    ("tree/arch.yaml", "n_banks: 4", "colour: 4", "Q0982", "colour"),
    ("tree/arch.yaml", "class: intmac", "class: pooling", "Q0983", "one arithmetic unit"),
    ("tree/arch.yaml", "architecture:", "architectures:", "Q0983", "no `architecture:`"),
    (
        "tree/arch.yaml",
        "          subtree:\n            - name",
        "          subtree:\n            - name: a\n            - name",
        "Q0981",
        "second subtree",
    ),
    ("tree/ERT.yaml", "chip.glb[1..1]\n", "chip.gbl[1..1]\n", "Q0983", "energy of `glb`"),
    ("tree/ERT.yaml", "energy: 2.2", "energy: -2.2", "Q0983", "out of range"),
    ("tree/ERT.yaml", "ERT:", "sparse_optimizations: {}\nERT:", "Q0981", "sparse"),
    ("tree/ERT.yaml", "ERT:", "mapper: {threads: 1}\nERT:", "Q0982", "`mapper`"),
    ("tree/ERT.yaml", "ART:", "ERT:", "Q0980", "given twice"),
    ("tree/constraints.yaml", "target: glb, type: bypass", "target: gbl, type: bypass", "Q0983", "did you mean `glb`"),
    (
        "tree/constraints.yaml",
        "type: bypass, bypass: [Weights]}",
        "type: max, bypass: [Weights]}",
        "Q0981",
        "type `max`",
    ),
    ("tree/constraints.yaml", "bypass: [Weights]}", "bypass: [Weight]}", "Q0983", "no tensor `Weight`"),
    ("tree/constraints.yaml", "bypass: [Weights]}", "bypass: [Weights], min: 1}", "Q0981", "`min`"),
    ("tree/constraints.yaml", "C<=2", "C<2", "Q0983", "not a factor"),
    ("tree/constraints.yaml", "C<=2", "X<=2", "Q0983", "no dimension `X`"),
    ("tree/constraints.yaml", "RSP", "RSR", "Q0983", "twice"),
    ("tree/constraints.yaml", "keep: [Outputs]", "keep: [Inputs]", "Q0983", "both keep and bypass"),
    ("tree/problem.yaml", "shape: cnn-layer", "shape: lstm", "Q0983", "lstm"),
    ("tree/problem.yaml", "R: 3, ", "", "Q0983", "`R` is missing"),
    ("tree/problem.yaml", "N: 1,", "N: 0,", "Q0983", "at least 1"),
    ("tree/problem.yaml", "N: 1,", "N: 1, T: 4,", "Q0982", "`T`"),
    ("tree/problem.yaml", "N: 1,", "N: 1, densities: {Inputs: 0.5},", "Q0981", "density"),
    ("tree/problem.yaml", "N: 1,", "N: 1, bitwidths: {I: 8},", "Q0983", "no tensor `I`"),
    ("nodes/arch.yaml", "!Parallel", "!Pipelined", "Q0981", "!Pipelined"),
    ("nodes/arch.yaml", "{meshX: 4}", "{meshZ: 4}", "Q0981", "meshZ"),
    ("nodes/arch.yaml", "energy_per_op: 1.1", "latency: 1", "Q0983", "energy of `mac`"),
    ("nodes/arch.yaml", "dataspace: {keep: [Outputs]}", "dataspace: {bypass: [Weights]}", "Q0983", "which tensors"),
    ("nodes/arch.yaml", "attributes: {depth: 64,", "attributes: {<<: {depth: 64},", "Q0981", "merge key"),
    ("nodes/problem.yaml", "read_write: true", "read_write: false", "Q0983", "one tensor"),
    ("nodes/problem.yaml", "[P, Wstride]", "[P, stride]", "Q0983", "a term is"),
    ("nodes/problem.yaml", "[R], [P, Wstride]", "[R], [R, Wstride]", "Q0981", "twice in one axis"),
    ("nodes/problem.yaml", "dimensions: [C,", "dimensions: [c,", "Q0983", "a term is"),
    ("nodes/problem.yaml", "dimensions: [C,", "dimensions: [C, c,", "Q0983", "capitals"),
    ("nodes/map.yaml", "factors: C3 M1", "factors: C2 M1", "Q0983", "factors of `C` make 2 = 2, its size is 3"),
    ("nodes/map.yaml", "C1 M1 R1 S1 N1 P8 Q1", "'C1 M1 R1 S1 N1 P8,1 Q1'", "Q0981", "last iteration"),
    ("nodes/map.yaml", "target: glb", "target: PE", "Q0983", "runs no loops in time"),
    ("nodes/map.yaml", "target: column, type: spatial", "target: DRAM, type: spatial", "Q0983", "one instance"),
    ("nodes/map.yaml", "target: weights_spad", "target: psum_spad", "Q0983", "already"),
    ("nodes/map.yaml", "keep: [Outputs]", "keep: [Inputs]", "Q0983", "a constraint forbids"),
    ("nodes/map.yaml", "- {target: glb", "- {goal: glb", "Q0983", "`target` is missing"),
]


@pytest.mark.parametrize(("file", "there", "instead", "code", "words"), WRONG, ids=lambda x: str(x)[:24])
def test_what_is_wrong_is_said_at_its_place(
    file: str,
    there: str,
    instead: str,
    code: str,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = file.partition("/")[0]
    paths = []
    for source in sorted((HERE / folder).glob("*.yaml")):
        text = source.read_text(encoding="utf-8")
        if source == HERE / file:
            assert there in text
            text = text.replace(there, instead, 1)
        paths.append(tmp_path / source.name)
        paths[-1].write_text(text, encoding="utf-8")
    assert main(["import", *map(str, paths)]) == (0 if code == "Q0982" else 1)
    shown = " ".join(capsys.readouterr().err.split())
    assert f"[{code}]" in shown and words in shown
    assert "internal error" not in shown
    assert "--> " in shown or "no `architecture:`" in words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("a: &x [*x]\n", "alias of itself"),
        ("[" * 200 + "]" * 200, "nested too deeply"),
        ("a: !!python/object/apply:os.system [echo]\n", "`a` is left out"),
        ("? [a]\n: 1\n", "a key must be a name"),
        ("a: \x01", "not YAML"),
        ("just words", "keys with values"),
    ],
)
def test_a_strange_file_is_a_finding(text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "strange.yaml"
    path.write_text(text, encoding="utf-8")
    assert main(["import", str(path)]) == 1
    shown = " ".join(capsys.readouterr().err.split())
    assert words in shown and "internal error" not in shown


def test_files_of_other_kinds_and_missing_ones_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "model.txt"]) == 1
    assert "Q0980" in capsys.readouterr().err
    assert main(["import", str(tmp_path / "none.yaml")]) == 1
    assert "Q0010" in capsys.readouterr().err


def test_a_warning_can_be_denied(capsys: pytest.CaptureFixture[str]) -> None:
    paths = [str(p) for p in sorted((HERE / "tree").glob("*.yaml"))]
    assert main(["import", "--deny", "Q0982", *paths]) == 1
    assert "error[Q0982]" in capsys.readouterr().err
