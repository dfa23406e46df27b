"""Random constraints over a random accelerator and operator, of every kind and shape the language has."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.constraint import (
    Bits,
    Constant,
    Constraint,
    DimSize,
    Factor,
    Formula,
    Only,
    Operation,
    Order,
    Require,
    Scope,
    TileExtent,
    Utilization,
)
from qdsl.model.operator import Problem
from tests.support.strategies import Case, cases


@dataclass(frozen=True)
class ConstrainedCase:
    accelerator: Accelerator
    problem: Problem
    bits: dict[str, int]
    constraints: tuple[Constraint, ...]


@st.composite
def constrained_cases(draw: st.DrawFn, *, separable: bool = False) -> ConstrainedCase:
    """separable: only what the exact search keeps too (formulas over one factor or one extent, no pooled arrays)."""
    case = draw(cases(max_levels=2))
    if not separable and draw(st.booleans()):
        case = replace(case, accelerator=_pooled(case.accelerator))
    count = draw(st.integers(0, 5))
    found = tuple(draw(constraints(case, f"constraint {i}", separable)) for i in range(count))
    return ConstrainedCase(case.accelerator, case.problem, case.bits, found)


def _pooled(accelerator: Accelerator) -> Accelerator:
    parts = [replace(h, pooled=True) if isinstance(h, FanOut) else h for h in accelerator.hierarchy]
    return replace(accelerator, hierarchy=tuple(parts))


@st.composite
def constraints(draw: st.DrawFn, case: Case, text: str, separable: bool) -> Constraint:
    dims = case.problem.operator.dims
    levels = [x.name for x in case.accelerator.levels]
    kind = draw(st.sampled_from(["only", "order", "formula", "formula"]))
    scope = Scope(condition=draw(st.one_of(st.none(), st.none(), st.none(), _condition(case))))
    if kind == "only":
        place = draw(st.sampled_from(case.accelerator.places))
        return Only(place, frozenset(draw(st.sets(st.sampled_from(dims)))), scope, text)
    if kind == "order":
        order = tuple(draw(st.permutations(dims)))[: draw(st.integers(1, len(dims)))]
        anchor = draw(st.sampled_from(["", "innermost", "outermost"]))
        return Order(draw(st.sampled_from(levels)), order, anchor, scope, text)
    return Require(draw(_one_atom(case) if separable else formulas(case, 2)), scope, text)


def _condition(case: Case) -> st.SearchStrategy[Formula]:
    tensors = [Bits(t) for t in case.bits]
    return st.builds(
        lambda op, a, n: Operation(op, (a, Constant(n))),
        st.sampled_from(["<=", ">", "=="]),
        st.sampled_from([*tensors, *map(DimSize, case.problem.operator.dims)]),
        st.integers(1, 6),
    )


def _atoms(case: Case) -> list[Formula]:
    dims = case.problem.operator.dims
    tiles = [TileExtent(x.name, d) for x in case.accelerator.levels for d in dims]
    factors = [Factor(p, d) for p in case.accelerator.places for d in dims]
    return [*tiles, *factors, *(Utilization(f.name) for f in case.accelerator.fanouts)]


def _one_atom(case: Case) -> st.SearchStrategy[Formula]:
    return st.builds(
        lambda op, a, n: Operation(op, (a, Constant(n))),
        st.sampled_from(["<=", ">=", "==", "!="]),
        st.sampled_from(_atoms(case)),
        st.sampled_from([0.5, 1, 2, 3, 4]),
    )


def _number(case: Case, depth: int) -> st.SearchStrategy[Formula]:
    leaf = st.one_of(
        st.sampled_from(_atoms(case)),
        st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]).map(Constant),
        st.sampled_from([DimSize(d) for d in case.problem.operator.dims] + [Bits(t) for t in case.bits]),
    )
    if depth == 0:
        return leaf
    part = _number(case, depth - 1)
    return st.one_of(
        leaf,
        st.builds(lambda op, a, b: Operation(op, (a, b)), st.sampled_from("+-*/"), part, part),
        st.builds(lambda a: Operation("neg", (a,)), part),
    )


def formulas(case: Case, depth: int) -> st.SearchStrategy[Formula]:
    """Conditions with every operation, nested `depth` deep."""
    comparison = st.builds(
        lambda op, a, b: Operation(op, (a, b)),
        st.sampled_from(["<", "<=", "==", ">=", ">", "!="]),
        _number(case, 1),
        _number(case, 1),
    )
    if depth == 0:
        return comparison
    part = formulas(case, depth - 1)
    return st.one_of(
        comparison,
        st.builds(lambda op, a, b: Operation(op, (a, b)), st.sampled_from(["and", "or"]), part, part),
        st.builds(lambda a: Operation("not", (a,)), part),
    )
