"""Random limits of what mappings cost, at or beside what some mapping costs."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

from hypothesis import assume
from hypothesis import strategies as st

from qdsl.mapspace.limits import reached
from qdsl.model.constraint import Limit, Scope
from qdsl.symbolic import evaluate
from tests.mapspace.strategies import ConstrainedCase, constrained_cases, every_mapping, is_legal


@st.composite
def limited_cases(draw: st.DrawFn, most_mappings: int) -> ConstrainedCase:
    """Cases with so few mappings that all can be looked at, some of which are legal but for the limits."""
    case = draw(constrained_cases())
    every = list(islice(every_mapping(case), most_mappings + 1))
    assume(len(every) <= most_mappings)
    legal = [m for m in every if is_legal(case, m)]
    assume(legal)
    limits = []
    for i in range(draw(st.integers(1, 2))):
        quantity = draw(st.sampled_from(["latency", "energy", "bandwidth"]))
        level = draw(st.sampled_from([x.name for x in case.accelerator.levels])) if quantity == "bandwidth" else ""
        limit = Limit(quantity, level, 0.0, Scope(), f"limit {i}")
        mapping = draw(st.sampled_from(legal))
        at = reached(limit, evaluate(case.accelerator, case.problem, case.bits, mapping))
        limits.append(replace(limit, most=at * draw(st.sampled_from([0.8, 1.0, 1.0, 1.5]))))
    return replace(case, constraints=(*case.constraints, *limits))
