"""A mapping whose tensors have their places together is counted as what it is; one that takes them apart by hand."""

from __future__ import annotations

from itertools import islice

import pytest

from qdsl.mapper import best_mapping
from qdsl.mapspace import sample_mappings
from qdsl.model import load
from qdsl.model.accelerator import Accelerator
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.resources import data_dir
from qdsl.symbolic import evaluate
from tests.peers import accelforge_search
from tests.peers.own_places import Nest, Stored, Turn, evaluate_nest
from tests.support.strategies import conv1d, matmul

BITS = {"I": 16, "W": 16, "O": 16}


def machine() -> Accelerator:
    return load(data_dir("specs") / "accelerators" / "three_level.qdsl").accelerators[0]


def nest_of(accelerator: Accelerator, mapping: Mapping) -> Nest:
    nest: list[Stored | Turn] = []
    for place in accelerator.places:
        fanout, _, axis = place.partition(".")
        if not axis:
            nest += (Stored(fanout, tensor) for tensor in "IWO")
        nest += (Turn(x.dim, x.factor, axis) for x in mapping.loops(place))
    return nest


@pytest.mark.parametrize(
    "problem", [Problem(matmul(), (8, 12, 6)), Problem(conv1d(), (4, 6, 8, 3))], ids=["mm", "conv"]
)
def test_places_that_are_together_are_counted_as_before(problem: Problem) -> None:
    for mapping in islice(sample_mappings(machine(), problem, BITS, seed=1), 30):
        found = evaluate_nest(machine(), problem, BITS, nest_of(machine(), mapping))
        plain = evaluate(machine(), problem, BITS, mapping)
        assert found.energy_pj == pytest.approx(plain.energy_pj, rel=1e-12)
        assert found.cycles == plain.cycles


def outer_loops(held: str) -> Nest:
    """A product of 4 x 4 x 4 whose buffer takes in the loop over K for one tensor only."""
    others = [t for t in "IWO" if t != held]
    return [
        *(Stored("dram", t) for t in "IWO"),
        Turn("M", 4),
        Stored("buffer", held),
        Turn("K", 4),
        *(Stored("buffer", t) for t in others),
        *(Stored("registers", t) for t in "IWO"),
        Turn("N", 4),
    ]


def test_a_tensor_with_a_place_of_its_own_is_moved_less_often() -> None:
    """Weights that the buffer holds whole are read once; with a place inside the loop over K they are read for every M."""
    problem = Problem(matmul(), (4, 4, 4))
    own, together = (evaluate_nest(machine(), problem, BITS, outer_loops(t)) for t in "WI")
    assert [x.level("dram").tensor("W").reads for x in (own, together)] == [16, 64]


def test_what_is_no_mapping_is_refused() -> None:
    problem = Problem(matmul(), (4, 4, 8))
    with pytest.raises(ValueError, match="the factors of K make 4, not 8"):
        evaluate_nest(machine(), problem, BITS, outer_loops("O"))
    large = Problem(matmul(), (4, 1024, 4))
    nest = [Turn("N", 1024) if x == Turn("N", 4) else x for x in outer_loops("O")]
    with pytest.raises(ValueError, match="do not fit registers"):
        evaluate_nest(machine(), large, BITS, nest)


def test_zigzag_finds_a_mapping_that_is_not_below_the_optimum() -> None:
    pytest.importorskip("zigzag.stages.main", reason="needs ZigZag: pip install '.[peers]'", exc_type=ImportError)
    from tests.peers.zigzag_search import search

    problem = Problem(matmul(), (16, 16, 16))
    nest = search(machine(), problem, BITS).nest
    assert nest is not None
    its = evaluate_nest(machine(), problem, BITS, nest)
    least = best_mapping(machine(), problem, BITS).energy_pj
    assert least is not None
    assert its.energy_pj >= least * (1 - 1e-9)


def test_accelforge_finds_a_mapping_that_is_not_below_the_optimum() -> None:
    python = accelforge_search.interpreter()
    if python is None:
        pytest.skip(f"needs AccelForge, here or in the interpreter that {accelforge_search.VARIABLE} names")
    problem = Problem(matmul(), (16, 16, 16))
    nest = accelforge_search.search(machine(), problem, BITS, python).nest
    assert nest is not None
    its = evaluate_nest(machine(), problem, BITS, nest)
    least = best_mapping(machine(), problem, BITS).energy_pj
    assert least is not None
    assert its.energy_pj >= least * (1 - 1e-9)
