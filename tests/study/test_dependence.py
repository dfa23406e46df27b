"""How far a choice of hardware depends on energy numbers: a case by hand, as data and on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import qdsl
from qdsl.cli.app import main
from qdsl.diagnostics import SpecError
from qdsl.study.dependence import choice_dependences
from qdsl.study.progress import Silent
from qdsl.study.store import Store

SPEC = """
operator matmul {
  dims M, N, K
  weights W
  O[m, n] += I[m, k] * W[k, n]
}
network one { layer fc = matmul(M = 4, N = 1, K = 1) }
accelerator two {
  param fast = 0 in {0, 1}
  word 8 bit
  memory dram { energy read if fast == 1 then 9 pJ else 10 pJ, write if fast == 1 then 9 pJ else 10 pJ; source "example" }
  compute mac { energy if fast == 1 then 5 pJ else 1 pJ; source "example" }
}
study s {
  map one onto two(fast in {0, 1})
  precision {
    weights in {8} per layer
    activations in {8} per layer
    output 8 bit
  }
  minimize energy, noise
  search exact
}
"""


def test_another_machine_is_better_where_its_memory_counts_more(tmp_path: Path) -> None:
    """12 accesses and 4 operations: 124 pJ, or 108 + 20 on the other. With dram at 1.9 it is 232 to 225.2, with operations at
    0.1 120.4 to 110."""
    study = qdsl.loads(SPEC).model.studies[0]
    with Store(tmp_path / "store.sqlite") as store:
        found = choice_dependences(study, store, (0.1, 1.0, 1.9), Silent(), 1)
    assert found.choice.configuration == "fast = 0"
    assert found.energy_pj == pytest.approx(124)
    by = {(str(d.number), d.factor): d for d in found.dependences}
    other = {at for at, d in by.items() if d.best.configuration == "fast = 1"}
    assert other == {("dram accesses", 1.9), ("mac operations", 0.1)}
    assert by["dram accesses", 1.9].kept_pj == pytest.approx(232)
    assert by["dram accesses", 1.9].least_pj == pytest.approx(225.2)
    assert by["mac operations", 0.1].extra == pytest.approx(120.4 / 110 - 1)
    assert by["dram accesses", 1.0].extra == by["dram accesses", 0.1].extra == 0.0


def test_a_choice_on_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.qdsl").write_text(SPEC, encoding="utf-8")
    assert main(["sensitivity", "s.qdsl", "--choice", "--workers", "1"]) == 0
    out = capsys.readouterr().out
    assert "the choice of s: 124 pJ, fast = 0" in out
    assert "within 20 % of each number the choice stays the best" in out
    assert Path("qdsl-out/s/store.sqlite").exists()
    assert main(["sensitivity", "s.qdsl", "--choice", "--by", "90", "--workers", "1"]) == 0
    out = capsys.readouterr().out
    assert "3.02%, fast = 1, 0 of 2 widths other" in out
    assert "to keep this one costs up to 9.45% more" in out
    assert main(["sensitivity", "s.qdsl", "--choice", "--by", "90", "--workers", "1", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["choice"]["configuration"] == "fast = 0"
    assert found["numbers"][1]["best"]["configuration"] == "fast = 1"


@pytest.mark.parametrize("options", [["--choice", "--layer", "fc"], ["--out", "here"]])
def test_options_that_mean_nothing(tmp_path: Path, options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "s.qdsl"
    path.write_text(SPEC, encoding="utf-8")
    assert main(["sensitivity", str(path), *options]) == 1
    assert "error[Q0823]" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("search exact", "search nsga2(population = 4, generations = 2)", "where the whole front is"),
        ("minimize energy, noise", "minimize noise", "does not choose by it"),
    ],
)
def test_studies_without_an_exact_choice_by_energy(tmp_path: Path, old: str, new: str, message: str) -> None:
    study = qdsl.loads(SPEC.replace(old, new)).model.studies[0]
    with Store(tmp_path / "store.sqlite") as store, pytest.raises(SpecError, match=message):
        choice_dependences(study, store, (1.2,), Silent(), 1)
