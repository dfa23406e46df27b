"""Constraints are resolved for the layers of a study."""

from __future__ import annotations

from qdsl.model.constraint import Bits, Constant, Constraint, DimSize, Factor, Only, Operation, Order, Require, Scope
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
