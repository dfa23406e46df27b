"""Random accelerators with everything a memory, an array or a compute unit can state besides sizes and energies."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from qdsl.model.accelerator import Accelerator, FanOut, Partition, StorageLevel
from qdsl.model.constraint import Bits, Constant, Formula, Operation, Reduction
from qdsl.model.width_formula import WidthFormula
from tests.support.strategies import Case, cases


def formula(op: str, *operands: Formula | float) -> Operation:
    return Operation(op, tuple(Constant(float(x)) if isinstance(x, int | float) else x for x in operands))


# log2(reduction) + bits(weights), which has the width of activations where there are no weights
PARTIAL_SUMS = WidthFormula(formula("+", Operation("log2", (Reduction(),)), Bits("weights")))
ENERGY = WidthFormula(formula("*", formula("/", Bits("weights"), 8), Bits("activations")))
RATE = WidthFormula(formula("/", 8, Operation("max", (Bits("weights"), Bits("activations")))))


@st.composite
def featured_cases(draw: st.DrawFn, max_levels: int = 3, optional: bool = True) -> Case:
    """optional: some levels may keep tensors and need not."""
    case = draw(cases(max_levels))
    names = tuple(t.name for t in case.problem.operator.tensors)
    parts = [draw(_part(p, names, i == 0, optional)) for i, p in enumerate(case.accelerator.hierarchy)]
    energy: float | WidthFormula = draw(st.one_of(st.just(1.0), st.just(ENERGY)))
    compute = replace(
        case.accelerator.compute,
        energy=energy,
        throughput=draw(st.sampled_from([None, RATE])),
        leakage_pj=draw(st.sampled_from([0.0, 0.1])),
    )
    accelerator = replace(case.accelerator, hierarchy=tuple(parts), compute=compute)
    return replace(case, accelerator=accelerator)


@st.composite
def _part(
    draw: st.DrawFn, part: StorageLevel | FanOut, names: tuple[str, ...], outermost: bool, optional: bool
) -> StorageLevel | FanOut:
    if isinstance(part, FanOut):
        return replace(part, hop_pj_per_bit=draw(st.sampled_from([0.0, 0.25])))
    part = replace(
        part,
        dense=draw(st.booleans()),
        leakage_pj=draw(st.sampled_from([0.0, 0.5])),
        stored=draw(st.sampled_from([(), (("output", PARTIAL_SUMS),)])),
    )
    if outermost:
        return part
    some = st.sets(st.sampled_from(names)).map(frozenset)
    own = draw(some)
    partitions = tuple(Partition(draw(st.sampled_from([2, 4, 8, 16])), frozenset({t})) for t in sorted(own))
    part = replace(part, partitions=partitions, double_buffered=draw(some))
    if optional and draw(st.integers(0, 3)) == 0:
        may = draw(some)
        part = replace(part, keep=frozenset(names if part.keep is None else part.keep) - may, optional=may)
    return part


def bypassed(case: Case) -> list[tuple[frozenset[tuple[str, str]], Accelerator]]:
    """Every choice of what to bypass, with the accelerator that has just these keep lists."""
    names = tuple(t.name for t in case.problem.operator.tensors)
    found = []
    open_ = [(x.name, t) for x in case.accelerator.levels for t in sorted(x.optional)]
    for mask in range(1 << len(open_)):
        bypass = frozenset(pair for i, pair in enumerate(open_) if mask >> i & 1)
        parts = tuple(
            replace(
                h,
                keep=frozenset(t for t in names if h.keeps(t) or (t in h.optional and (h.name, t) not in bypass)),
                optional=frozenset(),
            )
            if isinstance(h, StorageLevel) and h.optional
            else h
            for h in case.accelerator.hierarchy
        )
        found.append((bypass, replace(case.accelerator, hierarchy=parts)))
    return found
