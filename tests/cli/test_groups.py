"""`qdsl map` where layers share their spatial factors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qdsl.cli.app import main
from tests.support.small_study import HARDWARE, NETWORK, study_text


def spec(directory: Path, constrain: str) -> str:
    path = directory / "spec.qdsl"
    path.write_text(HARDWARE + NETWORK + study_text(constrain=constrain))
    return str(path)


def mapped(capsys: pytest.CaptureFixture[str], path: str, *options: str) -> dict[str, Any]:
    assert main(["map", path, "--format", "json", *options]) == 0
    return {x["layer"]: x for x in json.loads(capsys.readouterr().out)["results"]}


def spatial(answer: dict[str, Any]) -> dict[str, Any]:
    return {place: loops for place, loops in answer["mapping"].items() if place.startswith("pe.")}


def test_tied_layers_get_one_choice_that_is_best_for_the_sum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone = "every layer a { temporal regs none }; every layer b, c { spatial(pe.x, M) == 1 }"
    free = mapped(capsys, spec(tmp_path, alone))
    tied = mapped(capsys, spec(tmp_path, f"{alone}; same spatial for linear"))
    assert spatial(tied["a"]) == spatial(tied["b"]) == spatial(tied["c"])
    assert {x["status"] for x in tied.values()} == {"optimal"}
    assert sum(x["energy_pj"] for x in tied.values()) >= sum(x["energy_pj"] for x in free.values())
    only = mapped(capsys, spec(tmp_path, f"{alone}; same spatial for linear"), "--layer", "b")
    assert only["b"]["mapping"] == tied["b"]["mapping"]


def test_layers_without_a_common_choice_are_said_to_have_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = spec(
        tmp_path,
        "same spatial for linear; every layer a { spatial pe.x none }; every layer b, c { utilization(pe) == 1 }",
    )
    assert main(["map", path, "--layer", "a"]) == 1
    told = capsys.readouterr().err
    assert "no choice of spatial factors leaves each of `a`, `b`, `c` a legal mapping" in told


@pytest.mark.parametrize(
    "command", [["count"], ["check", "--feasibility"], ["map", "--objective", "latency"], ["run", "--out", "out"]]
)
def test_what_cannot_keep_the_tie_refuses_it(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    name, *options = command
    assert main([name, spec(tmp_path, "same spatial for linear"), *options]) == 1
    assert "error[Q0710]" in capsys.readouterr().err
