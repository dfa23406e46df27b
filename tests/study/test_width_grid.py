"""Which widths of a layer make a table."""

from __future__ import annotations

from pathlib import Path

from qdsl.model import load
from qdsl.model.study import Study
from qdsl.resources import data_dir
from qdsl.study.width_grid import WidthGrid, width_grid
from tests.support.small_study import small_model, study_text


def grid_of(study: Study, layer: str) -> WidthGrid:
    return width_grid(study, study.network.layer(layer))


def small_study(directory: Path, statement: str = "") -> Study:
    text = study_text().replace("output 8 bit", f"output 8 bit\n    {statement}")
    (study,) = small_model(directory, text).studies
    return study


def test_activations_go_down_weights_across_and_the_output_follows(tmp_path: Path) -> None:
    grid = grid_of(small_study(tmp_path), "a")
    assert (grid.down, grid.across, grid.follow) == ("I", "W", (("O", "as I"),))
    assert (grid.rows, grid.columns) == ((2, 3, 4), (2, 3, 4))
    assert [dict(bits) for bits in grid.bits] == [{"I": i, "W": w, "O": i} for i in (2, 3, 4) for w in (2, 3, 4)]
    assert grid.cells("abcdefghi") == [(2, ("a", "b", "c")), (3, ("d", "e", "f")), (4, ("g", "h", "i"))]


def test_an_output_that_may_not_follow_has_its_widest(tmp_path: Path) -> None:
    assert grid_of(small_study(tmp_path), "c").follow == (("O", "8"),)
    study = small_study(tmp_path, "layer b: activations = 3")
    assert grid_of(study, "a").follow == (("O", "3"),)
    assert grid_of(study, "b").rows == (3,)


def test_a_layer_without_weights_has_one_cell_per_row() -> None:
    (study,) = load(data_dir("specs") / "studies" / "mobilenet_v1_eyeriss.qdsl").studies
    grid = grid_of(study, "mean")
    assert (grid.across, grid.columns, grid.rows) == ("", (), tuple(range(2, 9)))
    assert grid.cells(range(7)) == [(i + 2, (i,)) for i in range(7)]
