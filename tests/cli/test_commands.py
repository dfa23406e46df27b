"""The commands on good and bad input, run in this process."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.cli import main
from tests.support.small_study import MAPPING, study_text, write_spec


@pytest.fixture(autouse=True)
def wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Findings are wrapped to the terminal; tests look for whole phrases."""
    monkeypatch.setenv("COLUMNS", "400")


@pytest.fixture
def spec(tmp_path: Path) -> str:
    return str(write_spec(tmp_path, MAPPING, study_text(generations=2)))


@pytest.fixture
def mapping_only(tmp_path: Path) -> str:
    return str(write_spec(tmp_path, MAPPING, name="mapping.qdsl"))


def _json(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    data = json.loads(capsys.readouterr().out)
    assert isinstance(data, dict)
    return data


# --- check and fmt ------------------------------------------------------------------------------


def test_check_is_quiet_when_fine(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", spec]) == 0
    shown = capsys.readouterr()
    assert shown.out == "1 file checked, no errors\n" and shown.err == ""


def test_check_shows_every_finding_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_spec(tmp_path, study_text(minimize="energy, beauty"))
    path.write_text(path.read_text().replace("read 6 pJ", "read 6 bit"), encoding="utf-8")
    assert main(["check", str(path)]) == 1
    shown = capsys.readouterr().err
    assert "beauty" in shown and "read 6 bit" in shown and "^" in shown and "2 errors" in shown
    assert "\x1b" not in shown
    assert main(["check", str(path), "--color", "always"]) == 1
    assert "\x1b[" in capsys.readouterr().err


def test_check_as_json_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_spec(tmp_path, study_text(minimize="beauty"))
    assert main(["check", str(path), "--format", "json"]) == 1
    shown = capsys.readouterr()
    findings = [json.loads(line) for line in shown.err.splitlines()]
    assert [f["severity"] for f in findings] == ["error"] and findings[0]["line"] > 1
    assert json.loads(shown.out) == {"files": 1, "errors": 1, "warnings": 0}


ILLEGAL = """
mapping too_wide for mlp.a onto tiny {
  bits W = 8, I = 8, O = 8
  dram: for M 4, N 8, K 12
}
mapping too_parallel for mlp.a onto tiny {
  bits W = 2, I = 2, O = 2
  dram: for M 4, K 12
  pe.x: parallel N 8
}
mapping too_large for mlp.a onto tiny {
  bits W = 2, I = 2, O = 2
  dram: for M 4
  regs: for N 8, K 12
}
mapping undefined for mlp.a onto tiny {
  bits W = 4, I = 4, O = 4
  dram: for M 4, N 8, K 12
}
"""


def test_check_shows_what_eval_would_refuse(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    golden: Callable[[str, str], None],
) -> None:
    monkeypatch.chdir(tmp_path)
    path = write_spec(Path(), ILLEGAL)
    text = path.read_text().replace("keep I, O;", "keep I, O; bits O = bits(weights) + bits(I) + log2(reduction);")
    path.write_text(text.replace("energy 2 pJ", "energy if bits(W) == 4 then 1 pJ / (bits(W) - 4) else 2 pJ"))
    assert main(["check", str(path)]) == 1
    shown = capsys.readouterr()
    golden("check_mappings.txt", shown.out + shown.err)
    assert all(shown.err.count(f"[{code}]") == 1 for code in ("Q0304", "Q0604", "Q0606", "Q0607"))
    for name in ("too_wide", "too_parallel", "too_large", "undefined"):
        assert main(["eval", str(path), "--mapping", name]) == 1


def test_check_imports_no_model_of_cost_where_no_mapping_is_written(tmp_path: Path) -> None:
    """It is run on every change of a file."""
    loaded = "import sys; from qdsl.cli import main; code = main(sys.argv[1:]); print(*sys.modules); sys.exit(code)"
    path = write_spec(tmp_path, study_text())
    done = subprocess.run(
        [sys.executable, "-c", loaded, "check", str(path)], capture_output=True, text=True, check=True
    )
    assert "qdsl.model.study" in done.stdout.split()
    assert not {"qdsl.symbolic", "qdsl.mapspace", "numpy", "sympy", "z3"} & set(done.stdout.split())


def test_a_missing_file_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("check", "eval", "map", "run", "explain", "fmt"):
        assert main([command, str(tmp_path / "absent.qdsl")]) == 1
        shown = capsys.readouterr().err
        assert "absent.qdsl" in shown and "Traceback" not in shown


def test_fmt_check_diff_and_write(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(spec)
    assert main(["fmt", spec]) == 0
    formatted = path.read_text()
    assert main(["fmt", "--check", spec]) == 0
    path.write_text(formatted.replace("  word 16 bit", "word   16 bit"))
    untidy = path.read_text()
    assert main(["fmt", "--check", spec]) == 1
    assert f"would reformat {spec}" in capsys.readouterr().out
    assert main(["fmt", "--diff", spec]) == 1
    assert "-word   16 bit\n+  word 16 bit\n" in capsys.readouterr().out
    assert path.read_text() == untidy
    assert main(["fmt", spec]) == 0
    assert path.read_text() == formatted


def test_fmt_takes_files_and_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tidy, untidy = "network n { output x }\n", "network n{output x}"
    below = tmp_path / "specs" / "networks"
    below.mkdir(parents=True)
    for path, text in ((tmp_path / "a.qdsl", untidy), (below / "b.qdsl", untidy), (below / "c.qdsl", tidy)):
        path.write_text(text)
    (below / "note.txt").write_text("no spec")
    (below / "wrong.qdsl").write_text("network {")
    given = [str(tmp_path / "specs"), str(tmp_path / "a.qdsl"), str(below / "b.qdsl")]
    assert main(["fmt", "--check", *given]) == 1
    shown = capsys.readouterr()
    assert shown.out.splitlines() == [f"would reformat {below / 'b.qdsl'}", f"would reformat {tmp_path / 'a.qdsl'}"]
    assert "wrong.qdsl:1:9" in shown.err and "2 files would be reformatted, 2 left as they are" in shown.err
    (below / "wrong.qdsl").unlink()
    assert main(["fmt", *given]) == 0
    assert "2 files reformatted, 1 left as they are" in capsys.readouterr().err
    assert [p.read_text() for p in (tmp_path / "a.qdsl", below / "b.qdsl")] == [tidy, tidy]
    assert (below / "note.txt").read_text() == "no spec"
    assert main(["fmt", *given]) == 0
    assert capsys.readouterr() == ("", "")


def test_fmt_of_a_folder_without_specs_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fmt", str(tmp_path)]) == 1
    assert "holds no `.qdsl` file" in capsys.readouterr().err


def test_a_difference_can_be_applied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Form feeds and other characters that end lines elsewhere do not."""
    path = tmp_path / "a.qdsl"
    path.write_text("network n { // a\x0cb\u2028c\n\tinput x: 3\r\n}", encoding="utf-8", newline="")
    assert main(["fmt", "--diff", str(path)]) == 1
    difference = capsys.readouterr().out
    assert main(["fmt", str(path)]) == 0
    formatted = path.read_text(encoding="utf-8")
    assert formatted == "network n {  // a\x0cb\u2028c\n  input x: 3\n}\n"
    body = io.StringIO(difference, newline="\n").readlines()[3:]
    assert "".join(line[1:] for line in body if line[0] in "+ ") == formatted


def test_fmt_leaves_a_file_with_mistakes_alone(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(spec)
    path.write_text("accelerator {{")
    assert main(["fmt", spec]) == 1
    assert path.read_text() == "accelerator {{"
    assert "error" in capsys.readouterr().err


def test_fmt_refuses_what_is_not_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "binary.qdsl"
    path.write_bytes(b"\xff\xfe")
    assert main(["fmt", str(path)]) == 1
    assert "not UTF-8" in capsys.readouterr().err


# --- eval, explain, map -------------------------------------------------------------------------


def test_eval_counts_by_hand(mapping_only: str, capsys: pytest.CaptureFixture[str]) -> None:
    """4 x 8 x 12 multiplications on 4 units. Two values per word: the 12 x 8 weights are 48 words, and every one of the
    192 weights per instance is fetched alone, 2 per word."""
    assert main(["eval", mapping_only, "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["layer"] == "mlp.a" and data["bits"] == {"I": 8, "W": 8, "O": 8}
    assert data["cycles"] == data["total"]["cycles"] == 4 * 8 * 12 // 4
    assert data["compute"] == {"operations": 384, "energy_pj": 768.0, "utilization": 1.0, "useful": 1.0}
    dram = data["levels"]["dram"]["tensors"]
    assert dram["W"] == {"words": 48, "reads": 192, "fills": 0, "updates": 0, "instances": 1, "energy_pj": 192 * 200.0}
    levels = sum(level["energy_pj"] for level in data["levels"].values())
    assert data["energy_pj"] == data["total"]["energy_pj"] == pytest.approx(levels + 768.0)


def test_eval_as_text(
    mapping_only: str, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    assert main(["eval", mapping_only]) == 0
    golden("eval.txt", capsys.readouterr().out)


def test_eval_of_several_mappings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write_spec(tmp_path, MAPPING, MAPPING.replace("written", "second")))
    assert main(["eval", path, "--format", "json"]) == 0
    assert [r["mapping"] for r in json.loads(capsys.readouterr().out)["results"]] == ["written", "second"]
    assert main(["eval", path, "--mapping", "second"]) == 0
    assert capsys.readouterr().out.startswith("second: mlp.a onto tiny, bits I 8, W 8, O 8")
    assert main(["eval", path, "--mapping", "secnod"]) == 1
    assert "did you mean `second`?" in capsys.readouterr().err


def test_eval_refuses_an_illegal_mapping(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    illegal = MAPPING.replace("dram: for N 2", "").replace("parallel N 4", "parallel N 8")
    path = str(write_spec(tmp_path, illegal))
    assert main(["eval", path, "--format", "json"]) == 1
    shown = capsys.readouterr()
    finding = json.loads(shown.err)
    assert shown.out == "" and "`pe.x` has 4 instances" in finding["message"] and finding["path"] == path


def test_explain_a_written_and_a_best_mapping(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", spec, "--mapping", "written"]) == 0
    assert "buffer" in capsys.readouterr().out
    assert main(["explain", spec, "--layer", "a", "--bits", "W=2"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("best mapping of a onto tiny, bits I 4, W 2, O 4")


def test_map_proves_the_best_mapping_and_its_text_evaluates_to_it(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["map", spec, "--layer", "a", "--bits", "W=8,I=8,O=8", "--format", "json"]) == 0
    best = json.loads(capsys.readouterr().out)
    assert best["status"] == "optimal"
    assert best["lower_bound_pj"] == pytest.approx(best["energy_pj"], rel=1e-9)
    assert best["results"][0]["mapping"] == best["mapping"]
    block = MAPPING.split("dram:")[0].replace("written", "best") + best["mapping_text"] + "\n}\n"
    path = str(write_spec(tmp_path, block, name="best.qdsl"))
    assert main(["eval", path, "--format", "json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert (again["energy_pj"], again["cycles"]) == (best["energy_pj"], best["cycles"])
    assert again["levels"] == best["evaluation"]["levels"]


def test_map_all_layers_of_a_study(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", spec, "--format", "json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert [r["layer"] for r in results] == ["a", "b", "c"]
    assert [r["bits"]["O"] for r in results] == [4, 4, 8]
    assert main(["map", spec]) == 0
    assert capsys.readouterr().out.count("optimal of") == 3


def test_map_compares_with_the_written_mapping(mapping_only: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", mapping_only]) == 0
    assert "the written mapping needs 50.19 nJ, +" in capsys.readouterr().out
    assert main(["map", mapping_only, "--format", "json"]) == 0
    data = _json(capsys)
    assert data["written_energy_pj"] > data["energy_pj"]  # type: ignore[operator]


def test_map_says_when_the_written_mapping_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The whole input and output in the buffer are 24 + 16 words at 8 bits and 48 + 32 at 16; it holds 64."""
    path = str(write_spec(tmp_path, MAPPING.replace("dram: for N 2\n  buffer: for", "buffer: for N 2,")))
    assert main(["map", path, "--bits", "I=16,O=16"]) == 0
    assert "the written mapping is not legal at these widths" in capsys.readouterr().out


def test_map_explains_what_is_infeasible(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write_spec(tmp_path, study_text(constrain="tile(regs, K) == K; tile(regs, N) == N")))
    assert main(["map", path, "--layer", "a", "--format", "json"]) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out)["status"] == "infeasible"
    finding = json.loads(shown.err)
    assert finding["severity"] == "error" and "a" in finding["message"]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--layer", "z"], "there is no layer `z`"),
        (["--study", "mixd"], "did you mean `mixed`?"),
        (["--bits", "Z=8"], "has no tensor `Z`"),
    ],
)
def test_unknown_names_on_the_command_line(
    spec: str, arguments: list[str], reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["map", spec, *arguments]) == 1
    assert reason in capsys.readouterr().err


def test_a_file_with_nothing_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write_spec(tmp_path))
    assert main(["run", path]) == 1
    assert "has no `study` block" in capsys.readouterr().err
    assert main(["eval", path]) == 1
    assert "has no `mapping` block" in capsys.readouterr().err


# --- run and report -----------------------------------------------------------------------------


def test_run_leaves_report_numbers_and_store(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert main(["run", spec, "--out", str(out), "--workers", "1"]) == 0
    shown = capsys.readouterr()
    assert "uniform 4/4" in shown.out and "(chosen)" in shown.out
    assert "layers: 2/2" in shown.err
    assert {p.name for p in out.iterdir()} >= {"report.html", "report.md", "run.json", "store.sqlite"}
    assert main(["run", spec, "--out", str(out), "--format", "json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["counts"]["solved"] == 0 and data["complete"]
    assert [Path(p).name for p in data["reports"]] == ["report.html", "report.md"]
    energies = [p["energy"] for p in data["front"]]
    assert energies == sorted(energies)


def test_run_with_another_seed_looks_elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(write_spec(tmp_path, study_text(widths="2..8", generations=2)))
    fronts = []
    for seed in ("3", "3", "4"):
        assert main(["run", path, "--out", str(tmp_path / "out"), "--seed", seed, "--format", "json"]) == 0
        fronts.append(json.loads(capsys.readouterr().out)["front"])
    assert fronts[0] == fronts[1] != fronts[2]


def test_quiet_is_quiet(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", spec, "--out", str(tmp_path / "out"), "--quiet", "--workers", "1"]) == 0
    shown = capsys.readouterr()
    assert shown.out == shown.err == ""


def test_run_refuses_a_foreign_store(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "store.sqlite").write_text("dear diary")
    assert main(["run", spec, "--out", str(tmp_path)]) == 1
    assert "not a usable result store" in capsys.readouterr().err
    assert (tmp_path / "store.sqlite").read_text() == "dear diary"


def test_report_is_written_again_from_the_numbers(
    spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["run", spec, "--out", str(out), "--quiet", "--workers", "1"]) == 0
    first = (out / "report.md").read_text()
    (out / "report.md").unlink()
    (out / "store.sqlite").unlink()
    assert main(["report", str(out), "--format", "markdown"]) == 0
    assert capsys.readouterr().out.strip().endswith("report.md")
    assert (out / "report.md").read_text() == first
    assert main(["report", str(tmp_path / "nowhere")]) == 1
    assert "no run can be read" in capsys.readouterr().err


# --- usage and failures -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["fly"],
        ["check"],
        ["map", "x.qdsl", "--bits", "W"],
        ["map", "x.qdsl", "--bits", "W=0"],
        ["map", "x.qdsl", "--time-limit", "-1"],
        ["run", "x.qdsl", "--workers", "0"],
        ["run", "x.qdsl", "--seed", "minus one"],
        ["run", "x.qdsl", "--seed", str(2**32)],
        ["report", "x", "--format", "pdf"],
        ["explain", "x.qdsl", "--format", "html"],
    ],
)
def test_wrong_usage_is_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert "usage: qdsl" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", ["check", "fmt", "explain", "eval", "map", "verify", "run", "watch", "report", "store"]
)
def test_help_shows_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"example: qdsl {command} " in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert re.fullmatch(r"qdsl \d+\.\d+\.\d+, language \d+\.\d+\n", capsys.readouterr().out)


def test_a_defect_is_one_line_and_a_request(
    spec: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError("oops")

    monkeypatch.setattr("qdsl.symbolic.evaluate", broken)
    assert main(["eval", spec]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("internal error: ZeroDivisionError: oops") and "report it" in shown
    assert "Traceback" not in shown
    monkeypatch.setenv("QDSL_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["eval", spec])
