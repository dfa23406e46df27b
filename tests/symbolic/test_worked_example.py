"""The example computed by hand in qdsl/symbolic/README.md."""

from __future__ import annotations

from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Operator, Problem
from qdsl.symbolic import evaluate, legality
from tests.support.strategies import tensor

OPERATOR = Operator(
    "conv",
    ("P", "R"),
    (tensor("I", [("P", 1), ("R", 1)]), tensor("W", [("R", 1)], weight=True), tensor("O", [("P", 1)], output=True)),
    "sum",
)
MACHINE = Accelerator(
    "two_levels",
    (
        StorageLevel("dram", 8, 1, None, None, AccessEnergy(100.0, 100.0, 100.0)),
        StorageLevel("buffer", 8, 1, 9, None, AccessEnergy(1.0, 2.0, 3.0)),
    ),
    ComputeUnit("mac", 0.5),
)
PROBLEM = Problem(OPERATOR, (4, 3))
MAPPING = Mapping((("dram", (Loop("P", 2),)), ("buffer", (Loop("R", 3), Loop("P", 2)))))
BITS = {"I": 8, "W": 8, "O": 8}


def test_the_counts_are_those_of_the_readme() -> None:
    found = evaluate(MACHINE, PROBLEM, BITS, MAPPING)
    counts = {
        (level.name, name): (c.words, c.reads, c.fills, c.updates)
        for level in found.levels
        for name, c in level.tensors
    }
    assert counts == {
        ("dram", "I"): (6, 6, 0, 0),
        ("dram", "W"): (3, 3, 0, 0),
        ("dram", "O"): (4, 0, 0, 4),
        ("buffer", "I"): (4, 12, 6, 0),
        ("buffer", "W"): (3, 12, 3, 0),
        ("buffer", "O"): (2, 8, 0, 12),
    }
    assert found.cycles == 12
    assert found.compute_energy_pj == 6.0
    dram, buffer = (6 + 3 + 4) * 100.0, (12 + 12 + 8) * 1.0 + (6 + 3) * 2.0 + 12 * 3.0
    assert found.energy_pj == 6.0 + dram + buffer


def test_nine_words_are_just_enough() -> None:
    assert legality(MACHINE, PROBLEM, BITS, MAPPING, None) == []
    whole = Mapping((("dram", ()), ("buffer", (Loop("R", 3), Loop("P", 4)))))
    (finding,) = legality(MACHINE, PROBLEM, BITS, whole, None)
    assert finding.code == "Q0607"
    assert "need 13 words, its capacity is 9" in finding.message
