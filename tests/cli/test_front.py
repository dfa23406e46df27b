"""`qdsl map --front`, `--imperfect padded` and objectives of several quantities, with certificates of the answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qdsl.cli import main
from qdsl.resources import data_dir

# None of 5, 7 and 3 fills an array of four. All words come over a narrow bus, and the pads are dear.
SPEC = """
operator linear() {
  dims M, N, K
  weights W
  O[m, n] += I[m, k] * W[k, n]
}
accelerator narrow {
  word 8 bit
  memory dram { energy read 20 pJ, write 20 pJ; bandwidth read 1 word/cycle; source "invented for tests" }
  array pe { x 4 }
  memory pad { size 6 word; keep O; energy read 30 pJ, write 30 pJ; bandwidth write 0.5 word/cycle }
  compute mac { energy 1 pJ }
}
network one {
  batch 5
  input x: 3
  a = linear(x, N = 7)
  output a
}
mapping written for one.a onto narrow {
  bits W = 8, I = 8, O = 8
  dram: for N 7, M 5, K 3
}
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QDSL_DEBUG", "1")
    path = tmp_path / "narrow.qdsl"
    path.write_text(SPEC)
    return str(path)


def answer(capsys: pytest.CaptureFixture[str], spec: str, *options: str) -> dict[str, Any]:
    assert main(["map", spec, "--format", "json", *options]) == 0
    (found,) = json.loads(capsys.readouterr().out)["results"]
    assert found["status"] == "optimal"
    return dict(found)


def test_the_front_runs_from_the_fastest_to_the_cheapest(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    padded = ("--imperfect", "padded")
    points = answer(capsys, spec, "--front", *padded)["points"]
    fastest = answer(capsys, spec, "--objective", "latency", *padded)
    cheapest = answer(capsys, spec, "--objective", "energy,latency", *padded)
    assert len(points) == 3
    assert (points[0]["cycles"], points[0]["energy_pj"]) == (fastest["cycles"], fastest["energy_pj"])
    assert (points[-1]["cycles"], points[-1]["energy_pj"]) == (cheapest["cycles"], cheapest["energy_pj"])
    for worse, better in zip(points[1:], points, strict=False):
        assert worse["cycles"] > better["cycles"]
        assert worse["energy_pj"] < better["energy_pj"]
        within = answer(capsys, spec, "--objective", f"energy within {worse['cycles'] - 1} cycles", *padded)
        assert within["energy_pj"] == better["energy_pj"]


def test_padding_uses_more_of_the_array(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    perfect = answer(capsys, spec, "--objective", "latency")
    padded = answer(capsys, spec, "--objective", "latency", "--imperfect", "padded")
    assert padded["cycles"] < perfect["cycles"] == padded["perfect_value"]
    assert padded["mapping_text"].startswith("imperfect padded\n")
    assert main(["map", spec, "--objective", "latency", "--imperfect", "padded"]) == 0
    assert "less latency than in perfect factors" in capsys.readouterr().out


def test_every_point_is_a_certificate(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    for options in (["--front"], ["--front", "--imperfect", "padded"]):
        assert main(["map", spec, *options, "--out", "front.json"]) == 0
        said = capsys.readouterr().out
        assert main(["verify", "front.json", "--prove"]) == 0
        told = capsys.readouterr().out
        assert said.count("cycles") - 1 <= told.count("no mapping is better: proved again")
        assert "everything that was checked holds" in told


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("imperfect", "", "SHA-256"),
        ("imperfect", "ruby", "no kind of imperfect factors"),
        ("objective", "luck", "luck"),
    ],
)
def test_a_changed_question_is_noticed(
    field: str, value: str, told: str, spec: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["map", spec, "--imperfect", "padded", "--out", "one.json"]) == 0
    data = json.loads(Path("one.json").read_text())
    data["answers"][0][field] = value
    Path("one.json").write_text(json.dumps(data))
    assert main(["verify", "one.json"]) == 1
    assert told in capsys.readouterr().err


def test_idle_iterations_are_no_padding(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", spec, "--objective", "latency", "--imperfect", "padded", "--out", "one.json"]) == 0
    data = json.loads(Path("one.json").read_text())
    mapping = data["answers"][0]["mapping"]
    assert mapping["imperfect"] == "padded"
    next(loop for _, loops in mapping["places"] for loop in loops)["factor"] += 1
    Path("one.json").write_text(json.dumps(data))
    assert main(["verify", "one.json"]) == 1
    assert "some of its iterations lie wholly past the sizes" in capsys.readouterr().err


def test_too_few_cycles_are_explained(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", spec, "--objective", "energy within 5 cycles"]) == 1
    told = capsys.readouterr().err
    assert "no mapping of `one.a` needs at most 5 cycles" in told
    assert "the fastest needs 210" in told


def test_a_time_limit_leaves_a_front_with_what_is_open(spec: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", spec, "--front", "--time-limit", "1e-9"]) == 1
    assert "not all was searched" in capsys.readouterr().out


@pytest.mark.parametrize("options", [(), ("--front",)])
def test_processes_give_the_same_answers(capsys: pytest.CaptureFixture[str], options: tuple[str, ...]) -> None:
    """All but the time they take."""
    example = str(data_dir("specs") / "examples" / "first.qdsl")
    found = []
    for workers in ("1", "2"):
        assert main(["map", example, "--study", "first", "--format", "json", "--workers", workers, *options]) == 0
        results = json.loads(capsys.readouterr().out)["results"]
        found.append([{k: v for k, v in result.items() if k != "seconds"} for result in results])
    assert found[0] == found[1] and len(found[0]) > 1
