"""`qdsl diff`: what two versions of a spec mean differently, and limits to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from qdsl.cli import main

SPEC = """
operator matmul {
  dims M, N, K
  weights W
  O[m, n] += I[m, k] * W[k, n]
}

accelerator tiny {
  word 8 bit
  memory dram { energy read 64 pJ, write 64 pJ; source "example" }
  memory pad { size 32 word; energy read 1 pJ, write 1 pJ; source "example" }
  array pe { x 2 }
  compute mac { energy 1 pJ; source "example" }
}

network two {
  layer first = matmul(M = 8, N = 4, K = 6)
  layer second = matmul(M = 4, N = 4, K = 4)
}

study s {
  map two onto tiny
  precision {
    weights in {4, 8} per layer
    activations in {8} per layer
    output 8 bit
  }
  constrain { spatial pe.x only N }
  minimize energy, weight_memory
  search nsga2(population = 4, generations = 1)
}
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.qdsl").write_text(SPEC)


def diff(new: str, *options: str) -> int:
    Path("new.qdsl").write_text(new)
    return main(["diff", "old.qdsl", "new.qdsl", *options])


def test_layout_and_comments_are_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    same = SPEC.replace("\n  ", "\n\t ").replace("{ spatial pe.x only N }", "{\n spatial  pe.x only N // of course\n}")
    assert diff(same, "--fail-if", "energy_pj>+0%", "--fail-if", "energy_pj<0%") == 0
    said = capsys.readouterr().out
    assert said.startswith("nothing changed in meaning\n")
    assert "%" not in said


def test_changes_are_named_where_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    new = (
        SPEC.replace("size 32", "size 48")
        .replace("M = 8", "M = 10")
        .replace("{4, 8}", "{4, 6}")
        .replace("only N", "only K")
    )
    assert diff(new, "--quick") == 0
    said = capsys.readouterr().out
    assert said.split("\n\n")[0].splitlines() == [
        "`accelerators.tiny.hierarchy.pad.size_words` was 32, is 48",
        "`networks.two.layers.first.problem.sizes.M` was 8, is 10",
        "`studies.s.precision.variables.first.weights.options` was 4, 8, is 4, 6",
        "`studies.s.precision.variables.second.weights.options` was 4, 8, is 4, 6",
        "`studies.s` no longer asks: spatial pe.x only N",
        "`studies.s` asks now: spatial pe.x only K",
    ]
    assert "capacity_bits  256  384  +50.00%" in said and "energy_pj" not in said


def test_a_smaller_memory_leaves_fewer_mappings_and_a_dearer_optimum(capsys: pytest.CaptureFixture[str]) -> None:
    new = SPEC.replace("size 32", "size 24")
    assert diff(new, "--format", "json") == 0
    figures = {(f["layer"], f["name"]): f for f in json.loads(capsys.readouterr().out)["figures"]}
    assert figures["", "legal_mappings"]["change"] < 0 <= figures["", "energy_pj"]["change"]
    for name in ("legal_mappings", "energy_pj"):
        for side in ("old", "new"):  # totals are those of the layers, as far as these are shown
            layers = [f[side] for (layer, n), f in figures.items() if layer and n == name]
            assert sum(layers) <= figures["", name][side] * 1.000001
    assert diff(new, "--fail-if", "legal_mappings<-1%") == 1
    assert "error[Q0973]: `legal_mappings` changes by -" in capsys.readouterr().err
    assert diff(new, "--fail-if", "legal_mappings<-99%") == 0


def test_what_cannot_be_compared_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert diff(SPEC, "--quick", "--fail-if", "energy>1%") == 1
    assert "`energy` is no figure of both specs" in capsys.readouterr().err
    assert diff(SPEC.replace("study s", "study t"), "--study", "s") == 1
    assert "there is no study `s`" in capsys.readouterr().err
    assert diff(SPEC.split("study")[0], "--fail-if", "energy_pj>1%") == 1
    assert "has no `study` block" in capsys.readouterr().err
    assert diff(SPEC, "--fail-if", "energy_pj") == 2
    assert "as in energy_pj>+1%" in capsys.readouterr().err
    assert diff(SPEC.replace("study s", "study t"), "--quick") == 0
    assert "`studies.t` is new" in capsys.readouterr().out
