"""Nests whose factors make more than the sizes: against the interpreter, against the padded problem, and by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, event, given, settings

from qdsl.interpreter import interpret
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.mapping import Loop, Mapping
from qdsl.model.operator import Operator, Problem
from qdsl.symbolic import evaluate, legality
from qdsl.symbolic.nest import nest_of
from qdsl.symbolic.partial import obstacles, totals
from tests.support.imperfect import imperfect_nests
from tests.support.nests import nests
from tests.support.strategies import Case, conv1d, matmul, tensor, transposed_conv

RELAXED = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
KINDS = ("words", "reads", "fills", "updates", "instances")
UNIT = AccessEnergy(1.0, 1.0, 1.0)
WINDOW = Operator(
    "window",
    ("P", "R"),
    (tensor("I", [("P", 1), ("R", 1)]), tensor("W", [("R", 1)], weight=True), tensor("O", [("P", 1)], output=True)),
    "sum",
)
ARRAY = FanOut("array", 8, 8)

Counts = dict[tuple[str, str], tuple[int, ...]]


def machine(*inside: FanOut | StorageLevel) -> Accelerator:
    """The backing store with something inside it; words of 8 bits, every access costs 1 pJ."""
    return Accelerator("machine", (StorageLevel("outer", 8, 1, None, None, UNIT), *inside), ComputeUnit("mac", 1.0))


def inner(words: int = 1024) -> StorageLevel:
    return StorageLevel("inner", 8, 1, words, None, UNIT)


def nest(imperfect: str = "partial", **loops: str) -> Mapping:
    """`nest(outer="P 2, R 3", array_x="P 2")`."""
    places = (
        (place.replace("_", "."), tuple(Loop(d, int(f)) for d, f in (x.split() for x in text.split(", "))))
        for place, text in loops.items()
    )
    return Mapping(tuple(places), imperfect=imperfect)


def example(accelerator: Accelerator, operator: Operator, *sizes: int) -> Case:
    """Every tensor with 8 bits: one value per word."""
    return Case(accelerator, Problem(operator, sizes), {t.name: 8 for t in operator.tensors})


def counted(case: Case, mapping: Mapping) -> Counts:
    """(level, tensor) -> (words, reads, fills, updates, instances), by formulas that agree with the interpreter."""
    check(case, mapping)
    found = evaluate(case.accelerator, case.problem, case.bits, mapping)
    return {(x.name, t): tuple(getattr(c, kind) for kind in KINDS) for x in found.levels for t, c in x.tensors}


def summed(case: Case, mapping: Mapping) -> dict[tuple[str, str], tuple[int, int, int]]:
    """(level, tensor) -> values read, filled and updated by all instances."""
    hierarchy = case.accelerator.hierarchy
    loops = nest_of(case.accelerator, case.problem, mapping)
    found = {}
    for t in case.problem.operator.tensors:
        kept = [i for i, x in enumerate(hierarchy) if isinstance(x, StorageLevel) and x.keeps(t.name)]
        fills = 0
        for parent, child in zip(kept, [*kept[1:], loops.compute_item], strict=True):
            moved = totals(loops, t, child, parent)
            found[hierarchy[parent].name, t.name] = moved.reads, fills, moved.updates
            fills = moved.fills
    return found


def check(case: Case, mapping: Mapping) -> None:
    """Every number is the one that execution counts, before and after rounding to instances and words."""
    accelerator, problem, bits = case.accelerator, case.problem, case.bits
    found, executed = evaluate(accelerator, problem, bits, mapping), interpret(accelerator, problem, bits, mapping)
    assert summed(case, mapping) == {key: c.totals for key, c in executed.counts.items()}
    assert {(x.name, t): tuple(getattr(c, kind) for kind in KINDS) for x in found.levels for t, c in x.tensors} == {
        key: tuple(getattr(c, kind) for kind in KINDS) for key, c in executed.counts.items()
    }
    energies = {key: c.energy_pj for key, c in executed.counts.items()}
    assert {(x.name, t): c.energy_pj for x in found.levels for t, c in x.tensors} == pytest.approx(energies, rel=1e-12)
    assert found.energy_pj == pytest.approx(executed.energy_pj, rel=1e-12)
    assert found.operations == executed.operations
    assert found.compute_cycles == executed.steps
    assert found.utilization * accelerator.compute_instances == pytest.approx(executed.compute_instances)
    assert found.useful == pytest.approx(executed.operations / (executed.steps * executed.compute_instances))
    # The stretch is in double precision, which can make the next cycle of a whole quotient.
    assert found.cycles - executed.cycles in (0, 1)


def agree(drawn: tuple[Case, Mapping]) -> None:
    case, mapping = drawn
    findings = legality(case.accelerator, case.problem, case.bits, mapping, None)
    event(" ".join({f.code for f in findings}) or "counted")
    assert {f.code for f in findings} <= {"Q0610"}
    if not findings:
        check(case, mapping)


@given(imperfect_nests(max_operations=150))
@settings(max_examples=300, suppress_health_check=RELAXED)
def test_partial_counts_are_what_execution_counts(drawn: tuple[Case, Mapping]) -> None:
    agree(drawn)


@pytest.mark.slow
@given(imperfect_nests(max_operations=600))
@settings(max_examples=1200, suppress_health_check=RELAXED)
def test_2000_more_partial_counts_are_what_execution_counts(drawn: tuple[Case, Mapping]) -> None:
    agree(drawn)


@given(nests(max_operations=2000))
@settings(max_examples=120, suppress_health_check=RELAXED)
def test_a_perfect_mapping_counts_the_same_either_way(drawn: tuple[Case, Mapping]) -> None:
    case, mapping = drawn
    accelerator, problem, bits = case.accelerator, case.problem, case.bits
    partial = replace(mapping, imperfect="partial")
    if not list(obstacles(nest_of(accelerator, problem, partial))):
        assert evaluate(accelerator, problem, bits, partial) == evaluate(accelerator, problem, bits, mapping)


@given(imperfect_nests(max_operations=2000))
@settings(max_examples=120, suppress_health_check=RELAXED)
def test_a_padded_mapping_is_that_of_the_padded_problem(drawn: tuple[Case, Mapping]) -> None:
    case, mapping = drawn
    accelerator, problem, bits = case.accelerator, case.problem, case.bits
    larger = Problem(problem.operator, tuple(mapping.covered(d) for d in problem.operator.dims))
    padded, perfect = replace(mapping, imperfect="padded"), replace(mapping, imperfect="")
    found = evaluate(accelerator, problem, bits, padded)
    assert replace(found, useful=1.0) == evaluate(accelerator, larger, bits, perfect)
    useful = evaluate(accelerator, larger, bits, perfect).operations * found.useful
    assert useful == pytest.approx(evaluate(accelerator, problem, bits, mapping).operations)


def test_the_example_of_the_readme() -> None:
    """O[p] += I[p + r] * W[r] with P = 5 in three tiles of two, the last of one."""
    case = example(machine(inner()), WINDOW, 5, 3)
    loops = {"outer": "P 3", "inner": "R 3, P 2"}
    assert counted(case, nest(**loops)) == {
        ("outer", "I"): (7, 7, 0, 0, 1),
        ("outer", "W"): (3, 3, 0, 0, 1),
        ("outer", "O"): (5, 0, 0, 5, 1),
        ("inner", "I"): (4, 15, 7, 0, 1),
        ("inner", "W"): (3, 15, 3, 0, 1),
        ("inner", "O"): (2, 10, 0, 15, 1),
    }
    partial = evaluate(case.accelerator, case.problem, case.bits, nest(**loops))
    padded = evaluate(case.accelerator, case.problem, case.bits, nest("padded", **loops))
    assert (partial.operations, partial.cycles, partial.useful) == (15, 15, 1.0)
    assert (padded.operations, padded.cycles, padded.useful) == (18, 18, 15 / 18)
    assert padded.level("inner").tensor("I").fills == 8


def test_instances_that_rest_lower_the_mean() -> None:
    """P = 5 on two instances in three steps: the second one rests in the last step."""
    case = example(machine(ARRAY, inner()), WINDOW, 5, 1)
    mapping = nest(outer="P 3", array_x="P 2")
    assert counted(case, mapping)["inner", "O"] == (1, 0, 0, 3, 2)  # 5 updates by 2 instances
    found = evaluate(case.accelerator, case.problem, case.bits, mapping)
    assert (found.operations, found.cycles, found.useful) == (5, 3, 5 / 6)


def test_instances_that_never_work_are_not_used() -> None:
    """P = 3 in two branches of two: the last of the four has nothing to do."""
    case = example(machine(ARRAY, replace(ARRAY, name="lane"), inner()), WINDOW, 3, 1)
    assert counted(case, nest(array_x="P 2", lane_x="P 2"))["inner", "O"][-1] == 3


def test_a_loop_with_one_iteration_left_is_still_a_loop() -> None:
    """W[m] with M = 3 in a loop of two around N around another of two. At the last m the inner loop over M has one iteration
    left, so W[2] is the same for both n; it is fetched for each of them like the others."""
    operator = Operator(
        "scale",
        ("M", "N"),
        (tensor("W", [("M", 1)], weight=True), tensor("O", [("M", 1)], [("N", 1)], output=True)),
        "none",
    )
    middle = StorageLevel("middle", 8, 1, 64, frozenset("O"), UNIT)
    found = counted(example(machine(middle, inner()), operator, 3, 2), nest(outer="M 2, N 2", middle="M 2"))
    assert found["inner", "W"][2] == 6


@pytest.mark.parametrize(("size", "reads"), [(4, 3 + 3), (3, 3 + 2)])
def test_a_diagonal_of_which_a_part_rests(size: int, reads: int) -> None:
    """p + r is 0, 1, 1, 2 on a square of four instances, 2 and 3 where only one p is left."""
    case = example(machine(ARRAY, inner()), WINDOW, size, 2)
    assert counted(case, nest(outer="P 2", array_x="P 2", array_y="R 2"))["outer", "I"][1] == reads


def test_tiles_on_a_diagonal_that_end_differently_are_read_apart() -> None:
    """P = 5 as two instances of 3, R = 3 as two of 2: at p 3, r 0 the tile is I[3..5), at p 0, r 2 it is I[2..5)."""
    case = example(machine(ARRAY, inner()), WINDOW, 5, 3)
    found = counted(case, nest(array_x="P 2", array_y="R 2", inner="P 3, R 2"))
    assert found["outer", "I"][1] == 4 + 3 + 3 + 2


def test_sizes_of_a_million_are_counted_at_once() -> None:
    case = example(machine(replace(ARRAY, y=9), inner(2 * 10**6)), conv1d(2), 1_000_003, 999_983, 1_000_033, 7)
    mapping = nest(outer="K 1000003, P 142862", array_x="P 7", array_y="C 3, R 3", inner="C 333328, R 3")
    assert legality(case.accelerator, case.problem, case.bits, mapping, None) == []
    found = evaluate(case.accelerator, case.problem, case.bits, mapping)
    assert found.operations == 1_000_003 * 999_983 * 1_000_033 * 7
    assert found.level("outer").tensor("O").updates == 1_000_003 * 1_000_033
    assert found.level("outer").tensor("W").reads == 1_000_003 * 999_983 * 7


def test_the_largest_tile_must_fit() -> None:
    """Two loops of 2 over P = 3: no tile has more than 3."""
    case = example(machine(inner(3 + 1 + 3)), WINDOW, 3, 1)
    assert legality(case.accelerator, case.problem, case.bits, nest(inner="P 2, P 2"), None) == []
    padded = legality(case.accelerator, case.problem, case.bits, nest("padded", inner="P 2, P 2"), None)
    assert [d.code for d in padded] == ["Q0607"]


def test_tiles_that_are_passed_on_are_refused() -> None:
    row = replace(ARRAY, forward=frozenset("I"))
    case = example(machine(row, inner()), WINDOW, 5, 3)
    (finding,) = legality(
        case.accelerator, case.problem, case.bits, nest(outer="P 3", array_x="R 2", inner="P 2, R 2"), None
    )
    assert finding.code == "Q0610"
    assert "`array` passes tiles of `I` on" in finding.message
    assert "`imperfect padded`" in finding.helps[0]


def test_outputs_that_overlap_are_refused_where_they_are_cut() -> None:
    case = example(machine(inner()), transposed_conv(2), 1, 3, 5, 3)
    cut, whole = nest(outer="P 3, C 3", inner="P 2, R 3"), nest(outer="P 5, C 2", inner="C 2, R 3")
    (finding,) = legality(case.accelerator, case.problem, case.bits, cut, None)
    assert finding.code == "Q0610"
    assert "tiles of `O` overlap along `P`" in finding.message
    assert legality(case.accelerator, case.problem, case.bits, whole, None) == []
    check(case, whole)


def test_padding_costs_more_than_leaving_it_out() -> None:
    case = example(machine(ARRAY, inner()), matmul(), 7, 5, 9)
    loops = {"outer": "M 4, K 5", "array_x": "N 3", "array_y": "M 2", "inner": "N 2, K 2"}
    partial, padded = (
        evaluate(case.accelerator, case.problem, case.bits, nest(kind, **loops)) for kind in ("partial", "padded")
    )
    assert (partial.operations, padded.operations) == (7 * 5 * 9, 8 * 6 * 10)
    assert partial.energy_pj < padded.energy_pj
    assert partial.useful > padded.useful
