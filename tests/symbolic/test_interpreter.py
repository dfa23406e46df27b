"""Symbolic counts against an interpreter that executes the loop nest, on random einsums, hierarchies and mappings."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from qdsl.interpreter import Interpretation, interpret
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, Port, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Operator, Problem
from qdsl.symbolic import evaluate, legality
from qdsl.symbolic.widths import fits_words
from tests.support.features import featured_cases
from tests.support.nests import nested_windows, nests
from tests.support.strategies import Case, mappings, tensor

RELAXED = [HealthCheck.too_slow, HealthCheck.data_too_large]
KINDS = ("words", "reads", "fills", "updates", "instances")

WINDOW = Operator(
    "window",
    ("P", "R"),
    (tensor("I", [("P", 1), ("R", 1)]), tensor("W", [("R", 1)], weight=True), tensor("O", [("P", 1)], output=True)),
    "sum",
)
ARRAY = FanOut("array", 4, 4)
UNIT = AccessEnergy(1.0, 1.0, 1.0)


def machine(*inside: FanOut | StorageLevel) -> Accelerator:
    """The backing store with something inside it; words of 8 bits, every access costs 1 pJ."""
    return Accelerator("machine", (StorageLevel("outer", 8, 1, None, None, UNIT), *inside), ComputeUnit("mac", 1.0))


def inner() -> StorageLevel:
    return StorageLevel("inner", 8, 1, 1024, None, UNIT)


def transposed(stride: int) -> Operator:
    """O[stride*p + r] += I[p] * W[r]."""
    output = tensor("O", [("P", stride), ("R", 1)], output=True)
    return Operator(
        "transposed", ("P", "R"), (tensor("I", [("P", 1)]), tensor("W", [("R", 1)], weight=True), output), "sum"
    )


def case(accelerator: Accelerator, operator: Operator, *sizes: int) -> Case:
    """Every tensor with 8 bits: one value per word."""
    return Case(accelerator, Problem(operator, sizes), {t.name: 8 for t in operator.tensors})


def nest(**loops: str) -> Mapping:
    """`nest(outer="P 2, R 3", array_x="P 2")`."""
    return Mapping(
        tuple(
            (place.replace("_", "."), tuple(Loop(d, int(f)) for d, f in (x.split() for x in text.split(", "))))
            for place, text in loops.items()
        )
    )


def executed(example: Case, mapping: Mapping) -> dict[tuple[str, str], tuple[int, ...]]:
    """(level, tensor) -> (words, reads, fills, updates, instances) as the interpreter counts them."""
    found = interpret(example.accelerator, example.problem, example.bits, mapping)
    return {key: tuple(getattr(c, kind) for kind in KINDS) for key, c in found.counts.items()}


def evaluated(example: Case, mapping: Mapping) -> dict[tuple[str, str], tuple[int, ...]]:
    """The same from the symbolic counts."""
    found = evaluate(example.accelerator, example.problem, example.bits, mapping)
    return {(x.name, t): tuple(getattr(c, kind) for kind in KINDS) for x in found.levels for t, c in x.tensors}


def check(example: Case, mapping: Mapping) -> None:
    """The same of a legal mapping, and its cycles without bandwidths."""
    accelerator, problem, bits = example.accelerator, example.problem, example.bits
    assert legality(accelerator, problem, bits, mapping, None) == []
    counted = agree(example, mapping)
    unlimited = tuple(
        replace(x, read_bandwidth=None, write_bandwidth=None) if isinstance(x, StorageLevel) else x
        for x in accelerator.hierarchy
    )
    assert evaluate(replace(accelerator, hierarchy=unlimited), problem, bits, mapping).cycles == counted.steps


def agree(example: Case, mapping: Mapping) -> Interpretation:
    """Every number of the symbolic evaluation is the one that execution counts, but for networks and leakage."""
    accelerator, problem, bits = example.accelerator, example.problem, example.bits
    assert evaluated(example, mapping) == executed(example, mapping)
    found, counted = evaluate(accelerator, problem, bits, mapping), interpret(accelerator, problem, bits, mapping)
    energies = {key: c.energy_pj for key, c in counted.counts.items()}
    assert {(x.name, t): c.energy_pj for x in found.levels for t, c in x.tensors} == pytest.approx(energies, rel=1e-12)
    rest_pj = found.leakage_pj + found.network_pj
    assert found.energy_pj == pytest.approx(counted.energy_pj + rest_pj, rel=1e-12)
    assert found.operations == counted.operations
    assert found.utilization * accelerator.compute_instances == pytest.approx(counted.compute_instances)
    # The stretch is in double precision, which can make the next cycle of a whole quotient.
    assert found.cycles - counted.cycles in (0, 1)
    return counted


@given(nests(max_operations=288))
@settings(max_examples=300, suppress_health_check=RELAXED)
def test_counts_are_what_execution_counts(drawn: tuple[Case, Mapping]) -> None:
    check(*drawn)


@pytest.mark.slow
@given(nests(max_operations=1500))
@settings(max_examples=2000, suppress_health_check=RELAXED)
def test_2000_more_counts_are_what_execution_counts(drawn: tuple[Case, Mapping]) -> None:
    check(*drawn)


@given(featured_cases(max_levels=3), st.data())
@settings(max_examples=200, suppress_health_check=RELAXED)
def test_counts_are_what_execution_counts_whatever_memories_can_state(example: Case, data: st.DataObject) -> None:
    """Dense words, widths by rule, ports, tiles that are there twice, tensors that are bypassed, rates of operations."""
    accelerator, problem, names = example.accelerator, example.problem, tuple(example.bits)
    assume(problem.operations <= 288)
    bandwidth = st.sampled_from([None, 0.1, 0.5, 2.0])
    parts = []
    for part in accelerator.hierarchy:
        if isinstance(part, StorageLevel):
            port = Port(data.draw(bandwidth), data.draw(bandwidth), frozenset({data.draw(st.sampled_from(names))}))
            ports = (port,) if data.draw(st.booleans()) else ()
            part = replace(part, ports=ports, read_bandwidth=data.draw(bandwidth), write_bandwidth=data.draw(bandwidth))
        parts.append(part)
    accelerator = replace(accelerator, hierarchy=tuple(parts))
    bypass = data.draw(st.sampled_from(list(accelerator.bypass_choices(names))))
    assume(fits_words(accelerator.resolved(bypass), problem, example.bits))
    mapping = replace(data.draw(mappings(accelerator, problem)), bypass=bypass)
    agree(replace(example, accelerator=accelerator), mapping)


def test_the_interpreter_counts_the_worked_example() -> None:
    """The example that qdsl/symbolic/README.md computes by hand."""
    found = executed(case(machine(inner()), WINDOW, 4, 3), nest(outer="P 2", inner="R 3, P 2"))
    assert found == {
        ("outer", "I"): (6, 6, 0, 0, 1),
        ("outer", "W"): (3, 3, 0, 0, 1),
        ("outer", "O"): (4, 0, 0, 4, 1),
        ("inner", "I"): (4, 12, 6, 0, 1),
        ("inner", "W"): (3, 12, 3, 0, 1),
        ("inner", "O"): (2, 8, 0, 12, 1),
    }


def test_the_interpreter_loads_partial_sums_that_return() -> None:
    """O[0], O[1] and again: two tiles come back, so two are filled, and at both levels two of the four updates find a sum."""
    found = executed(case(machine(inner()), WINDOW, 2, 2), nest(outer="R 2, P 2"))
    assert found["inner", "O"] == (1, 2, 2, 4, 1)
    assert found["outer", "O"] == (2, 2, 0, 4, 1)


def test_output_tiles_that_overlap_return_in_part() -> None:
    """O[2*p + r]: the tile of 2 p and 3 r has 5 values, O[0..4], then O[4..8]. One of the 10 written back returns: it is
    filled, and read where it is added to. Of the 12 products all but the first to each of 9 values find a sum."""
    example = case(machine(inner()), transposed(2), 4, 3)
    mapping = nest(outer="P 2", inner="R 3, P 2")
    assert executed(example, mapping)["inner", "O"] == (5, 3, 1, 12, 1)
    assert executed(example, mapping)["outer", "O"] == (9, 1, 0, 10, 1)
    check(example, mapping)


def test_output_tiles_have_gaps_where_nothing_is_added() -> None:
    """O[3*p + r] with p and r up to 1 is O[0..4] without O[2]: five values are written back, four have been added to."""
    example = case(machine(inner()), transposed(3), 2, 2)
    assert executed(example, nest(inner="P 2, R 2"))["inner", "O"] == (5, 0, 0, 4, 1)
    assert executed(example, nest(inner="P 2, R 2"))["outer", "O"] == (5, 0, 0, 5, 1)
    check(example, nest(inner="P 2, R 2"))


@pytest.mark.parametrize(("array", "updates"), [(ARRAY, 3), (replace(ARRAY, reduce=frozenset()), 4)])
def test_a_diagonal_is_reduced_at_once(array: FanOut, updates: int) -> None:
    """p + r is 0, 1, 1, 2 on a square of four instances; unless they are added on the way one of the values is read."""
    example = case(machine(array, inner()), transposed(1), 2, 2)
    mapping = nest(array_x="P 2", array_y="R 2")
    assert executed(example, mapping)["outer", "O"] == (3, updates - 3, 0, updates, 1)
    check(example, mapping)


def test_instances_work_on_pieces_of_the_output() -> None:
    """O[p + r], r up to 1. One instance has p = 0, 1, 2, 3 and fills what two neighbouring tiles share, 3 values. With p
    across an array the tiles of an instance, O[0..1] and O[2..3], lie apart; their parent still adds 8 updates to 5."""
    example = case(machine(ARRAY, inner()), transposed(1), 4, 2)
    assert executed(example, nest(outer="P 4", inner="R 2"))["inner", "O"] == (2, 3, 3, 8, 1)
    mapping = nest(outer="P 2", array_x="P 2", inner="R 2")
    assert executed(example, mapping)["inner", "O"] == (2, 0, 0, 4, 2)
    assert executed(example, mapping)["outer", "O"] == (5, 3, 0, 8, 1)
    check(example, mapping)


def test_the_interpreter_passes_tiles_on() -> None:
    """I[p + r] with r across the array and p in time: I[0], I[1]; then I[1] is passed on and I[2] read, and so on up to
    I[4]. Three values passed on by two instances make one read of each, besides its four for the compute unit."""
    row = replace(ARRAY, forward=frozenset("I"))
    mapping = nest(outer="P 4", array_x="R 2")
    found = executed(case(machine(row, inner()), WINDOW, 4, 2), mapping)
    assert found["outer", "I"] == (5, 5, 0, 0, 1)
    assert found["inner", "I"] == (1, 5, 4, 0, 2)
    check(case(machine(row, inner()), WINDOW, 4, 2), mapping)
    assert executed(case(machine(ARRAY, inner()), WINDOW, 4, 2), mapping)["outer", "I"] == (5, 8, 0, 0, 1)


def test_windows_that_overlap_in_place_slide_and_are_not_passed_on() -> None:
    """I[0..2] slides to I[2..4], which the neighbour has, and that one to I[4..6]: each fetches its two new values."""
    row = case(machine(replace(ARRAY, forward=frozenset("I")), inner()), WINDOW, 4, 4)
    mapping = nest(outer="P 2", array_x="R 2", inner="P 2, R 2")
    assert executed(row, mapping)["outer", "I"] == (7, 10, 0, 0, 1)
    assert executed(row, mapping)["inner", "I"] == (3, 8, 5, 0, 2)
    check(row, mapping)


@pytest.mark.parametrize(
    ("array", "reads"),
    [(ARRAY, 3), (replace(ARRAY, separate_diagonals=True), 4), (replace(ARRAY, multicast=frozenset("W")), 4)],
)
def test_the_interpreter_serves_a_diagonal_at_once(array: FanOut, reads: int) -> None:
    """p + r is 0, 1, 1, 2 on a square of four instances."""
    found = executed(case(machine(array, inner()), WINDOW, 2, 2), nest(array_x="P 2", array_y="R 2"))
    assert found["outer", "I"][1] == reads
    check(case(machine(array, inner()), WINDOW, 2, 2), nest(array_x="P 2", array_y="R 2"))


def test_what_is_passed_on_counts_by_tiles_not_by_the_instances_that_share_them() -> None:
    """I[p + r + t]: six instances hold four different tiles. At each of 6 steps three of these are there already, so a child
    passes on floor(18 / 4) = 4 values, besides reading its 7 for the compute unit."""
    example = case(machine(replace(ARRAY, forward=frozenset("I")), inner()), nested_windows(stride=1), 7, 2, 3)
    mapping = nest(outer="P 7", array_x="R 2", array_y="T 3")
    assert executed(example, mapping)["inner", "I"][1] == 7 + 4
    check(example, mapping)


def test_an_array_without_multicast_reads_no_tile_twice() -> None:
    """I[2*p + r + t] moves by 2, neighbours are 1 apart: nothing is passed on, so 2 visits x 4 instances are 8 reads."""
    array = replace(ARRAY, forward=frozenset("I"), multicast=frozenset())
    example = case(machine(array, inner()), nested_windows(stride=2), 2, 2, 2)
    mapping = nest(outer="P 2", array_x="R 2", array_y="T 2")
    assert executed(example, mapping)["outer", "I"][1] == 8
    check(example, mapping)
