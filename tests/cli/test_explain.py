"""`qdsl explain` as a user sees it: text, LaTeX, JSON, which mapping is meant, and where the result goes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from qdsl.cli import main
from tests.support.small_study import MAPPING, study_text, write_spec

EXAMPLE = str(Path(__file__).parents[2] / "specs/examples/first.qdsl")
# Everything that a machine can state besides what the example does.
RICH = """
operator mat_mul {
  dims M, N, K
  weights W
  O[m, n] += I[m, k] * W[k, n]
}
accelerator rich_one {
  word 16 bit
  clock 1 GHz
  memory off_chip { energy read 200 pJ, write 200 pJ; source "invented" }
  memory on_chip {
    size 96 word
    may keep W
    keep I, O
    packing dense
    bits output = bits(weights) + bits(activations) + log2(reduction)
    bandwidth read 4 word/cycle
    energy read 6 pJ, write 6 pJ
    leakage 0.5 pJ/cycle
  }
  array pe { x 4; y 2; multicast I; energy hop 0.05 pJ/bit }
  memory pad { size 8 word; keep W; bandwidth read 0.25 word/cycle for W; energy read 1 pJ, write 1 pJ; double_buffered }
  compute mac { energy 2 pJ * bits(W) / 8; throughput 8 / max(bits(W), bits(I)) }
}
network my_net { layer fc_1 = mat_mul(M = 4, N = 8, K = 12) }
mapping by_hand for my_net.fc_1 onto rich_one {
  bits W = 4, I = 4, O = 12
  bypass on_chip: W
  off_chip: for N 2
  on_chip: for M 4, K 6
  pe.x: parallel N 4
  pe.y: parallel K 2
}
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    other = MAPPING.replace("written for mlp.a", "of_b for mlp.b").replace("K 12", "K 8")
    return str(write_spec(tmp_path, MAPPING, other, study_text()))


@pytest.fixture
def rich(tmp_path: Path) -> str:
    path = tmp_path / "rich.qdsl"
    path.write_text(RICH, encoding="utf-8")
    return str(path)


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["explain", *arguments]) == 0
    return capsys.readouterr().out


def test_the_text_of_the_example(capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]) -> None:
    golden("explain.txt", shown(capsys, EXAMPLE))


def test_the_text_of_a_machine_with_everything(
    rich: str, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    golden("explain_rich.txt", shown(capsys, rich))


def test_the_latex_of_a_machine_with_everything(
    rich: str, capsys: pytest.CaptureFixture[str], golden: Callable[[str, str], None]
) -> None:
    golden("explain_rich.tex", shown(capsys, rich, "--format", "latex"))


@pytest.mark.parametrize("which", ["rich", "example"])
def test_latex_is_one_document_with_all_it_opens_closed(
    rich: str, which: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = shown(capsys, rich if which == "rich" else EXAMPLE, "--format", "latex")
    assert text.startswith(r"\documentclass") and text.endswith("\\end{document}\n")
    open_ones: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            open_ones.append(name)
        else:
            assert open_ones.pop() == name
    assert open_ones == []
    bare = re.sub(r"\\.", "", text)  # without commands and escaped characters
    depth = 0
    for c in bare:
        depth += {"{": 1, "}": -1}.get(c, 0)
        assert depth >= 0
    assert depth == 0
    outside: list[str] = []
    inside: list[str] = []
    for i, piece in enumerate(bare.split("$")):
        (inside if i % 2 else outside).append(piece)
    assert len(outside) == len(inside) + 1, "every formula ends"
    assert not [p for p in outside if "_" in p or "^" in p], "subscripts stand in formulas"
    assert not [p for p in inside if "\n" in p or "&" in p]
    for rows in re.findall(r"\\begin\{tabular\}\{(l?r+|l+r+)\}(.*?)\\end\{tabular\}", text, flags=re.DOTALL):
        counts = {line.count("&") for line in re.split(r"\\\\", rows[1]) if "&" in line}
        assert counts == {len(rows[0]) - 1}


def test_json_adds_up(rich: str, capsys: pytest.CaptureFixture[str]) -> None:
    data = json.loads(shown(capsys, rich, "--format", "json"))
    assert (data["layer"], data["accelerator"], data["bits"]) == ("my_net.fc_1", "rich_one", {"I": 4, "W": 4, "O": 12})
    levels = data["levels"]
    assert set(levels["on_chip"]["tensors"]) == {"I", "O"}
    for level in levels.values():
        assert level["energy_pj"] == pytest.approx(sum(t["energy_pj"] for t in level["tensors"].values()))
    parts = [*levels.values(), *data["networks"].values(), data["compute"], data["leakage"]]
    assert data["energy_pj"] == pytest.approx(sum(p["energy_pj"] for p in parts))
    reads = levels["pad"]["tensors"]["W"]["counts"]["reads"]
    assert reads["formula"] == "ceil(K_on_chip*M_on_chip*N_off_chip / 4)"
    assert reads["latex"].startswith(r"\lceil K_{\text{on\_chip}}")
    assert data["roofline"]["limited_by"] == "pad reads of W"
    assert main(["eval", rich, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["roofline"] == data["roofline"]


def test_a_layer_and_a_mapping_together(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, spec, "--layer", "a", "--mapping", "written").startswith("written: mlp.a onto tiny")
    assert shown(capsys, spec, "--layer", "mlp.b", "--mapping", "of_b").startswith("of_b: mlp.b onto tiny")
    assert shown(capsys, spec, "--layer", "b").startswith("best mapping of b onto tiny")
    assert main(["explain", spec, "--layer", "b", "--mapping", "written"]) == 1
    found = capsys.readouterr()
    assert found.out == ""
    assert "mapping `written` is one of layer `a`, not of `b`" in found.err
    assert "mappings of `b`: of_b" in found.err


def test_a_saved_mapping(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = tmp_path / "best.json"
    assert main(["map", spec, "--layer", "a", "--layer", "b", "--out", str(result)]) == 0
    capsys.readouterr()
    text = shown(capsys, spec, "--mapping", str(result), "--layer", "b")
    best = shown(capsys, spec, "--layer", "b")
    assert text.startswith("best: mlp.b onto tiny") and text.splitlines()[1:] == best.splitlines()[1:]
    assert len(json.loads(shown(capsys, spec, "--mapping", str(result), "--format", "json"))["results"]) == 2
    assert main(["explain", spec, "--mapping", str(result), "--layer", "c"]) == 1
    assert "mapping `best` is one of layer `a`, not of `c`" in capsys.readouterr().err
    result.write_text(result.read_text().replace('"factor": 2', '"factor": 3'), encoding="utf-8")
    assert main(["explain", spec, "--mapping", str(result)]) == 1
    assert "Q0911" in capsys.readouterr().err
    result.write_text("{", encoding="utf-8")
    assert main(["explain", spec, "--mapping", str(result)]) == 1
    assert "Q0908" in capsys.readouterr().err


def test_all_mappings_of_a_file(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = shown(capsys, spec)
    assert "written: mlp.a" in text and "of_b: mlp.b" in text
    assert len(json.loads(shown(capsys, spec, "--format", "json"))["results"]) == 2
    assert shown(capsys, spec, "--format", "latex").count(r"\section*") == 2


def test_the_result_goes_to_a_file(spec: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.tex"
    assert shown(capsys, spec, "--mapping", "written", "--format", "latex", "--out", str(out)) == ""
    assert out.read_text(encoding="utf-8") == shown(capsys, spec, "--mapping", "written", "--format", "latex")
    assert main(["explain", spec, "--out", str(tmp_path)]) == 1
    assert "Q0905" in capsys.readouterr().err
