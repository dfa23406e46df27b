"""Recorded formulas: what they are worth, how they are shared, how large they can get."""

from __future__ import annotations

from collections import Counter
from math import gcd, prod
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qdsl.symbolic import functions
from qdsl.symbolic.blocks import block_source
from qdsl.symbolic.evaluate import evaluate_nest
from qdsl.symbolic.exactness import bounds
from qdsl.symbolic.functions import ceil_div, if_innermost, larger, real, revisits, round_up, smaller, total, unless
from qdsl.symbolic.nest import Nest, NestLoop, nest_of
from qdsl.symbolic.products import Factor, shared_products
from qdsl.symbolic.trace import Graph, Node
from qdsl.symbolic.widths import widths_of
from tests.support.nests import nests

ARITHMETIC = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "divide": lambda a, b: a / b,
    "common_divisor": gcd,
    "distinct_sums": lambda *x: functions.distinct_sums(list(zip(x[::2], x[1::2], strict=True))),
}


def value(graph: Graph, x: Any, symbols: dict[str, float], known: dict[int, Any]) -> Any:
    """What a recorded formula comes to, with Python's numbers."""
    if not isinstance(x, Node):
        return x
    if x.index not in known:
        operation = graph.operations[x.index]
        if operation.function == "symbol":
            known[x.index] = symbols[operation.operands[0]]
        else:
            operands = [value(graph, o, symbols, known) for o in operation.operands]
            compute = ARITHMETIC.get(operation.function) or getattr(functions, operation.function, None)
            known[x.index] = prod(operands) if operation.function == "multiply" else compute(*operands)  # type: ignore[misc]
    return known[x.index]


def leaves(x: Any) -> list[Any]:
    if isinstance(x, tuple):
        return [leaf for item in x for leaf in leaves(item)]
    if hasattr(x, "__dataclass_fields__"):
        return [leaf for name in x.__dataclass_fields__ for leaf in leaves(getattr(x, name))]
    return [x]


@given(nests(256))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_a_recorded_evaluation_is_the_evaluation_and_keeps_its_bounds(drawn: Any) -> None:
    case, mapping = drawn
    numbers = nest_of(case.accelerator, case.problem, mapping)
    widths = widths_of(case.accelerator, case.problem, case.bits)
    graph = Graph()
    nodes = [graph.symbol(str(i)) for i in range(len(numbers.loops))]
    loops = tuple(
        NestLoop(x.dim, node, x.item, x.spatial, x.place) for x, node in zip(numbers.loops, nodes, strict=True)
    )
    sizes = {d: prod(x.factor for x in loops if x.dim == d) for d in numbers.sizes}
    recorded = leaves(
        evaluate_nest(Nest(case.accelerator, numbers.operator, sizes, loops), widths, prod(sizes.values()))
    )
    expected = leaves(evaluate_nest(numbers, widths, case.problem.operations))
    symbols = {str(i): x.factor for i, x in enumerate(numbers.loops)}
    known: dict[int, Any] = {}
    assert [value(graph, x, symbols, known) for x in recorded] == expected

    outputs = [x for x in recorded if isinstance(x, Node)]
    factors = {i: x.factor for i, x in enumerate(numbers.loops)}
    limits = bounds(graph, nodes, outputs, len(nodes))
    largest = case.problem.operations * max((b.value(factors) for b in limits), default=1)
    whole = (i for i in known if graph.operations[i].whole and graph.operations[i].function != "round_up")
    assert all(abs(known[i]) <= largest for i in whole)


def test_whole_numbers_are_simplified() -> None:
    graph = Graph()
    p, r, k = graph.symbol("p"), graph.symbol("r"), graph.symbol("k")
    assert 1 + ((p - 1) + (r - 1)) is (r + p) - 1
    assert (p * r) * k is r * (k * p)
    assert 3 * (p * 2) is p * 6
    assert (p * r) - (r * p) == 0
    assert 0 + p is p and p - 0 is p and 1 * p is p and p * 0 == 0
    assert ceil_div(p, 1) is p and ceil_div(0, p) == 0
    assert revisits(p, 1) == 1 and revisits(1, p) == 1 and revisits(p, 4) is p
    assert if_innermost(1, p) is p and if_innermost(2, p) == 0 and if_innermost(p, 0) == 0
    assert if_innermost(k, p) is if_innermost(k, 1) * p
    assert unless(p, r, r) is r and unless(0, p, r) is p and unless(1, p, r) is r


def test_floating_point_numbers_keep_their_order() -> None:
    graph = Graph()
    p, e = graph.symbol("p"), graph.symbol("e", whole=False)
    assert (p * e) * 0.5 is not p * (e * 0.5)
    assert (e + 0.1) + 0.2 is not e + (0.1 + 0.2)
    assert (p * p) * e is (p * p) * e
    assert [x.whole for x in (p / p, real(p), round_up(p / 2)) if isinstance(x, Node)] == [False, False, True]
    assert 0 + e is e
    assert total([0.1] * 10) == 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1 + 0.1


def test_a_choice_by_value_is_refused() -> None:
    graph = Graph()
    with pytest.raises(TypeError, match="has no value"):
        bool(graph.symbol("p"))


@given(st.lists(st.lists(st.integers(0, 6), min_size=2, max_size=7), min_size=1, max_size=8))
def test_shared_products_are_the_products(chosen: list[list[int]]) -> None:
    graph = Graph()
    nodes = [graph.symbol(str(i)) for i in range(7)]
    recorded = [prod((nodes[i] for i in row), start=3) for row in chosen]
    found = shared_products(graph, [x.index for x in recorded if isinstance(x, Node)])

    def factors(x: Factor) -> Counter[Factor]:
        if x[0] != "pair":
            return Counter([x])
        return sum(map(factors, found.pairs[x[1]]), Counter())

    for row, x in zip(chosen, recorded, strict=True):
        assert isinstance(x, Node)
        every = sum(map(factors, found.factors[x.index]), Counter())
        assert every == Counter([("constant", 3), *(("node", i) for i in row)])
    apart = sum(len(row) for row in {tuple(sorted(row)) for row in chosen})
    assert len(found.pairs) + sum(len(f) - 1 for f in found.factors.values()) <= apart


def test_registers_are_used_again() -> None:
    graph = Graph()
    x = [graph.symbol(str(i)) for i in range(4)]
    chain = x[0]
    for i in range(20):
        chain = larger(chain + x[i % 4], smaller(chain, x[(i + 1) % 4]))
    text, registers = block_source("block", graph, x, [chain])
    assert registers <= 3
    assert text.count("\n") > 40
