"""Counts of a study: those of every layer over its widths, and without each constraint; what is known is not counted again."""

from __future__ import annotations

from pathlib import Path

from qdsl.mapspace import count_mappings
from qdsl.model.study import Study
from qdsl.study.legal import count_legal
from qdsl.study.result import LegalCounts
from qdsl.study.store import Store
from tests.support.small_study import small_model, study_text

CONSTRAIN = "spatial pe.x only N; temporal regs only K, N; every linear { temporal buffer only M, K }"


def small_study(directory: Path, constrain: str = CONSTRAIN, widths: str = "2..4") -> Study:
    (study,) = small_model(directory, study_text(constrain=constrain, widths=widths)).studies
    return study


def counted(study: Study, directory: Path, limit_s: float = 60.0) -> LegalCounts:
    with Store(directory / "store.sqlite") as store:
        return count_legal(study, store, limit_s)


def test_every_layer_is_counted_at_all_its_widths(tmp_path: Path) -> None:
    study = small_study(tmp_path)
    counts = counted(study, tmp_path)
    # they differ: a reads 12 values where b reads 8, and c writes the network's outputs of 8 bits
    assert [x.layers for x in counts.layers] == [("a",), ("b",), ("c",)]
    for x in counts.layers:
        problem = study.network.layer(x.layers[0]).problem
        assert len(x.grid.bits) == 9
        for bits, n in zip(x.grid.bits, x.mappings, strict=True):
            assert n == count_mappings(study.accelerator, problem, dict(bits), study.constraints).mappings


def test_each_constraint_is_left_out_once_at_both_ends_of_the_widths(tmp_path: Path) -> None:
    study = small_study(tmp_path)
    counts = counted(study, tmp_path)
    assert counts.widths == ("widest", "narrowest")
    for i, width in enumerate((4, 2)):
        bits = {x.name: {"I": width, "W": width, "O": 8 if x.name == "c" else width} for x in study.network.layers}

        def total(*kept: int, bits: dict[str, dict[str, int]] = bits) -> int:
            constraints = [study.constraints[k] for k in kept]
            layers = study.network.layers
            return sum(count_mappings(study.accelerator, x.problem, bits[x.name], constraints).mappings for x in layers)

        assert counts.legal[i] == total(0, 1, 2)
        assert counts.free[i] == total()
        assert [without[i] for without in counts.without] == [total(1, 2), total(0, 2), total(0, 1)]
    assert counts.legal[1] > counts.legal[0] > 0


def test_equal_widths_have_one_end(tmp_path: Path) -> None:
    counts = counted(small_study(tmp_path, "", "4"), tmp_path)
    assert (counts.widths, counts.without) == (("widest",), ())
    assert counts.legal == counts.free


def test_layers_that_are_late_are_named_and_in_no_sum(tmp_path: Path) -> None:
    counts = counted(small_study(tmp_path), tmp_path, limit_s=1e-9)
    why = "the 1e-09 s allowed for all counts were over"
    assert (counts.layers, counts.uncounted) == ((), (("a", why), ("b", why), ("c", why)))
    assert counts.legal == counts.free == (0, 0)


def test_known_counts_need_no_time(tmp_path: Path) -> None:
    study = small_study(tmp_path)
    first = counted(study, tmp_path)
    again = counted(study, tmp_path, limit_s=0.0)
    assert (again.layers, again.legal, again.without) == (first.layers, first.legal, first.without)
    other = small_study(tmp_path, CONSTRAIN.replace("only N", "only M"))
    assert [name for name, _ in counted(other, tmp_path, limit_s=0.0).uncounted] == ["a", "b", "c"]


def test_the_order_of_constraints_is_that_of_the_study(tmp_path: Path) -> None:
    first, *others = CONSTRAIN.split("; ")
    counts = counted(small_study(tmp_path), tmp_path)
    turned = counted(small_study(tmp_path, "; ".join([*others, first])), tmp_path)
    assert turned.legal == counts.legal
    assert turned.without == (*counts.without[1:], counts.without[0]) != counts.without
