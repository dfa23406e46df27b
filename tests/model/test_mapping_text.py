"""Mappings as qdsl text."""

from __future__ import annotations

from pathlib import Path

from qdsl.model.mapping import Mapping
from qdsl.model.mapping_text import format_mapping
from tests.support.small_study import MAPPING, small_model


def test_a_written_mapping_comes_back_with_places_below_each_other(tmp_path: Path) -> None:
    written = small_model(tmp_path, MAPPING).mappings[0]
    assert format_mapping(written.mapping, written.accelerator) == (
        "dram  : for N 2\nbuffer: for M 4, K 12\npe.x  : parallel N 4"
    )


def test_what_becomes_of_iterations_past_a_size_comes_first(tmp_path: Path) -> None:
    loops = "dram  : for N 3\nbuffer: for M 4, K 12\npe.x  : parallel N 3"
    text = MAPPING[: MAPPING.index("  dram")] + "imperfect partial\n" + loops + "\n}\n"
    written = small_model(tmp_path, text).mappings[0]
    assert written.mapping.imperfect == "partial"
    assert format_mapping(written.mapping, written.accelerator) == f"imperfect partial\n{loops}"


def test_a_mapping_without_loops_is_empty(tmp_path: Path) -> None:
    accelerator = small_model(tmp_path, MAPPING).accelerators[0]
    assert format_mapping(Mapping(tuple((p, ()) for p in accelerator.places)), accelerator) == ""
