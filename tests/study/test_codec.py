"""Dataclasses as JSON and back."""

from __future__ import annotations

import json
from math import inf
from pathlib import Path

import pytest

from qdsl.mapper import Optimum
from qdsl.model.accelerator import FanOut, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.study import Study
from qdsl.study.codec import from_json, to_json
from tests.support.small_study import small_model, study_text

CONSTRAINTS = """
    spatial pe.x only N, K
    order buffer: M, K
    if bits(W) <= 3 then spatial(pe.x, K) >= 2 and not tile(regs, N) == 3
    utilization(pe) >= 25 %
"""


def test_a_study_with_every_kind_of_constraint_survives_json(tmp_path: Path) -> None:
    study = small_model(tmp_path, study_text(constrain=CONSTRAINTS)).studies[0]
    text = json.dumps(to_json(study))
    again = from_json(json.loads(text), Study)
    assert again == study
    assert [type(h) for h in again.accelerator.hierarchy] == [StorageLevel, StorageLevel, FanOut, StorageLevel]


def test_a_mapping_keeps_what_becomes_of_iterations_past_a_size() -> None:
    mapping = Mapping((("dram", (Loop("N", 3),)), ("pe.x", (Loop("N", 3),))), imperfect="partial")
    assert from_json(json.loads(json.dumps(to_json(mapping))), Mapping) == mapping


def test_source_positions_stay_out(tmp_path: Path) -> None:
    assert "span" not in json.dumps(to_json(small_model(tmp_path).studies[0]))


def test_infinity_is_a_string_in_json() -> None:
    dead = Optimum("infeasible", inf)
    assert to_json(dead)["energy_pj"] == "inf"
    assert from_json(to_json(dead), Optimum) == dead


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"energy_pj": "cheap"}, "Optimum.energy_pj: 'cheap' is not of type float"),
        ({"status": 3}, "Optimum.status: 3 is not of type str"),
        ({"energy_pj": True}, "Optimum.energy_pj: True is not of type float"),
    ],
)
def test_what_does_not_fit_is_named_with_its_place(change: dict[str, object], place: str) -> None:
    with pytest.raises(ValueError, match=place):
        from_json({**to_json(Optimum("optimal", 1.0)), **change}, Optimum)


def test_a_missing_field_and_an_unknown_kind_are_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="`status` is missing"):
        from_json({}, Optimum)
    data = to_json(small_model(tmp_path).studies[0])
    data["accelerator"]["hierarchy"][2]["is"] = "Wormhole"
    with pytest.raises(ValueError, match=r"Study.accelerator.hierarchy\[2\]: unknown kind 'Wormhole'"):
        from_json(data, Study)


def test_types_without_a_json_form_are_refused() -> None:
    with pytest.raises(TypeError, match="complex has no JSON form"):
        to_json(1j)
