"""How objectives are written and compared."""

from __future__ import annotations

import numpy as np
import pytest

from qdsl.mapper import Objective
from qdsl.mapper.objective import Costs, Quantity


@pytest.mark.parametrize("text", ["energy", "latency", "edp", "accesses,energy", "energy within 4096 cycles"])
def test_an_objective_is_read_back_from_its_text(text: str) -> None:
    assert str(Objective.parse(text)) == text


def test_blanks_do_not_matter() -> None:
    assert Objective.parse("accesses , energy within 12") == Objective((Quantity.ACCESSES, Quantity.ENERGY), 12)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("speed", "`speed` is none of energy, latency, edp, accesses"),
        ("energy,energy", "`energy,energy` names a quantity twice"),
        ("energy within ten cycles", "`ten cycles` is no number of cycles"),
        ("energy within 0 cycles", "`0 cycles` is no number of cycles"),
        ("", "`` is none of energy, latency, edp, accesses"),
    ],
)
def test_what_is_no_objective(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        Objective.parse(text)
    assert str(error.value) == problem


def costs(energy_pj: list[float], cycles: list[float]) -> Costs:
    return Costs(np.array(energy_pj), np.array(cycles), np.zeros(len(cycles)))


def test_the_second_quantity_decides_among_those_with_the_least_first() -> None:
    latency = Objective.LATENCY
    assert latency.compared == (Quantity.LATENCY, Quantity.ENERGY)
    assert latency.better(costs([9, 4, 5, 1], [7, 8, 8, 9]), (8, 5.0)).tolist() == [True, True, False, False]


def test_what_differs_by_rounding_is_not_better() -> None:
    assert Objective.ENERGY.better(costs([5 - 1e-12, 5 - 1e-6], [1, 1]), (5.0,)).tolist() == [False, True]


def test_mappings_beyond_the_given_cycles_do_not_count() -> None:
    within = Objective.parse("energy within 8 cycles")
    assert within.better(costs([1, 2], [9, 8]), None).tolist() == [False, True]
