"""What the studies of the published runs say to type."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import pytest

from qdsl.cli import main
from qdsl.resources import data_dir
from tests.published.figures import ALEXNET_EDP, MOBILENET_LAYERS, NATIVE


def answer(spec: str, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    """Of the command in the comment at the top of a study; `more`: further arguments."""
    path = data_dir("specs") / "studies" / f"{spec}.qdsl"
    comment = re.sub(r"\n// ?", " ", path.read_text(encoding="utf-8").partition("\n\n")[0])
    (command,) = re.findall(r"`qdsl (map FILE [^`]+)`", comment)
    assert main([*shlex.split(command.replace("FILE", str(path))), "--format", "json", *more]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_first_layer_of_alexnet(capsys: pytest.CaptureFixture[str]) -> None:
    published = ALEXNET_EDP[NATIVE][0]
    found = answer("alexnet_2023", capsys)
    assert (found["status"], found["cycles"]) == ("optimal", published.cycles)
    assert found["value"] / 1e12 == pytest.approx(published.edp, rel=1e-5)


def test_the_first_layer_of_mobilenet(capsys: pytest.CaptureFixture[str]) -> None:
    published = MOBILENET_LAYERS["eyeriss_16", 4]["stem"]
    found = answer("mobilenet_v1_2023", capsys, "--layer", "stem")
    assert (found["status"], found["cycles"]) == ("optimal", published.cycles)
    assert found["energy_pj"] / 1e6 == pytest.approx(published.energy_uj, rel=1e-5)


def test_the_first_layer_of_vgg1(capsys: pytest.CaptureFixture[str]) -> None:
    """Three input channels leave a quarter of the lanes idle."""
    found = answer("vgg1_2023", capsys)
    assert (found["status"], found["cycles"]) == ("optimal", 3 * 64 * 224 * 224 * 9 // 192)
