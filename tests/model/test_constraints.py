"""Constraints are resolved for the layers of a study."""

from __future__ import annotations

from qdsl.model.constraint import (
    Bits,
    Constant,
    Constraint,
    DimSize,
    Factor,
    Limit,
    Occupancy,
    Only,
    Operation,
    Order,
    Require,
    Same,
    Scope,
    TileExtent,
    Utilization,
)
from qdsl.model.invariants import violations
from tests.model.conftest import Load


def constraints(load_text: Load, body: str) -> tuple[Constraint, ...]:
    text = f"""
import "parts/machine.qdsl"
import "parts/network.qdsl"
constraints named for toy {{
{body}
}}
study s {{
  map net onto toy
  precision {{
    weights in {{2..8}} per layer
    activations in {{2..8}} per layer
    output 8 bit
  }}
  constrain with named
  minimize energy
  search nsga2(population = 8)
}}
"""
    model = load_text(text)
    assert violations(model) == []
    return model.studies[0].constraints


def test_only_and_none(load_text: Load) -> None:
    first, second = constraints(load_text, "spatial pe.x only K, C\ntemporal spad none")
    assert first == Only("pe.x", frozenset({"K", "C"}), Scope(), "spatial pe.x only K, C")
    assert second == Only("spad", frozenset(), Scope(), "temporal spad none")


def test_order_keeps_its_anchor(load_text: Load) -> None:
    first, second = constraints(load_text, "order buffer: K,  C\norder dram: P, Q innermost")
    assert first == Order("buffer", ("K", "C"), "", Scope(), "order buffer: K, C")
    assert second == Order("dram", ("P", "Q"), "innermost", Scope(), "order dram: P, Q innermost")


def test_percent_is_a_share(load_text: Load) -> None:
    (only,) = constraints(load_text, "utilization(pe) >= 50 %")
    assert isinstance(only, Require)
    assert isinstance(only.formula, Operation)
    assert only.formula.operands[1] == Constant(0.5)


def test_nested_scopes_are_combined_and_the_text_is_the_whole_statement(load_text: Load) -> None:
    body = "every conv2d, add { if K >= 2 then if bits(W) <= 4 then spatial(pe.x, K) >= 2 }"
    (only,) = constraints(load_text, body)
    size = Operation(">=", (DimSize("K"), Constant(2.0)))
    width = Operation("<=", (Bits("W"), Constant(4.0)))
    assert only == Require(
        Operation(">=", (Factor("pe.x", "K"), Constant(2.0))),
        Scope(frozenset({"conv2d", "add"}), Operation("and", (size, width))),
        "if K >= 2 then if bits(W) <= 4 then spatial(pe.x, K) >= 2",
    )


def test_constraint_on_bits_is_for_layers_that_have_the_tensor(load_text: Load) -> None:
    text = """
import "parts/machine.qdsl"
operator pair { dims N, C; O[n, c] = I[n, c] * J[n, c] }
operator scale { dims N, C; weights W; O[n, c] = I[n, c] * W[c] }
network n { input x: 4; output scale(pair(x, x)) }
study s {
  map n onto toy
  precision {
    weights in {2..8} per layer
    activations in {2..8} per layer
    output 8 bit
  }
  constrain { if bits(J) <= 4 then temporal dram none }
  minimize energy
  search nsga2(population = 8)
}
"""
    (only,) = load_text(text).studies[0].constraints
    assert only.scope == Scope(frozenset({"pair"}), Operation("<=", (Bits("J"), Constant(4.0))))


def test_a_set_of_values_is_every_one_of_them(load_text: Load) -> None:
    first, second = constraints(
        load_text, "temporal(buffer, C) in {2..8 step 3, 1}\nif bits(W) in {2} then utilization(pe) in {50 %}"
    )
    assert isinstance(first, Require)
    assert first.formula == Operation("in", (Factor("buffer", "C"), *map(Constant, (1.0, 2.0, 5.0, 8.0))))
    assert isinstance(second, Require)
    assert second.formula == Operation("in", (Utilization("pe"), Constant(0.5)))
    assert second.scope.condition == Operation("in", (Bits("W"), Constant(2.0)))


def test_occupancy_is_of_all_words_or_of_those_of_a_tensor(load_text: Load) -> None:
    first, second = constraints(load_text, "occupancy(buffer) <= 80 %\nmax(occupancy(buffer, I), 0.1) <= 1")
    assert isinstance(first, Require)
    assert first.formula == Operation("<=", (Occupancy("buffer"), Constant(0.8)))
    assert isinstance(second, Require)
    assert second.formula == Operation(
        "<=", (Operation("max", (Occupancy("buffer", "I"), Constant(0.1))), Constant(1.0))
    )
    # of the operators of this network, all have a tensor I
    assert second.scope.operators == frozenset({"conv2d", "add"})


def test_a_limit_is_in_cycles_pj_or_words_per_cycle(load_text: Load) -> None:
    body = "latency <= 2000 cycle\nif bits(W) <= 4 then energy <= 2 * 3 uJ\nbandwidth(buffer) <= 4 word/cycle"
    latency, energy, bandwidth = constraints(load_text, body)
    assert latency == Limit("latency", "", 2000.0, Scope(), "latency <= 2000 cycle")
    assert isinstance(energy, Limit)
    assert (energy.quantity, energy.most) == ("energy", 6e6)
    assert energy.scope.condition == Operation("<=", (Bits("W"), Constant(4.0)))
    assert bandwidth == Limit("bandwidth", "buffer", 4.0, Scope(), "bandwidth(buffer) <= 4 word/cycle")


def test_for_repeats_its_body_with_every_value(load_text: Load) -> None:
    body = """
for d in K, C {
  temporal spad only d
  for b in {2, 4} { if bits(W) == b then tile(buffer, d) <= 2 * b }
}
for p in pe.x, pe.y { spatial(p, K) <= 2 }"""
    found = constraints(load_text, body)
    assert [c.text for c in found] == [
        "temporal spad only d (d = K)",
        "if bits(W) == b then tile(buffer, d) <= 2 * b (b = 2) (d = K)",
        "if bits(W) == b then tile(buffer, d) <= 2 * b (b = 4) (d = K)",
        "temporal spad only d (d = C)",
        "if bits(W) == b then tile(buffer, d) <= 2 * b (b = 2) (d = C)",
        "if bits(W) == b then tile(buffer, d) <= 2 * b (b = 4) (d = C)",
        "spatial(p, K) <= 2 (p = pe.x)",
        "spatial(p, K) <= 2 (p = pe.y)",
    ]
    assert found[3] == Only("spad", frozenset({"C"}), Scope(), found[3].text)
    twice_four = Operation("*", (Constant(2.0), Constant(4.0)))
    four = found[5]
    assert isinstance(four, Require)
    assert four.formula == Operation("<=", (TileExtent("buffer", "C"), twice_four))
    assert four.scope.condition == Operation("==", (Bits("W"), Constant(4.0)))
    last = found[-1]
    assert isinstance(last, Require)
    assert last.formula == Operation("<=", (Factor("pe.y", "K"), Constant(2.0)))


def test_every_layer_holds_for_the_layers_that_a_pattern_names(load_text: Load) -> None:
    (some,) = constraints(load_text, "every layer stem, next { every conv2d { temporal dram none } }")
    (one,) = constraints(load_text, "every layer next { temporal dram none }")
    assert some.scope.problems is not None
    assert one.scope.problems is not None
    assert len(some.scope.problems) == 2
    assert one.scope.problems < some.scope.problems
    (problem,) = one.scope.problems
    assert (problem.size("R"), problem.size("C")) == (1, 8)
    assert one.scope.includes(problem)
    assert not one.scope.includes(*(some.scope.problems - one.scope.problems))


def test_same_is_for_the_layers_that_it_names(load_text: Load) -> None:
    by_operator, by_name = constraints(load_text, "same spatial for conv2d\nsame  spatial for layer next, stem")
    assert by_operator == Same(Scope(frozenset({"conv2d"})), "same spatial for conv2d")
    assert by_name.scope.problems is not None
    assert len(by_name.scope.problems) == 2
    assert by_name.text == "same spatial for layer next, stem"


def test_search_has_as_many_offspring_as_members_unless_stated(load_text: Load) -> None:
    text = """
import "parts/machine.qdsl"
import "parts/network.qdsl"
study s {
  map net onto toy
  precision {
    weights in {2..8} per layer
    activations in {2..8} per layer
    output 8 bit
  }
  minimize energy
  search nsga2(population = 12, operators = seed)
}
"""
    study = load_text(text).studies[0]
    assert (study.search.population, study.search.offspring, study.search.operators) == (12, 12, "seed")
    assert study.reports == ("html", "markdown")
