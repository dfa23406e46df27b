"""What a new user sees: a spec that is fine, spoilt in ways that people have, and the answer of `qdsl check` as golden text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.cli import main

SPEC = """\
operator matmul {
  dims M, N, K
  weights W
  O[m, n] += I[m, k] * W[k, n]
}

accelerator toy {
  param size = 16 KiB in {8 KiB, 16 KiB, 32 KiB}
  word 8 bit
  memory dram { width 32 bit; energy read 512 pJ, write 512 pJ; source "example" }
  memory buffer { size size; width 32 bit; energy read 24 pJ, write 20 pJ; source "example" }
  array pe { x 4; y 4 }
  memory registers { size 64 word; energy read 0.5 pJ, write 0.4 pJ; source "example" }
  compute mac { energy 1.1 pJ; source "example" }
}

network one_layer {
  layer fc = matmul(M = 64, N = 96, K = 80)
}

mapping mine for one_layer.fc onto toy {
  bits W = 4, I = 8, O = 8
  dram: for M 4, K 5
  buffer: for N 6, M 4
  pe.x: parallel N 4
  pe.y: parallel K 4
  registers: for M 4, N 4, K 4
}

study widths {
  map one_layer onto toy(size = 8 KiB)
  precision {
    weights in {2..8} per layer
    activations in {4, 8} per layer
    output 8 bit
  }
  constrain {
    spatial pe.x only N, M
    utilization(pe) >= 50 %
    if bits(W) <= 4 then tile(registers, K) >= 4
  }
  minimize energy, weight_memory, noise
  search nsga2(population = 16, generations = 10, seed = 1)
  report html, markdown
}
"""

# name -> replacements, each of the first occurrence
MISTAKES: dict[str, tuple[tuple[str, str], ...]] = {
    "typo_decl": (("accelerator toy", "acelerator toy"),),
    "typo_stmt": (("  word 8 bit", "  wrod 8 bit"),),
    "missing_unit": (
        ("size 64 word", "size 64"),
        ("energy 1.1 pJ", "energy 1.1"),
    ),
    "wrong_block": (("  array pe { x 4; y 4 }", "  array pe { x 4; y 4; size 4 word }\n  size 3 word"),),
    "forgot_inner_brace": (
        (
            'width 32 bit; energy read 24 pJ, write 20 pJ; source "example" }',
            'width 32 bit; energy read 24 pJ, write 20 pJ; source "example"',
        ),
    ),
    "forgot_outer_brace": (
        ('compute mac { energy 1.1 pJ; source "example" }\n}', 'compute mac { energy 1.1 pJ; source "example" }\n'),
    ),
    "comma": (("dims M, N, K", "dims M N K"),),
    "quotes": (('source "example" }\n  memory buffer', "source 'example' }\n  memory buffer"),),
    "yaml": (
        (
            '  memory registers { size 64 word; energy read 0.5 pJ, write 0.4 pJ; source "example" }',
            "  memory registers:\n    size: 64 word\n    energy:\n      read: 0.5 pJ",
        ),
    ),
    "several_mistakes": (
        ("dims M, N, K", "dims M, N,"),
        ("search nsga2(population", "search nsgaii(population"),
        ("size 64 word", "size 64 wrd"),
    ),
    "equals_in_statements": (
        ("  word 8 bit", "  word = 8 bit"),
        ("size 64 word", "size = 64 word"),
    ),
    "colon": (("map one_layer onto", "map: one_layer onto"),),
    "header_without_brace": (("network one_layer {", "network one_layer"),),
    "hash": (("  word 8 bit", "  word 8 bit  # of a stored word"),),
    "assign_cmp": (("utilization(pe) >= 50 %", "utilization(pe) => 50 %"),),
    "equals_in_a_formula": (("tile(registers, K) >= 4", "tile(registers, K) = 4"),),
    "semicolon_list": (("energy read 512 pJ, write 512 pJ", "energy read 512 pJ; write 512 pJ"),),
    "brackets": (("param size = 16 KiB in {8 KiB, 16 KiB, 32 KiB}", "param size = 16 KiB in [8 KiB, 16 KiB, 32 KiB]"),),
    "range": (("{2..8}", "{2-8}"),),
    "misspelt_units": (
        ("1.1 pJ", "1.1 PJ"),
        ("8 KiB)", "8 Kib)"),
    ),
    "level_name": (
        ("registers: for", "register: for"),
        ("tile(registers", "tile(regs"),
    ),
    "tensor": (("bits W = 4", "bits w = 4"),),
    "dim": (("pe.y: parallel K 4", "pe.y: parallel C 4"),),
    "paren": (("matmul(M = 64, N = 96, K = 80)", "matmul(M = 64, N = 96, K = 80"),),
    "index_upper": (("O[m, n] += I[m, k]", "O[M, N] += I[M, K]"),),
    "missing_plus": (("+= I", "= I"),),
    "no_for": (("dram: for M 4, K 5", "dram: M 4, K 5"),),
    "equals_in_loops": (("dram: for M 4, K 5", "dram: for M=4, K=5"),),
    "percent": ((">= 50 %", ">= 50"),),
    "import_noquote": (("operator matmul", "import operators.qdsl\noperator matmul"),),
    "singular_keyword": (("weights W\n", "weight W\n"),),
    "extra_brace": (("  array pe { x 4; y 4 }", "  array pe { x 4; y 4 }}"),),
    "colon_param": (("  param size = 16 KiB", "  param size: 16 KiB"),),
    "study_missing": (
        ("  minimize energy, weight_memory, noise\n", ""),
        ("output 8 bit", "output 8"),
    ),
    "energy_without_unit": (("compute mac { energy 1.1 pJ", "compute mac { energy bits(W) * 1.1"),),
    "power": (("layer fc = matmul(M = 64", "layer fc = matmul(M = 2^6"),),
    "python": (("network one_layer {", "def network one_layer {"),),
    "colons_before_braces": (
        ("study widths {", "study widths: {"),
        ("precision {", "precision: {"),
    ),
    "case": (
        ("operator matmul", "Operator matmul"),
        ("memory registers", "Memory registers"),
    ),
    "minimise": (
        ("minimize", "minimise"),
        ("energy, weight_memory", "enrgy, weight_memory"),
    ),
    "unclosed_quote": (('source "example" }\n}', 'source "example }\n}'),),
    "wrong_preposition": (("map one_layer onto toy", "map one_layer to toy"),),
    "swapped": (("map one_layer onto toy(size = 8 KiB)", "map toy onto one_layer"),),
    "report_pdf": (("report html, markdown", "report pdf"),),
    "search_block": (
        ("search nsga2(population = 16, generations = 10, seed = 1)", "search nsga2 { population = 16 }"),
    ),
    "no_weights": (("  weights W\n", ""),),
    "set_without_braces": (("weights in {2..8} per layer", "weights in 2..8 per layer"),),
    "sizes_without_names": (("matmul(M = 64, N = 96, K = 80)", "matmul(64, 96, 80)"),),
    "plural_units": (
        ("size 64 word", "size 64 words"),
        ("word 8 bit", "word 8 bits"),
    ),
    "kilobytes": (("size size", "size 16KB"),),
    "list_without_comma": (("size 64 word;", "size 64 word; keep W I;"),),
    "statements_without_separator": (("array pe { x 4; y 4 }", "array pe { x 4 y 4 }"),),
    "array_short": (("array pe { x 4; y 4 }", "array pe 4 x 4"),),
    "if_block": (
        ("if bits(W) <= 4 then tile(registers, K) >= 4", "if bits(W) <= 4 {\n      tile(registers, K) >= 4\n    }"),
    ),
    "utilization_of_an_axis": (("utilization(pe)", "utilization(pe.x)"),),
    "tile_of_an_array": (("tile(registers, K)", "tile(pe, K)"),),
    "role_in_a_constraint": (("bits(W) <= 4 then", "bits(weights) <= 4 then"),),
    "output_missing": (("    output 8 bit\n", ""),),
    "bandwidth_without_kind": (("size 64 word;", "size 64 word; bandwidth 16 word/cycle;"),),
    "nested_decl": (("study widths {", "study widths {\n  network inner { layer a = matmul(M = 1, N = 1, K = 1) }"),),
    "constrain_name": (("  constrain {", "  constrain flow {"),),
    "spatial_dot": (("spatial pe.x only N, M", "spatial pe only N, M"),),
    "dup_level": (("memory buffer", "memory dram"),),
    "compute_first": (('  memory dram { width 32 bit; energy read 512 pJ, write 512 pJ; source "example" }\n', ""),),
    "too_big_bits": (("weights in {2..8}", "weights in {2..16}"),),
    "layer_without_network": (("one_layer.fc onto", "fc onto"),),
    "percent_prefix": ((">= 50 %", ">= %50"),),
    "ampersands": (("if bits(W) <= 4 then", "if bits(W) <= 4 && bits(I) <= 4 then"),),
    "range_python": (("{2..8}", "range(2, 9)"),),
    "list_in_brackets": (("{4, 8}", "[4, 8]"),),
    "trailing_comma": (("report html, markdown", "report html, markdown,"),),
    "type_annot": (("param size = 16 KiB", "param int size = 16 KiB"),),
    "equation": (("O[m, n] += I[m, k] * W[k, n]", "O = I * W"),),
    "indices_in_parentheses": (("O[m, n] += I[m, k] * W[k, n]", "O(m, n) += I(m, k) * W(k, n)"),),
    "equals_in_place_of_in": (("activations in {4, 8} per layer", "activations = {4, 8} per layer"),),
    "quoted_number": (("output 8 bit", 'output "8 bit"'),),
    "missing_value": (("  word 8 bit", "  word"),),
}


def spoilt(name: str) -> str:
    text = SPEC
    for right, wrong in MISTAKES[name]:
        assert right in text, f"{name}: {right!r} is not in the spec"
        text = text.replace(right, wrong, 1)
    return text


def check(text: str, directory: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    (directory / "spec.qdsl").write_text(text, encoding="utf-8")
    code = main(["check", "spec.qdsl"])
    return code, capsys.readouterr().err


def test_the_spec_is_fine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert check(SPEC, tmp_path, capsys) == (0, "")


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_with_what_to_write(
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[str, str], None],
) -> None:
    monkeypatch.chdir(tmp_path)
    code, text = check(spoilt(name), tmp_path, capsys)
    assert code == 1
    golden(f"mistakes/{name}.txt", text)


def test_every_answer_says_what_to_do_or_what_there_is() -> None:
    answers = {name: (Path(__file__).parent / "golden" / "mistakes" / f"{name}.txt").read_text() for name in MISTAKES}
    assert {name for name, text in answers.items() if "= help:" not in text and "has `" not in text} == set()
