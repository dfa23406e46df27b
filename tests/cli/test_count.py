"""`qdsl count`: numbers, tables and the choice of layers and widths."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qdsl.cli import main
from qdsl.mapspace import Counts, count_mappings
from qdsl.model import load
from qdsl.resources import data_dir
from tests.support.small_study import MAPPING, study_text, write_spec

CONSTRAINT = "spatial pe.x only N"


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings are wrapped to the terminal; tests look for whole phrases."""
    monkeypatch.setenv("COLUMNS", "400")


@pytest.fixture
def spec(tmp_path: Path) -> str:
    return str(write_spec(tmp_path, MAPPING, study_text(constrain=CONSTRAINT)))


def counted(path: str, *options: str, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    assert main(["count", path, "--format", "json", *options]) == 0
    results: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["results"]
    return results


def expected(path: str, layer: str, bits: dict[str, int], constrained: bool = True) -> Counts:
    (study,) = load(path).studies
    problem = next(x.problem for x in study.network.layers if x.name == layer)
    return count_mappings(study.accelerator, problem, bits, study.constraints if constrained else ())


def test_every_layer_of_a_study_at_its_widest(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    results = counted(spec, capsys=capsys)
    assert [r["layer"] for r in results] == ["a", "b", "c"]
    assert [r["bits"] for r in results] == [{"I": 4, "W": 4, "O": 4}] * 2 + [{"I": 4, "W": 4, "O": 8}]
    for r in results:
        found = expected(spec, r["layer"], r["bits"])
        assert Counts(r["factor_placements"], r["order_classes"], r["mappings"]) == found
        assert found != expected(spec, r["layer"], r["bits"], constrained=False)


def test_given_layers_and_widths(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", spec, "--layer", "c", "--bits", "W=2,I=8", "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["bits"] == {"I": 8, "W": 2, "O": 8}
    assert data["mappings"] == expected(spec, "c", data["bits"]).mappings
    assert main(["count", spec, "--layer", "c", "--bits", "W=2,I=8"]) == 0
    header, row = capsys.readouterr().out.splitlines()
    assert header.split() == ["layer", "bits", "placements", "classes", "mappings"]
    assert row.startswith("c      I 8, W 2, O 8") and row.endswith(f"  {data['mappings']:,}") and "," in row[-4:]


def test_a_table_over_all_widths(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", spec, "--all-widths"]) == 0
    tables = [t.splitlines() for t in capsys.readouterr().out.strip().split("\n\n")]
    assert [t[0] for t in tables] == [
        "a onto tiny, mappings by bits: I down, W across, O as I",
        "b onto tiny, mappings by bits: I down, W across, O as I",
        "c onto tiny, mappings by bits: I down, W across, O 8",
    ]
    for layer, (_, header, *rows) in zip("abc", tables, strict=True):
        assert header.split() == ["I", "W", "2", "W", "3", "W", "4"]
        for width, row in zip((2, 3, 4), rows, strict=True):
            output = 8 if layer == "c" else width
            numbers = [expected(spec, layer, {"I": width, "W": w, "O": output}).mappings for w in (2, 3, 4)]
            assert row.split() == [str(width), *(f"{n:,}" for n in numbers)]
    results = counted(spec, "--layer", "c", "--all-widths", capsys=capsys)
    assert [tuple(r["bits"].values()) for r in results] == [(i, w, 8) for i in (2, 3, 4) for w in (2, 3, 4)]


def test_a_layer_without_weights_has_a_column(capsys: pytest.CaptureFixture[str]) -> None:
    path = str(data_dir("specs") / "studies" / "mobilenet_v1_eyeriss.qdsl")
    assert main(["count", path, "--layer", "mean", "--all-widths"]) == 0
    title, header, *rows = capsys.readouterr().out.splitlines()
    assert title == "mean onto eyeriss, mappings by bits: I down, O as I"
    assert header.split() == ["I", "mappings"] and [r.split()[0] for r in rows] == list("2345678")


def test_an_output_that_may_not_follow_its_input_has_its_widest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = study_text().replace(
        "activations in {2..4} per layer", "activations in {2..4} per layer\n    layer b: activations = 3"
    )
    path = str(write_spec(tmp_path, study))
    assert main(["count", path, "--layer", "a", "--all-widths"]) == 0
    assert capsys.readouterr().out.startswith("a onto tiny, mappings by bits: I down, W across, O 3\n")


def test_mapping_blocks_are_counted_without_constraints(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write_spec(tmp_path, MAPPING))
    (result,) = counted(path, capsys=capsys)
    assert result["layer"] == "mlp.a" and result["bits"] == {"I": 8, "W": 8, "O": 8}
    with_study = str(write_spec(tmp_path, study_text(constrain=CONSTRAINT), name="study.qdsl"))
    assert result["mappings"] == expected(with_study, "a", result["bits"], constrained=False).mappings
    (fewer,) = counted(path, "--layer", "a", "--bits", "W=2", capsys=capsys)
    assert fewer["mappings"] > result["mappings"]


def test_no_mapping_is_a_count_of_zero(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write_spec(tmp_path, study_text(constrain="tile(regs, K) == K; tile(regs, N) == N")))
    assert counted(path, "--layer", "a", capsys=capsys)[0]["mappings"] == 0


def test_one_figure_of_the_three(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    (result,) = counted(spec, "--layer", "c", "--bits", "W=2,I=4", capsys=capsys)
    for name, field in (("placements", "factor_placements"), ("classes", "order_classes"), ("mappings", "mappings")):
        assert main(["count", spec, "--layer", "c", "--bits", "W=2,I=4", "--of", name]) == 0
        header, row = capsys.readouterr().out.splitlines()
        assert header.split() == ["layer", "bits", name] and row.endswith(f"  {result[field]:,}")
        assert main(["count", spec, "--layer", "c", "--all-widths", "--of", name]) == 0
        title, _, *rows = capsys.readouterr().out.splitlines()
        assert title.startswith(f"c onto tiny, {name} by bits: ") and rows[2].split()[1] == f"{result[field]:,}"
    assert result["factor_placements"] < result["order_classes"] < result["mappings"]


def test_what_each_constraint_takes_away(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    texts = [CONSTRAINT, "temporal regs only K, N", "temporal(regs, M) == 1"]
    path = str(write_spec(tmp_path, study_text(constrain="; ".join(texts))))
    (study,) = load(path).studies

    def total(*kept: int) -> int:
        constraints = [study.constraints[k] for k in kept]
        problems = [x.problem for x in study.network.layers if x.name != "c"]
        bits = {"I": 4, "W": 3, "O": 4}
        return sum(count_mappings(study.accelerator, p, bits, constraints).mappings for p in problems)

    options = ["--constraints", "--bits", "W=3", "--layer", "a", "--layer", "b"]
    assert main(["count", path, *options, "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["mappings_under_all"], data["mappings_under_none"]) == (total(0, 1, 2), total())
    assert data["constraints"] == [
        {"constraint": text, "mappings_without": without, "mappings_alone": total(i)}
        for i, (text, without) in enumerate(zip(texts, (total(1, 2), total(0, 2), total(0, 1)), strict=True))
    ]
    assert main(["count", path, *options]) == 0
    _, (title, header, *rows) = (t.splitlines() for t in capsys.readouterr().out.split("\n\n"))
    assert title == f"2 layers onto tiny: {total(0, 1, 2):,} legal mappings, {total():,} without constraints"
    assert header.split("  ") and [r.split("  ")[0] for r in rows] == texts
    assert f" {total(1, 2):,}  x{total(1, 2) / total(0, 1, 2):.3g} " in rows[0]
    assert rows[2].split("  ")[-1].strip() == f"x{total(2) / total():.3g}"
    assert total(0, 1) == total(0, 1, 2) and f" {total(0, 1):,} " in rows[2]  # the second one implies the third


def test_what_is_late_is_named(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", spec, "--layer", "b", "--constraints", "--time-limit", "1e-9"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1].split()[-3:] == ["-", "-", "-"]
    assert "0 layers onto tiny: 0 legal mappings" in out
    assert "not counted within 1e-09 s: b" in err
    assert counted(spec, "--layer", "b", "--time-limit", "1e-9", capsys=capsys)[0]["mappings"] is None
    assert main(["count", spec, "--time-limit", "0"]) == 2


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--layer", "z"], "there is no layer `z`"),
        (["--study", "mixd"], "did you mean `mixed`?"),
        (["--bits", "Z=8"], "has no tensor `Z`"),
    ],
)
def test_unknown_names(spec: str, options: list[str], reason: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", spec, *options]) == 1
    assert reason in capsys.readouterr().err


def test_all_widths_need_a_study(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", str(write_spec(tmp_path, MAPPING)), "--all-widths"]) == 1
    assert "has no `study` block" in capsys.readouterr().err
    assert main(["count", "x.qdsl", "--all-widths", "--bits", "W=2"]) == 2
    assert "not allowed with" in capsys.readouterr().err


def test_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["count", "--help"]) == 0
    assert "example: qdsl count " in capsys.readouterr().out
