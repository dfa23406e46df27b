"""Mappings with imperfect factors through the commands that show written mappings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from qdsl.cli import main
from tests.support.small_study import HARDWARE, NETWORK


def spec(tmp_path: Path, imperfect: str) -> str:
    """Nine of N where the layer has eight: three times three."""
    path = tmp_path / "imperfect.qdsl"
    mapping = f"""
mapping three for mlp.a onto tiny {{
  bits W = 8, I = 8, O = 8
  imperfect {imperfect}
  dram: for N 3
  buffer: for M 4, K 12
  pe.x: parallel N 3
}}
"""
    path.write_text(HARDWARE + NETWORK + mapping)
    return str(path)


def evaluated(path: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    assert main(["eval", path, "--format", "json"]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_padding_is_counted_and_its_useful_share_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = evaluated(spec(tmp_path, "padded"), capsys)
    assert found["compute"]["operations"] == 4 * 12 * 9
    assert found["compute"]["useful"] == pytest.approx(8 / 9)
    assert found["levels"]["dram"]["tensors"]["O"]["updates"] == 4 * 9 // 2
    assert main(["eval", spec(tmp_path, "padded")]) == 0
    assert "88.9% of what they could do useful" in capsys.readouterr().out


def test_partial_iterations_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = evaluated(spec(tmp_path, "partial"), capsys)
    assert found["compute"]["operations"] == 4 * 12 * 8
    assert found["levels"]["dram"]["tensors"]["O"]["updates"] == 4 * 8 // 2
    assert found["levels"]["dram"]["tensors"]["W"]["reads"] == 4 * 12 * 8 // 2  # M 4 lies around K 12


@pytest.mark.parametrize("imperfect", ["padded", "partial"])
def test_both_kinds_are_explained(tmp_path: Path, imperfect: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = spec(tmp_path, imperfect)
    energy_pj = evaluated(path, capsys)["total"]["energy_pj"]
    assert main(["explain", path, "--format", "json"]) == 0
    assert json.dumps(energy_pj) in capsys.readouterr().out
    assert main(["explain", path]) == 0
    assert f"imperfect {imperfect}" in capsys.readouterr().out


def test_a_perfect_mapping_says_nothing_about_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = Path(spec(tmp_path, "padded"))
    path.write_text(
        path.read_text().replace("  imperfect padded\n", "").replace("for N 3", "for N 2").replace("l N 3", "l N 4")
    )
    assert main(["eval", str(path)]) == 0
    assert "useful" not in capsys.readouterr().out
