"""Counts equal enumeration on small spaces and are zero exactly when Z3 finds none (published ones: tests/published)."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, permutations, product
from math import comb, factorial, prod

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from qdsl.diagnostics import SpecError
from qdsl.mapspace import Counts, count_batch, count_mappings, feasible
from qdsl.mapspace.demands import mentions
from qdsl.mapspace.loop_orders import order_at, order_count
from qdsl.mapspace.violations import order_holds
from qdsl.model import load
from qdsl.model.accelerator import Accelerator, AccessEnergy, ComputeUnit, FanOut, StorageLevel
from qdsl.model.constraint import Bits, Constant, Factor, Operation, Order, Require, Scope, TileExtent, Utilization
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.model.study import Study
from qdsl.resources import data_dir
from qdsl.symbolic import evaluate, legality
from tests.mapspace.strategies import ConstrainedCase, constrained_cases, every_mapping, is_legal
from tests.support.brute_force import all_mappings
from tests.support.order_classes import order_class, placement
from tests.support.strategies import Case, cases, conv1d, matmul

LIMIT = 1500
NONE = Counts(0, 0, 0)
ENERGY = AccessEnergy(1, 1, 1)
DRAM = StorageLevel("dram", 8, 1, None, None, ENERGY)
MAC = ComputeUnit("mac", 1.0)
BITS_8 = {"I": 8, "W": 8, "O": 8}
EVERYWHERE = Scope()


@pytest.fixture(scope="module")
def mobilenet_study() -> Study:
    return load(data_dir("specs") / "studies" / "mobilenet_v1_eyeriss.qdsl").studies[0]


def enumerated(case: ConstrainedCase, limit: int = LIMIT) -> Counts | None:
    """Counts by looking at every mapping; None if there are more than `limit` to look at."""
    every = list(islice(every_mapping(case), limit + 1))
    if len(every) > limit:
        return None
    legal = [m for m in every if is_legal(case, m)]
    classes = {order_class(case.accelerator, case.problem, m) for m in legal}
    return Counts(len(set(map(placement, legal))), len(classes), len(legal))


def counted(case: ConstrainedCase) -> Counts | None:
    """None where the exact search refuses a constraint."""
    try:
        return count_mappings(case.accelerator, case.problem, case.bits, case.constraints)
    except SpecError:
        return None


# --- real layers -----------------------------------------------------------------------------------


def test_a_network_over_all_widths_counts_more_with_fewer_bits(mobilenet_study: Study) -> None:
    """All layers at all 49 widths of activations and weights; some layer gains from every step to more values per
    word."""
    gains = set()
    for layer in mobilenet_study.network.layers:
        names = [t.name for t in layer.problem.operator.tensors]
        widths = [(a, w) for a in range(2, 9) for w in range(2, 9)]
        bits = [{**dict.fromkeys(names, a), "W": w} for a, w in widths]
        counts = count_batch(mobilenet_study.accelerator, layer.problem, bits, mobilenet_study.constraints)
        found = dict(zip(widths, counts, strict=True))
        for (a, w), count in found.items():
            for fewer in ((a - 1, w), (a, w - 1)):
                if fewer in found:
                    assert found[fewer].mappings >= count.mappings
                    if (16 // fewer[0], 16 // fewer[1]) == (16 // a, 16 // w):
                        assert found[fewer] == count
                    gains |= {("I", a)} if fewer[0] < a and found[fewer] != count else set()
    assert gains == {("I", 3), ("I", 4), ("I", 5), ("I", 6)}


# --- other ways to count ------------------------------------------------------------------------


def check_against_enumeration(case: ConstrainedCase, limit: int) -> None:
    found = counted(case)
    assume(found is not None)
    expected = enumerated(case, limit)
    assume(expected is not None)
    event("empty" if expected == NONE else "mappings")
    assert found == expected


@given(constrained_cases())
@settings(max_examples=40, deadline=None)
def test_counts_equal_enumeration(case: ConstrainedCase) -> None:
    check_against_enumeration(case, LIMIT)


@pytest.mark.slow
@given(constrained_cases())
@settings(max_examples=250, deadline=None)
def test_counts_equal_enumeration_on_larger_spaces(case: ConstrainedCase) -> None:
    check_against_enumeration(case, 10 * LIMIT)


@st.composite
def spatial_cases(draw: st.DrawFn) -> ConstrainedCase:
    """Arrays, pooled or not, with formulas over several of their factors and their use."""
    case = draw(constrained_cases())
    if not case.accelerator.fanouts:
        hierarchy = (*case.accelerator.hierarchy, FanOut("array", 3, 2))
        case = replace(case, accelerator=replace(case.accelerator, hierarchy=hierarchy))
    places = [p for f in case.accelerator.fanouts for p in f.places]
    atoms = [Factor(p, d) for p in places for d in case.problem.operator.dims]
    atom = st.sampled_from([*atoms, *(Utilization(f.name) for f in case.accelerator.fanouts)])
    side = st.one_of(atom, st.sampled_from([Constant(0.5), Constant(2)]))
    product_ = st.builds(lambda a, b: Operation("*", (a, b)), side, atom)
    formula = st.builds(
        lambda op, a, b: Operation(op, (a, b)),
        st.sampled_from(["==", "<=", ">=", "!="]),
        st.one_of(atom, product_),
        side,
    )
    found = [Require(draw(formula), EVERYWHERE, "") for _ in range(draw(st.integers(1, 3)))]
    return replace(case, constraints=(*(c for c in case.constraints if not isinstance(c, Require)), *found))


@given(spatial_cases())
@settings(max_examples=40, deadline=None)
def test_counts_equal_enumeration_where_formulas_couple_arrays(case: ConstrainedCase) -> None:
    expected = enumerated(case)
    assume(expected is not None)
    event("empty" if expected == NONE else "mappings")
    assert counted(case) == expected


@given(constrained_cases(), st.data())
@settings(max_examples=40, deadline=None)
def test_counts_equal_enumeration_where_levels_may_keep_tensors(case: ConstrainedCase, data: st.DataObject) -> None:
    some = st.frozensets(st.sampled_from(sorted(case.bits)))
    outermost, *inside = case.accelerator.hierarchy
    hierarchy = [outermost]
    for part in inside:
        if isinstance(part, StorageLevel):
            optional = data.draw(some)
            part = replace(part, keep=frozenset(case.bits) - optional - data.draw(some), optional=optional)
        hierarchy.append(part)
    check_against_enumeration(
        replace(case, accelerator=replace(case.accelerator, hierarchy=tuple(hierarchy))), 2 * LIMIT
    )


@given(cases(max_levels=4))
@settings(max_examples=40, deadline=None)
def test_counts_equal_enumeration_where_tensors_pass_by_several_levels(case: Case) -> None:
    check_against_enumeration(ConstrainedCase(case.accelerator, case.problem, case.bits, ()), 2 * LIMIT)


@given(constrained_cases())
@settings(max_examples=40, deadline=None)
def test_a_count_is_zero_exactly_when_the_solver_finds_no_mapping(case: ConstrainedCase) -> None:
    found = counted(case)
    assume(found is not None)
    status = feasible(case.accelerator, case.problem, case.bits, case.constraints).status
    event(status)
    assert status == ("infeasible" if found == NONE else "feasible")


@given(constrained_cases(), st.lists(st.lists(st.integers(1, 17), min_size=4, max_size=4), min_size=2, max_size=5))
@settings(max_examples=40, deadline=None)
def test_a_batch_counts_each_assignment_as_if_alone(case: ConstrainedCase, rows: list[list[int]]) -> None:
    assignments = [dict(zip(case.bits, row, strict=False)) for row in rows]
    assume(counted(case) is not None)
    try:
        together = count_batch(case.accelerator, case.problem, assignments, case.constraints)
    except SpecError:
        assume(False)  # refused at widths where another condition applies
    for bits, found in zip(assignments, together, strict=True):
        assert count_mappings(case.accelerator, case.problem, bits, case.constraints) == found


@given(constrained_cases(), st.data())
@settings(max_examples=40, deadline=None)
def test_fewer_bits_never_have_fewer_mappings(case: ConstrainedCase, data: st.DataObject) -> None:
    """Where no constraint depends on the widths."""
    constraints = [c for c in case.constraints if not any(mentions(c, t) for t in case.bits)]
    fewer = {t: data.draw(st.integers(1, b)) for t, b in case.bits.items()}
    try:
        less, more = count_batch(case.accelerator, case.problem, [case.bits, fewer], constraints)
    except SpecError:
        assume(False)
    assert less.factor_placements <= more.factor_placements
    assert less.mappings <= more.mappings


# --- by hand ------------------------------------------------------------------------------------


def machine(*inside: StorageLevel | FanOut) -> Accelerator:
    return Accelerator("machine", (DRAM, *inside), MAC)


def buffer(name: str, size: int | None = None) -> StorageLevel:
    return StorageLevel(name, 8, 1, size, None, ENERGY)


def test_counts_beyond_machine_integers_are_exact() -> None:
    """Six unlimited levels: (30 + 5 choose 5) placements per dimension, and a closed form with all orders free, since
    (n - 1 choose k - 1) of the ways to place n twos use exactly k given levels."""
    n, levels = 30, 6
    accelerator = machine(*(buffer(f"b{i}", None) for i in range(levels - 1)))
    found = count_mappings(accelerator, Problem(matmul(), (2**n,) * 3), BITS_8)
    assert found.factor_placements == comb(n + levels - 1, levels - 1) ** 3
    used = [frozenset(i for i in range(levels) if s >> i & 1) for s in range(1, 2**levels)]
    total = 0
    for chosen in product(used, repeat=3):
        splits = prod(comb(n - 1, len(s) - 1) for s in chosen)
        total += splits * prod(factorial(sum(level in s for s in chosen)) for level in range(levels))
    assert found.mappings == total > 2**64


def test_capacities_hold_for_tensors_beyond_machine_integers() -> None:
    """Tiles of 2^a rows and 2^b columns need 2^a + 2^b + 2^(a + b) words: in 8 words fit (0, 0), (0, 1), (1, 0), (1, 1)."""
    problem = Problem(matmul(), (2**40, 2**40, 1))
    whole = Require(Operation("==", (TileExtent("b", "M"), Constant(2))), EVERYWHERE, "tile(b, M) == 2")
    for constraints, placements in (([], 4), ([whole], 2)):
        assert count_mappings(machine(buffer("b", 8)), problem, BITS_8, constraints).factor_placements == placements


def test_a_factor_on_x_is_another_placement_than_one_on_y() -> None:
    problem = Problem(matmul(), (2, 1, 1))
    assert count_mappings(machine(FanOut("pe", 2, 2)), problem, BITS_8) == Counts(3, 3, 3)
    assert count_mappings(machine(FanOut("pe", 2, 1)), problem, BITS_8) == Counts(2, 2, 2)


def test_a_pooled_array_uses_what_the_outer_one_leaves() -> None:
    """M = 4 over dram, x of an array of 2 and of another of 2: 1, 2 or 4 at dram."""
    outer, inner = FanOut("outer", 2, 1), FanOut("inner", 2, 1)
    problem = Problem(matmul(), (4, 1, 1))
    assert count_mappings(machine(outer, inner), problem, BITS_8).mappings == 1 + 2 + 1
    pooled = FanOut("inner", 2, 1, pooled=True)
    assert count_mappings(machine(outer, buffer("b", None), pooled), problem, BITS_8, ()).mappings == 4 + 4 + 1
    # dram x buffer: 4 without spatial loops (3 splits) ...; the inner array alone may hold 4.
    assert count_mappings(machine(outer, pooled), problem, BITS_8).mappings == 1 + 2 + 2


def test_orders_multiply_only_where_loops_have_more_than_one_iteration() -> None:
    problem = Problem(matmul(), (2, 3, 1))
    assert count_mappings(machine(), problem, BITS_8) == Counts(1, 1, 2)
    fixed = Order("dram", ("N", "M"), "", EVERYWHERE, "order dram: N, M")
    assert count_mappings(machine(), problem, BITS_8, [fixed]) == Counts(1, 1, 1)
    reverse = Order("dram", ("M", "N"), "", EVERYWHERE, "order dram: M, N")
    assert count_mappings(machine(), problem, BITS_8, [fixed, reverse]) == NONE
    # Contradictory orders forbid having both loops at `dram`, not the mappings without one of them.
    assert count_mappings(machine(buffer("b")), problem, BITS_8, [fixed, reverse]) == Counts(3, 3, 4)


def test_formulas_over_spatial_factors_and_the_use_of_an_array() -> None:
    problem = Problem(matmul(), (4, 4, 1))
    accelerator = machine(FanOut("pe", 4, 4))
    half = Require(Operation(">=", (Utilization("pe"), Constant(0.5))), EVERYWHERE, "utilization(pe) >= 50 %")
    equal = Require(Operation("==", (Factor("pe.x", "M"), Factor("pe.y", "N"))), EVERYWHERE, "x = y")
    # Exponents of 2, M at (dram, x, y), N likewise: the sum on x and on y at most 2 each, and at least 3 in all.
    splits = [(x, y) for x in range(3) for y in range(3) if x + y <= 2]
    free = [(m, n) for m in splits for n in splits if m[0] + n[0] <= 2 and m[1] + n[1] <= 2]
    used = [(m, n) for m, n in free if sum(m) + sum(n) >= 3]
    same = [(m, n) for m, n in used if m[0] == n[1]]
    assert count_mappings(accelerator, problem, BITS_8).factor_placements == len(free)
    assert count_mappings(accelerator, problem, BITS_8, [half]).factor_placements == len(used)
    assert count_mappings(accelerator, problem, BITS_8, [half, equal]).factor_placements == len(same)


def test_constraints_that_depend_on_widths_tell_assignments_apart() -> None:
    narrow = Scope(condition=Operation("<=", (Bits("W"), Constant(4))))
    whole = Require(
        Operation("==", (TileExtent("b", "M"), Constant(4))), narrow, "if bits(W) <= 4 then tile(b, M) == 4"
    )
    problem = Problem(matmul(), (4, 1, 1))
    widths = [BITS_8, {**BITS_8, "W": 4}, {**BITS_8, "W": 9}]
    found = count_batch(machine(buffer("b")), problem, widths, [whole])
    assert found == (Counts(3, 3, 3), Counts(1, 1, 1), NONE)  # 9 bits do not fit a word


def test_a_formula_over_two_levels_is_kept_case_by_case_or_refused() -> None:
    coupled = Require(
        Operation("==", (TileExtent("b", "M"), TileExtent("c", "N"))), EVERYWHERE, "tile(b, M) == tile(c, N)"
    )
    accelerator = machine(buffer("b"), buffer("c"))
    case = ConstrainedCase(accelerator, Problem(matmul(), (4, 4, 1)), BITS_8, (coupled,))
    assert counted(case) == enumerated(case)
    with pytest.raises(SpecError, match="Q0710"):
        count_mappings(accelerator, Problem(matmul(), (720720, 720720, 1)), BITS_8, [coupled])  # 240 divisors


# --- loop orders --------------------------------------------------------------------------------


@given(cases(max_levels=4))
@settings(max_examples=40, deadline=None)
def test_mappings_of_one_order_class_have_the_same_counts(case: Case) -> None:
    every = list(islice(all_mappings(case.accelerator, case.problem), LIMIT))
    classes: dict[object, list[Mapping]] = {}
    for mapping in every:
        if not legality(case.accelerator, case.problem, case.bits, mapping, None):
            classes.setdefault(order_class(case.accelerator, case.problem, mapping), []).append(mapping)
    for same in classes.values():
        first, *others = (evaluate(case.accelerator, case.problem, case.bits, m) for m in same[:6])
        assert all(other == first for other in others)


@pytest.mark.parametrize("sizes", [(2, 1, 2, 2), (2, 2, 2, 1)], ids=["window", "no window"])
@pytest.mark.parametrize("inner", ["IWO", "I"])
@pytest.mark.parametrize("keep", ["IWO", "I", "WO", ""])
def test_the_loop_that_slides_a_window_tells_orders_apart(keep: str, inner: str, sizes: tuple[int, ...]) -> None:
    kept = {"outer": keep, "middle": keep, "inner": inner}
    levels = [replace(buffer(name), keep=frozenset(tensors)) for name, tensors in kept.items()]
    case = ConstrainedCase(machine(*levels), Problem(conv1d(), sizes), BITS_8, ())
    assert counted(case) == enumerated(case)


@pytest.mark.parametrize("keep", [None, frozenset("I"), frozenset("WO"), frozenset[str]()])
def test_order_classes_are_what_counts_can_tell_apart(keep: frozenset[str] | None) -> None:
    """All primes are different, so different loops leave different counts, of which no word or block hides any."""
    accelerator = machine(replace(buffer("outer"), keep=keep), buffer("inner"))
    problem = Problem(matmul(), (2 * 3, 5, 7))
    told_apart = {
        (placement(m), repr(evaluate(accelerator, problem, BITS_8, m).levels))
        for m in all_mappings(accelerator, problem)
    }
    found = count_mappings(accelerator, problem, BITS_8)
    assert found.order_classes == len(told_apart)
    assert found.factor_placements < found.order_classes < found.mappings


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_loop_orders_are_the_permutations_that_the_constraints_allow(data: st.DataObject) -> None:
    dims = "ABCDE"
    present = data.draw(st.frozensets(st.sampled_from(dims)))
    lists = st.permutations(dims).flatmap(lambda p: st.integers(1, 5).map(lambda n: tuple(p[:n])))
    anchors = st.sampled_from(["", "innermost", "outermost"])
    orders = tuple(
        Order("dram", data.draw(lists), data.draw(anchors), EVERYWHERE, "") for _ in range(data.draw(st.integers(0, 3)))
    )
    legal = [p for p in permutations(sorted(present)) if all(order_holds(o, list(p)) for o in orders)]
    assert [order_at(present, orders, i) for i in range(order_count(present, orders))] == legal
