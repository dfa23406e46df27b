"""How full memories and arrays are, and where the energy of each layer goes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from qdsl.model.mapping import Loop, Mapping
from qdsl.report.cube import cube
from qdsl.report.occupancy import meshes, occupancy
from qdsl.study.result import StudyRun


def test_occupancy_is_the_words_of_the_tiles(run: StudyRun) -> None:
    found = occupancy(run)
    detail = run.detail("chosen")
    assert found is not None and detail is not None
    sized = [x for x in run.study.accelerator.levels if x.all_partitions]
    assert found.memories == tuple(x.name for x in sized)
    for (name, cells), layer in zip(found.rows, detail.layers, strict=True):
        assert name == layer.name
        for level, cell in zip(sized, cells, strict=True):
            counts = dict(layer.evaluation.level(level.name).tensors)
            assert dict(cell.tensors) == {t: level.copies(t) * c.words for t, c in counts.items()}
            assert cell.used == sum(dict(cell.tensors).values()) <= cell.size == level.size_words
            assert 0 <= cell.share <= 1 and cell.text.startswith(f"{cell.used:,}".replace(",", "\u2009"))


def test_the_cells_add_up_to_the_energy_of_the_layers(run: StudyRun) -> None:
    found = cube(run)
    assert found is not None
    energies = {x.name: x.energy_pj for x in run.chosen_point.layers}
    for name, cells in found.rows:
        assert sum(c.energy_pj for c in cells) == pytest.approx(energies[name])
        assert all(sum(pj for _, pj in c.parts) in (0, pytest.approx(c.energy_pj)) for c in cells)


def test_without_mappings_there_is_nothing_to_show(run: StudyRun) -> None:
    stopped = replace(run, details=())
    assert occupancy(stopped) is None and cube(stopped) is None


def test_an_array_shows_the_instances_in_use(run: StudyRun) -> None:
    accelerator = run.study.accelerator
    (fan,) = accelerator.fanouts
    x, y = fan.places
    (picture,) = meshes(accelerator, Mapping(((x, (Loop("K", 2), Loop("C", 3))), (y, ()))))
    size = f"{fan.x * fan.y} instances in use"
    assert picture.label == f"{fan.name}: 6 of {size}; x: K 2, C 3 (6 of {fan.x}); y: one (1 of {fan.y})"
