"""Timeloop's files out: what is written is read as the same numbers, on the reference cases and on optima; what the files
cannot say is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import qdsl
from qdsl.cli import main
from qdsl.exchange.timeloop import export_timeloop, import_timeloop
from qdsl.symbolic import evaluate
from tests.support.timeloop_cases import load_cases, to_source
from tests.support.timeloop_files import problem

HERE = Path(__file__).parent
Golden = Callable[[str, str], None]
LEGAL = [c for c in load_cases() if "error" not in c["result"]]
FEW = LEGAL[::20]

MATMUL = """
operator matmul { dims M, N, K; weights W; O[m, n] += I[m, k] * W[k, n] }
operator rows(stride) { dims K, C, P, R; weights W; O[k, p] += I[c, stride*p + r] * W[k, c, r] }
network one {
  layer fc = matmul(M = 8, N = 16, K = 32)
  layer conv = rows(K = 4, C = 2, P = 8, R = 3, stride = 1)
}
"""
MACHINE = """
accelerator tiny {{
  word 8 bit
  memory dram {{ width 64 bit; energy read 512 pJ, write 512 pJ; source "example" }}
  memory buffer {{ size 1024 word; energy read 20 pJ, write 20 pJ, update 21 pJ; source "example"; {buffer} }}
  array pe {{ x 4; y 2; {pe} }}
  {between}
  compute mac {{ energy 1 pJ; source "example"; {mac} }}
}}
"""
WINDOW = """mapping m for one.conv onto tiny { bits W = 8, I = 8, O = 8
  dram: for K 4; buffer: for P 2, C 2, R 3; pe.x: parallel P 4 }"""


def machine(buffer: str = "leakage 0.1 pJ/cycle", pe: str = "multicast I, W", between: str = "", mac: str = "") -> str:
    return MACHINE.format(buffer=buffer, pe=pe, between=between, mac=mac)


def fc(nest: str = "dram: for K 4; buffer: for K 4, M 4, N 8; pe.x: parallel N 2, M 2; pe.y: parallel K 2") -> str:
    return f"mapping m for one.fc onto tiny {{ bits W = 8, I = 4, O = 8; {nest} }}"


# Where neighbours would pass windows on in Timeloop.
UNFORWARDED = to_source(next(c for c in LEGAL if c["id"] == "11_047_eyeriss_like_depthwise"))
UNFORWARDED = UNFORWARDED.replace("forward Inputs; ", "")


def exported(text: str, directory: Path) -> list[Path]:
    """The files of the only mapping of a spec."""
    written = qdsl.loads(text).mappings[0].checked
    files = export_timeloop(written.accelerator, written.layer.problem, dict(written.bits), written.mapping)
    for name, content in files.items():
        (directory / name).write_text(content, encoding="utf-8")
    return [directory / name for name in files]


def check(text: str, directory: Path) -> None:
    again = qdsl.loads(import_timeloop(exported(text, directory)).text).mappings[0].checked
    here = qdsl.loads(text).mappings[0].checked
    ours, theirs = (evaluate(m.accelerator, m.layer.problem, dict(m.bits), m.mapping) for m in (here, again))
    assert (ours.levels, ours.cycles) == (theirs.levels, theirs.cycles)
    assert ours.energy_pj == pytest.approx(theirs.energy_pj, rel=1e-12)
    assert again.accelerator.compute_instances == here.accelerator.compute_instances


@pytest.mark.parametrize("case", FEW, ids=lambda c: c["id"])
def test_a_reference_case_is_written_and_read_as_the_same(case: dict[str, Any], tmp_path: Path) -> None:
    check(to_source(case), tmp_path)
    ours = yaml.safe_load((tmp_path / "problem.yaml").read_text())["problem"]
    wanted = problem(case)
    assert ours["instance"].get("bitwidths", case["bits"]) == case["bits"]
    assert ours["shape"]["dimensions"] == wanted["shape"]["dimensions"]
    sizes = {d: case["instance"][d] for d in case["shape"]["dims"]}
    assert {d: ours["instance"][d] for d in sizes} == sizes


@pytest.mark.slow
def test_all_reference_cases_are_written_and_read_as_the_same(tmp_path: Path) -> None:
    for case in LEGAL:
        check(to_source(case), tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        MATMUL + machine() + fc(),
        MATMUL
        + machine("keep I, O; may keep W; area 0.25 mm2", mac="area 0.01 mm2")
        + fc("bypass buffer: W; dram: for K 32, N 16; buffer: for M 8"),
        MATMUL + machine("double_buffered; bandwidth read 4 word/cycle") + fc(),
        MATMUL
        + machine(between="array lane { x 2 }")
        + fc("dram: for K 16; buffer: for M 4, N 4; pe.x: parallel N 4; pe.y: parallel M 2; lane.x: parallel K 2"),
        MATMUL + machine() + fc("dram: for K 8; buffer: for K 4, M 8, N 4; pe.x: parallel N 2; pe.y: parallel N 2"),
        MATMUL + machine(pe="forward I") + WINDOW,
    ],
    ids=["sums", "bypassed", "double_buffered", "array_in_array", "both_axes", "window"],
)  # fmt: skip
def test_a_machine_of_this_kind_is_written_and_read_as_the_same(text: str, tmp_path: Path) -> None:
    check(text, tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (machine(mac="throughput 2") + fc(), "cycles: 256 here, 512 there"),
        (machine(pe="multicast none") + fc(), "reads of `I` at `buffer`"),
        (machine(pe="reduce none") + fc(), "updates of `O` at `buffer`"),
        (machine(pe="energy hop 0.1 pJ/bit") + fc(), "energy: "),
        (machine("packing dense") + fc("dram: for K 32, N 16; buffer: for M 8").replace("I = 4", "I = 3"), "words of `I`"),
        (machine("bits O = 4") + fc(), "words of `O` at `buffer`"),
        (UNFORWARDED, "reads of `Inputs` at"),
        (machine("size 256 word for O") + fc(), "`size ... for` some tensors"),
        (machine("bandwidth read 1 word/cycle for W") + fc(), "`bandwidth ... for` some tensors"),
        (machine("double_buffered W") + fc(), "`double_buffered` for some tensors"),
        (machine() + fc("imperfect padded; dram: for K 4; buffer: for K 8, M 3, N 16; pe.x: parallel M 3"),
         "`imperfect padded`"),
    ],
)  # fmt: skip
def test_what_the_files_cannot_say_is_refused(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "spec.qdsl"
    path.write_text(text if text is UNFORWARDED else MATMUL + text, encoding="utf-8")
    assert main(["export", "timeloop", str(path), "--out", str(tmp_path / "out")]) == 1
    shown = " ".join(capsys.readouterr().err.split())
    assert "error[Q0984]" in shown and words in shown
    assert not (tmp_path / "out").exists()


def test_no_widths_are_written_where_every_value_takes_a_word(tmp_path: Path) -> None:
    def widths(text: str) -> object:
        paths = exported(MATMUL + machine() + text, tmp_path)
        return yaml.safe_load(next(p for p in paths if p.stem == "problem").read_text())["problem"]["instance"].get(
            "bitwidths"
        )

    assert widths(fc()) == {"I": 4, "W": 8, "O": 8}
    assert widths(fc().replace("I = 4", "I = 5")) is None


def test_an_imported_study_without_widths_is_exported_again(tmp_path: Path) -> None:
    spec = tmp_path / "case.qdsl"
    assert main(["import", *map(str, sorted((HERE / "nodes").glob("*.yaml"))), "--out", str(spec)]) == 0
    assert main(["export", "timeloop", str(spec), "--mapping", "written", "--out", str(tmp_path / "out")]) == 0
    check(spec.read_text(), tmp_path)


def test_the_best_mapping_of_a_layer_is_written(
    golden: Golden, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["specs/examples/first.qdsl", "--layer", "conv", "--bits", "W=4,I=8,O=8"]
    assert main(["export", "timeloop", *arguments, "--out", str(tmp_path)]) == 0
    assert "arch.yaml, ERT.yaml, problem.yaml, map.yaml" in capsys.readouterr().err
    paths = [tmp_path / f"{name}.yaml" for name in ("arch", "ERT", "problem", "map")]
    golden("first.yaml", "".join(path.read_text() for path in paths))
    again = qdsl.loads(import_timeloop(paths).text)
    assert main(["map", *arguments, "--format", "json"]) == 0
    best = yaml.safe_load(capsys.readouterr().out)
    assert again.mappings[0].evaluate().energy_pj == pytest.approx(best["energy_pj"], rel=1e-9)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["specs/examples/first.qdsl"], "Q0907"),
        (["specs/examples/first.qdsl", "--layer", "none"], "Q0201"),
        (["specs/examples/first.qdsl", "--mapping", "by_hand", "--layer", "fc"], "Q0907"),
        (["specs/examples/first.qdsl", "--mapping", "none"], "Q0201"),
    ],
)
def test_a_choice_that_is_missing_or_wrong_is_a_finding(
    arguments: list[str], code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "timeloop", *arguments, "--out", str(tmp_path)]) == 1
    assert f"error[{code}]" in capsys.readouterr().err
