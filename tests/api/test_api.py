"""qdsl from Python and in notebooks."""

from __future__ import annotations

import html
import json
import sys
from pathlib import Path

import pytest

import qdsl
from qdsl.api.table import SHOWN, Table
from tests.support.small_study import HARDWARE, MAPPING, NETWORK, study_text, write_spec


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> qdsl.Spec:
    return qdsl.load(write_spec(tmp_path_factory.mktemp("spec"), study_text(), MAPPING))


@pytest.fixture(scope="module")
def results(spec: qdsl.Spec, tmp_path_factory: pytest.TempPathFactory) -> qdsl.Results:
    return spec.study().run(tmp_path_factory.mktemp("run"))


def test_a_spec_has_its_parts(spec: qdsl.Spec) -> None:
    assert [o.name for o in spec.operators] == ["linear"]
    assert spec.accelerator("tiny") is spec.accelerators[0]
    assert spec.network("mlp") is spec.networks[0]
    assert spec.operator("linear").dims == ("M", "N", "K")
    assert spec.study("mixed").network.name == "mlp"
    assert spec.study().accelerator.name == "tiny"
    assert not spec.warnings
    assert repr(spec).endswith("accelerator tiny, network mlp, mapping written, study mixed>")


def test_an_unknown_name_is_told_with_a_near_one(spec: qdsl.Spec) -> None:
    with pytest.raises(qdsl.SpecError, match="there is no study `mixd`\n  = help: did you mean `mixed`"):
        spec.study("mixd")


def test_mistakes_are_an_exception_that_reads_like_the_command_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.qdsl"
    path.write_text("accelerator a {\n  word 16 bits\n}\n")
    with pytest.raises(qdsl.SpecError) as caught:
        qdsl.load(path)
    said = str(caught.value)
    assert "error[Q0301]: unknown unit `bits`" in said
    assert "2 |   word 16 bits\n  |           ^^^^ not a unit" in said
    assert "= help: did you mean `bit`?" in said
    assert caught.value.diagnostics[0].code == "Q0301"


def test_a_text_can_import_files(tmp_path: Path) -> None:
    write_spec(tmp_path, name="parts.qdsl")
    spec = qdsl.loads(f'import "parts.qdsl"\n{study_text()}', tmp_path)
    assert spec.study().name == "mixed"
    with pytest.raises(qdsl.SpecError, match="Q0010"):
        qdsl.loads('import "missing.qdsl"', tmp_path)


def test_a_loaded_spec_is_written_as_one_that_is_equal(spec: qdsl.Spec, tmp_path: Path) -> None:
    write_spec(tmp_path, name="parts.qdsl")
    for loaded in (spec, qdsl.loads(f'import "parts.qdsl"\n{study_text()}', tmp_path)):
        again = qdsl.loads(qdsl.to_text(loaded))
        assert (again.accelerators, again.networks) == (loaded.accelerators, loaded.networks)
        assert again.study().checked == loaded.study().checked
    assert qdsl.loads(qdsl.to_text(spec.mapping("written"))).mappings[0].checked == spec.mappings[0].checked
    assert qdsl.loads(qdsl.to_text(spec.study())).study().checked == spec.study().checked


def test_a_mapping_is_evaluated(spec: qdsl.Spec) -> None:
    mapping = spec.mapping("written")
    assert mapping.evaluate().energy_pj == pytest.approx(
        sum(x for x in mapping.counts()["energy_pj"] if isinstance(x, float))
    )
    wrong = MAPPING.replace("  dram: for N 2\n", "").replace("M 4, K 12", "M 4")
    wrong = wrong.replace("parallel N 4", "parallel N 4\n  regs: for K 12, N 2")
    with pytest.raises(qdsl.SpecError, match="Q0607"):
        qdsl.loads(HARDWARE + NETWORK + wrong).mapping("written").evaluate()


def test_results_are_tables(results: qdsl.Results) -> None:
    front, run = results.front, results.run
    assert len(front) == len(run.front) and front["energy_pj"] == [p.energy_pj for p in run.front]
    assert front["chosen"].index(True) == run.chosen
    assert {"energy_pj", "weight_memory_bit", "activation_memory_bit", "noise_db"} <= set(front.columns)
    widths = list(results.widths)
    assert len(widths) == len(run.front) * len(run.study.precision.variables)
    assert {r["role"] for r in widths} == {"weights", "activations"}
    layers = [r for r in results.layers if r["design"] == "chosen"]
    assert [r["layer"] for r in layers] == ["a", "b", "c"]
    energies = [r["energy_pj"] for r in results.energies if r["design"] == "chosen" and r["layer"] == "a"]
    assert sum(x for x in energies if isinstance(x, float)) == pytest.approx(layers[0]["energy_pj"])


def test_results_are_frames_of_pandas(results: qdsl.Results) -> None:
    pandas = pytest.importorskip("pandas")
    frames = results.to_pandas()
    assert list(frames) == ["front", "widths", "layers", "energies"]
    front = frames["front"]
    assert isinstance(front, pandas.DataFrame)
    assert front["energy_pj"].is_monotonic_increasing and front["chosen"].sum() == 1
    energies = frames["energies"]
    assert str(energies["reads"].dtype) == "Int64", "whole numbers, of which some are missing"
    total = energies[energies.design == "chosen"].energy_pj.sum()
    assert total == pytest.approx(results.run.chosen_point.energy_pj)


def test_the_run_is_kept_where_the_command_line_finds_it(
    results: qdsl.Results, capsys: pytest.CaptureFixture[str]
) -> None:
    from qdsl.cli import main

    (page,) = results.report("html")
    assert page.stat().st_size > 10_000
    assert main(["report", str(results.directory)]) == 0
    assert capsys.readouterr().out


def test_the_seed_can_be_set(spec: qdsl.Spec, tmp_path: Path) -> None:
    assert spec.study().run(tmp_path, seed=7).run.provenance.seed == 7


def test_everything_shows_itself_in_a_notebook(spec: qdsl.Spec, results: qdsl.Results) -> None:
    for thing in (spec, spec.study(), spec.mapping("written"), results, results.layers):
        shown = thing._repr_html_()
        assert shown.count("<table>") == shown.count("</table>") >= 1
    assert "data:image/svg+xml;base64," in results._repr_html_()
    assert "written" in spec._repr_html_() and "mlp.a" in spec.mapping("written")._repr_html_()


def test_names_and_texts_are_escaped() -> None:
    evil = "<script>alert(1)</script>"
    table = Table((evil,), ((evil,), ("a\n<b>",)))
    assert "<script>" not in table._repr_html_() and "<b>" not in table._repr_html_()
    assert html.escape(evil) in table._repr_html_()
    text = HARDWARE + NETWORK + study_text(constrain="tile(regs, K) <= 4 // <b>\n")
    assert "<b>" not in qdsl.loads(text).study()._repr_html_()
    path = Path("/tmp/<b>.qdsl")
    assert "<b>" not in qdsl.loads(HARDWARE, path.parent)._repr_html_().replace("<b>.qdsl", "")


def test_long_tables_are_shown_in_part() -> None:
    shown = Table(("n",), tuple((i,) for i in range(SHOWN + 5)))._repr_html_()
    assert f"<td>{SHOWN - 1}</td>" in shown and f"<td>{SHOWN}</td>" not in shown
    assert "and 5 more rows" in shown


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(KeyError, match="no column `b`; there are a"):
        Table(("a",), ())["b"]


def test_without_pandas_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(qdsl.SpecError, match=r"Q0960.*needs the library `pandas`(.|\n)*pip install 'qdsl\[pandas\]'"):
        Table(("a",), ((1,),)).to_pandas()


def test_the_package_lists_what_it_has() -> None:
    assert set(dir(qdsl)) >= {"load", "loads", "to_text", "Spec", "SpecError", "Results"}
    assert qdsl.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="no attribute `lod`"):
        qdsl.lod  # noqa: B018


def test_tables_are_files_of_the_kind_that_their_name_ends_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = Table(("name", "count", "chosen"), (("a, b", 1, True), ("c", None, False)))
    table.write(tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text() == 'name,count,chosen\n"a, b",1,true\nc,,false\n'
    table.write(tmp_path / "t.json")
    assert json.loads((tmp_path / "t.json").read_text())[1] == {"name": "c", "count": None, "chosen": False}
    with pytest.raises(ValueError, match=r"not as `\.xlsx`"):
        table.write(tmp_path / "t.xlsx")
    with pytest.raises(qdsl.SpecError, match="Q0905"):
        table.write(tmp_path / "missing" / "t.csv")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(qdsl.SpecError, match=r"Q0960.*needs the library `pyarrow`(.|\n)*pip install 'qdsl\[parquet\]'"):
        table.write(tmp_path / "t.parquet")


def test_tables_of_parquet_read_as_they_were(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    table = Table(("name", "count", "chosen"), (("a, b", 1, True), ("c", None, False)))
    table.write(tmp_path / "t.parquet")
    assert parquet.read_table(tmp_path / "t.parquet").to_pylist() == list(table)
