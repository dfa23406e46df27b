"""Random constraints over a random accelerator and operator, of every kind and shape the language has."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hypothesis import strategies as st

from qdsl.diagnostics import SpecError
from qdsl.mapspace import constraint_violations
from qdsl.mapspace.space import applies, required
from qdsl.model.accelerator import Accelerator, FanOut
from qdsl.model.constraint import (
    Bits,
    Constant,
    Constraint,
    DimSize,
    Factor,
    Formula,
    Keep,
    Occupancy,
    Only,
    Operation,
    Order,
    Require,
    Scope,
    TileExtent,
    Utilization,
)
from qdsl.model.mapping import Mapping
from qdsl.model.operator import Problem
from qdsl.symbolic import legality
from tests.support.brute_force import all_mappings
from tests.support.features import featured_cases
from tests.support.strategies import Case, cases


@dataclass(frozen=True)
class ConstrainedCase:
    accelerator: Accelerator
    problem: Problem
    bits: dict[str, int]
    constraints: tuple[Constraint, ...]


def is_legal(case: ConstrainedCase, mapping: Mapping) -> bool:
    """Whether a mapping fits the hardware and keeps the constraints, by the checks that know nothing of any search."""
    return not legality(case.accelerator, case.problem, case.bits, mapping, None) and not constraint_violations(
        case.constraints, case.accelerator, case.problem, case.bits, mapping
    )


def every_mapping(case: ConstrainedCase) -> Iterator[Mapping]:
    """Every mapping with every choice of what is kept; legality is not checked."""
    for bypass in case.accelerator.bypass_choices(case.bits):
        for mapping in all_mappings(case.accelerator, case.problem):
            yield replace(mapping, bypass=bypass)


@st.composite
def constrained_cases(draw: st.DrawFn) -> ConstrainedCase:
    case = draw(st.one_of(cases(max_levels=2), featured_cases(max_levels=2)))
    if draw(st.booleans()):
        case = replace(case, accelerator=_pooled(case.accelerator))
    count = draw(st.integers(0, 5))
    found = tuple(draw(constraints(case, f"constraint {i}")) for i in range(count))
    defined = tuple(c for c in found if is_defined(c, case.problem, case.bits))
    return ConstrainedCase(case.accelerator, case.problem, case.bits, defined)


def is_defined(constraint: Constraint, problem: Problem, bits: dict[str, int]) -> bool:
    """Whether a constraint divides by zero in some mappings at most."""
    try:
        if applies(constraint, problem, bits) and isinstance(constraint, Require):
            required(constraint, problem, bits)
    except SpecError:
        return False
    return True


def _pooled(accelerator: Accelerator) -> Accelerator:
    parts = [replace(h, pooled=True) if isinstance(h, FanOut) else h for h in accelerator.hierarchy]
    return replace(accelerator, hierarchy=tuple(parts))


@st.composite
def constraints(draw: st.DrawFn, case: Case, text: str) -> Constraint:
    dims = case.problem.operator.dims
    levels = [x.name for x in case.accelerator.levels]
    open_ = [(x.name, t) for x in case.accelerator.levels for t in sorted(x.optional)]
    kind = draw(st.sampled_from(["only", "order", "formula", "formula", *(["keep"] if open_ else [])]))
    scope = Scope(condition=draw(st.one_of(st.none(), st.none(), st.none(), _condition(case))))
    if kind == "only":
        place = draw(st.sampled_from(case.accelerator.places))
        return Only(place, frozenset(draw(st.sets(st.sampled_from(dims)))), scope, text)
    if kind == "order":
        order = tuple(draw(st.permutations(dims)))[: draw(st.integers(1, len(dims)))]
        anchor = draw(st.sampled_from(["", "innermost", "outermost"]))
        return Order(draw(st.sampled_from(levels)), order, anchor, scope, text)
    if kind == "keep":
        level, tensor = draw(st.sampled_from(open_))
        return Keep(level, frozenset({tensor}), draw(st.booleans()), scope, text)
    return Require(draw(st.one_of(_one_atom(case), _one_level(case), formulas(case, 2))), scope, text)


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
    return [*tiles, *factors, *_occupancies(case), *(Utilization(f.name) for f in case.accelerator.fanouts)]


def _occupancies(case: Case) -> list[Formula]:
    inside = case.accelerator.levels[1:]
    return [Occupancy(x.name, t) for x in inside if x.all_partitions for t in (None, *case.bits)]


def _one_atom(case: Case) -> st.SearchStrategy[Formula]:
    return st.builds(
        lambda op, a, n: Operation(op, (a, Constant(n))),
        st.sampled_from(["<=", ">=", "==", "!="]),
        st.sampled_from(_atoms(case)),
        st.sampled_from([0.5, 1, 2, 3, 4]),
    )


def _one_level(case: Case) -> st.SearchStrategy[Formula]:
    """Tiles or words of a memory compared, with each other or a number."""
    measures = {
        x.name: [a for a in _atoms(case) if isinstance(a, TileExtent | Occupancy) and a.level == x.name]
        for x in case.accelerator.levels
    }

    def comparison(name: str) -> st.SearchStrategy[Formula]:
        side = st.sampled_from([*measures[name], *map(Constant, (0.5, 2.0, 4.0))])
        product = st.builds(lambda a, b: Operation("*", (a, b)), side, side)
        return st.builds(
            lambda op, a, b: Operation(op, (a, b)),
            st.sampled_from(["<=", ">=", "!=", "<"]),
            st.one_of(side, product, _quotient(side)),
            st.sampled_from(measures[name]),
        )

    return st.sampled_from(list(measures)).flatmap(comparison)


def _number(case: Case, depth: int) -> st.SearchStrategy[Formula]:
    leaf = st.one_of(
        st.sampled_from(_atoms(case)),
        _constants(),
        st.sampled_from([DimSize(d) for d in case.problem.operator.dims] + [Bits(t) for t in case.bits]),
    )
    if depth == 0:
        return leaf
    part = _number(case, depth - 1)
    return st.one_of(
        leaf,
        st.builds(lambda op, a, b: Operation(op, (a, b)), st.sampled_from([*"+-*/", "max", "min"]), part, part),
        st.builds(lambda a: Operation("neg", (a,)), part),
        _quotient(part),
    )


def _quotient(part: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    """One that in some mappings divides by zero."""
    return st.builds(lambda a, b, n: Operation("/", (a, Operation("-", (b, n)))), part, part, _constants())


def _constants() -> st.SearchStrategy[Constant]:
    return st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]).map(Constant)


def formulas(case: Case, depth: int) -> st.SearchStrategy[Formula]:
    """Conditions with every operation, nested `depth` deep."""
    comparison = st.builds(
        lambda op, a, b: Operation(op, (a, b)),
        st.sampled_from(["<", "<=", "==", ">=", ">", "!="]),
        _number(case, 1),
        _number(case, 1),
    )
    options = st.lists(_constants(), min_size=1, max_size=3)
    member = st.builds(lambda x, of: Operation("in", (x, *of)), _number(case, 1), options)
    comparison = st.one_of(comparison, comparison, member)
    if depth == 0:
        return comparison
    part = formulas(case, depth - 1)
    return st.one_of(
        comparison,
        st.builds(lambda op, a, b: Operation(op, (a, b)), st.sampled_from(["and", "or"]), part, part),
        st.builds(lambda a: Operation("not", (a,)), part),
    )
