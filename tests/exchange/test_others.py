"""Files for ZigZag and AccelForge; tests/peers gives them to the tools themselves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from qdsl.cli import main

Golden = Callable[[str, str], None]

MACHINE = """
operator conv1d(stride = 1) { dims K, C, P, R; weights W; O[k, p] += I[c, stride*p + r] * W[k, c, r] }
operator add { dims C, P; O[c, p] = A[c, p] + B[c, p] }
operator three { dims A, B, C; O[a] += X[a, b] * Y[b, c] * Z[c] }
accelerator tiny {
  word 8 bit
  memory dram { width 64 bit; energy read 512 pJ, write 512 pJ; source "example" }
  memory buffer { %s; size 1024 word; energy read 20 pJ, write 20 pJ; source "example" }
  array pe { x 4; y 2; %s }
  memory registers { size 16 word; keep O; bits O = 8; energy read 1 pJ, write 1 pJ; source "example" }
  compute mac { energy if bits(weights) <= 4 then 0.5 pJ else 1 pJ; source "example"; %s }
}
network n {
  layer c = conv1d(K = 8, C = 4, P = 16, R = 3, stride = 2)
  layer a = add(C = 4, P = 16)
  layer t = three(A = 2, B = 2, C = 2)
}
study s {
  map n onto tiny
  precision { weights in {4, 8} per layer; activations in {8} per layer; output 8 bit }
  minimize energy
  search nsga2
}
"""


def export(tool: str, text: str, directory: Path, *more: str) -> int:
    path = directory / "spec.qdsl"
    path.write_text(text, encoding="utf-8")
    return main(["export", tool, str(path), *(more or ("--layer", "c")), "--out", str(directory / "out")])


@pytest.mark.parametrize("tool", ["zigzag", "accelforge"])
def test_a_machine_and_a_layer_are_written(tool: str, golden: Golden, tmp_path: Path) -> None:
    text = MACHINE % ("bandwidth read 8 word/cycle; keep I, W, O", "multicast I, W", "area 0.1 mm2")
    assert export(tool, text, tmp_path, "--layer", "c", "--bits", "W=4") == 0
    files = sorted((tmp_path / "out").glob("*.yaml"))
    golden(f"{tool}.yaml", "".join(f"# {p.name}\n{p.read_text()}" for p in files))


def test_the_files_of_zigzag_are_yaml_with_the_energy_at_the_widths_of_the_layer(tmp_path: Path) -> None:
    for bits, energy in (("W=4", 0.5), ("W=8", 1.0)):
        assert (
            export(
                "zigzag", MACHINE % ("double_buffered", "forward none", ""), tmp_path, "--layer", "c", "--bits", bits
            )
            == 0
        )
        machine = yaml.safe_load((tmp_path / "out" / "accelerator.yaml").read_text())
        assert machine["operational_array"]["unit_energy"] == energy
        assert machine["memories"]["buffer"]["force_double_buffering"] is True


@pytest.mark.parametrize(
    ("tool", "parts", "words"),
    [
        ("zigzag", ("leakage 1 pJ/cycle", "", ""), "`leakage` of `buffer`"),
        ("zigzag", ("double_buffered W", "", ""), "`double_buffered` for some tensors of `buffer`"),
        ("zigzag", ("packing dense", "", ""), "`packing dense` of `buffer`"),
        ("zigzag", ("bits I = 4", "", ""), "width of `I` at `buffer`"),
        ("zigzag", ("", "pooled", ""), "`pooled` of `pe`"),
        ("zigzag", ("", "multicast I", ""), "what is not shared over of `pe`"),
        ("zigzag", ("", "", "throughput 2"), "`throughput` of `mac`"),
        ("accelforge", ("bandwidth read 4 word/cycle", "", ""), "`bandwidth` of `buffer`"),
        ("accelforge", ("double_buffered", "", ""), "`double_buffered` of `buffer`"),
        ("accelforge", ("bits I = 4", "", ""), "width of `I` at `buffer`"),
        ("accelforge", ("", "separate_diagonals", ""), "`separate_diagonals` of `pe`"),
    ],
)
def test_what_the_tools_have_no_word_for_is_a_warning(
    tool: str, parts: tuple[str, str, str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (MACHINE % parts).replace("{ ;", "{").replace("; ;", ";")
    assert export(tool, text, tmp_path) == 0
    shown = " ".join(capsys.readouterr().err.split())
    assert "warning[Q0982]" in shown and words in shown
    assert export(tool, text, tmp_path, "--layer", "c", "--deny", "Q0982") == 1


@pytest.mark.parametrize(
    ("tool", "layer", "buffer", "words"),
    [
        ("zigzag", "a", "", "operator `add`"),
        ("zigzag", "t", "", "operator `three`"),
        ("accelforge", "a", "", "operator `add`"),
        ("accelforge", "t", "", "operator `three`"),
        ("zigzag", "c", "may keep W", "`may keep` of `buffer`"),
    ],
)
def test_what_would_be_another_layer_or_machine_is_refused(
    tool: str, layer: str, buffer: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (MACHINE % (buffer, "", "")).replace("{ ;", "{").replace("; ;", ";")
    assert export(tool, text, tmp_path, "--layer", layer) == 1
    shown = " ".join(capsys.readouterr().err.split())
    assert "error[Q0984]" in shown and words in shown


def test_accelforge_decides_what_may_be_kept(tmp_path: Path) -> None:
    assert export("accelforge", MACHINE % ("keep I, O; may keep W", "forward none", "area 1 mm2"), tmp_path) == 0
    assert "{keep: I_ | O_, may_keep: W_}" in (tmp_path / "out" / "arch.yaml").read_text()
