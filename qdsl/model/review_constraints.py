"""Constraints that say nothing, or cannot be kept: found by what their parts can be at most and at least.

A constraint is judged on each distinct layer of a study, or, where it is declared for whatever network comes, on any layer.
The bounds are sound but wide, so what is not reported may still be without effect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from qdsl.diagnostics import Diagnostic, Span
from qdsl.model.accelerator import Accelerator
from qdsl.model.constraint import (
    Bits,
    Constraint,
    DimSize,
    Factor,
    Formula,
    Occupancy,
    Only,
    Operation,
    Order,
    Require,
    TileExtent,
    Utilization,
)
from qdsl.model.findings import quoted, text_of, warning
from qdsl.model.interval import Interval, bounds
from qdsl.model.operator import Problem

_WIDTHS = (1, 64)
_MOST_PARTS = 3  # whose range is told
_MOST_NAMES = 6  # of layers
_Judged = Only | Order | Require


class Case:
    """A layer that constraints are judged on. problem: None for any; widths: least and greatest bits of each tensor; sized:
    whether the sizes of arrays are known, and no parameter changes them."""

    def __init__(
        self,
        accelerator: Accelerator,
        dims: frozenset[str],
        name: str = "",
        problem: Problem | None = None,
        widths: dict[str, Interval] | None = None,
        sized: bool = True,
    ) -> None:
        self.accelerator = accelerator
        self.dims = dims
        self.name = name
        self.problem = problem
        self.widths = widths or {}
        self.sized = sized

    def size(self, dim: str) -> Interval:
        return (1, inf) if self.problem is None else (self.problem.size(dim), self.problem.size(dim))

    def part(self, part: Formula) -> Interval:
        """What a part of a formula can be."""
        match part:
            case DimSize():
                return self.size(part.dim)
            case Bits():
                return self.widths.get(part.tensor, (0, 0) if self.problem else _WIDTHS)
            case Factor():
                return 1, min(self.size(part.dim)[1], self.instances(part.place))
            case TileExtent():
                low, high = self.size(part.dim)
                return low if part.level == self.accelerator.levels[0].name else 1, high
            case Utilization():
                fanout = self.accelerator.fanout(part.fanout)
                return 1 / (fanout.x * fanout.y) if self.sized else 0, inf if fanout.pooled else 1
            case Occupancy():
                return 0, 1
        return -inf, inf

    def instances(self, place: str) -> float:
        """How many instances loops at a place can use; no limit to temporal ones."""
        for fanout in self.accelerator.fanouts:
            if place in fanout.places:
                return inf if fanout.pooled or not self.sized else fanout.mesh(place[-1])
        return inf

    def holds(self, c: _Judged) -> Interval:
        """(1, 1) if the constraint holds for every mapping, (0, 0) if for none."""
        if isinstance(c, Require):
            return bounds(c.formula, self.part)
        if isinstance(c, Only):
            free = all(self.part(Factor(c.place, d))[1] == 1 or d in c.dims for d in self.dims)
            return float(free), 1
        turning = [d for d in c.dims if self.size(d)[1] > 1]
        return float(not turning or (not c.anchor and len(turning) == 1)), 1

    def includes(self, c: Constraint) -> bool:
        return self.problem is None or c.scope.includes(self.problem)

    def condition(self, c: Constraint) -> Interval:
        return (1, 1) if c.scope.condition is None else bounds(c.scope.condition, self.part)


def review_constraints(constraints: Sequence[Constraint], cases: Sequence[Case]) -> Iterator[Diagnostic]:
    """Warnings, one for each constraint as it is written: a `for` makes several of one."""
    written: dict[Span, list[_Judged]] = {}
    for c in constraints:
        if isinstance(c, _Judged) and c.span:
            written.setdefault(c.span, []).append(c)
    for span, several in written.items():
        if found := _review(span, several, cases):
            yield found


def _review(span: Span, constraints: Sequence[_Judged], cases: Sequence[Case]) -> Diagnostic | None:
    text = shortened(text_of(span))
    meant = [(c, case) for c in constraints for case in cases if case.includes(c)]
    used = [(c, case) for c, case in meant if case.condition(c)[1] > 0]
    if not meant:
        return warning("Q0714", f"`{text}` applies to no layer", span, label="no layer is meant", helps=["remove it"])
    if not used:
        notes = _ranges(meant[0][0].scope.condition, [case for _, case in meant])
        return warning("Q0714", f"the condition of `{text}` is never met", span, notes=notes, helps=["remove it"])
    if all(case.holds(c)[0] == 1 for c, case in used):
        notes = _why(used[0][0], [case for _, case in used])
        return warning(
            "Q0712", f"`{text}` always holds", span, label="asks for nothing", notes=notes, helps=["remove it"]
        )
    hopeless = [(c, case) for c, case in used if case.condition(c)[0] == 1 and case.holds(c)[1] == 0]
    if not hopeless:
        return None
    names = list(dict.fromkeys(case.name for _, case in hopeless if case.name))
    where = f" of {quoted(names[:_MOST_NAMES])}{' and others' if len(names) > _MOST_NAMES else ''}" if names else ""
    notes = _why(hopeless[0][0], [hopeless[0][1]])
    return warning("Q0713", f"`{text}` holds for no mapping{where}", span, label="cannot be kept", notes=notes)


def shortened(text: str, most: int = 60) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _why(c: _Judged, cases: Sequence[Case]) -> list[str]:
    if isinstance(c, Only):
        most = cases[0].instances(c.place)
        if most == 1:
            return [f"`{c.place}` has one instance"]
        return ["no other dimension could have a loop there"]
    if isinstance(c, Order):
        return ["fewer than two of its dimensions are larger than 1 in any layer"]
    return _ranges(c.formula, cases)


def _ranges(formula: Formula | None, cases: Sequence[Case]) -> list[str]:
    """What the first parts of a formula can be over all the cases."""
    notes = []
    for part in list(dict.fromkeys(_parts(formula)))[:_MOST_PARTS]:
        each = [case.part(part) for case in cases]
        low, high = min(a for a, _ in each), max(b for _, b in each)
        found = (
            f"{low:.4g}" if low == high else f"at least {low:.4g}" + ("" if high == inf else f" and at most {high:.4g}")
        )
        notes.append(f"`{_text(part, cases[0])}` is {found}")
    return notes


def _parts(formula: Formula | None) -> Iterator[Formula]:
    if isinstance(formula, Operation):
        for operand in formula.operands:
            yield from _parts(operand)
    elif isinstance(formula, DimSize | Bits | Factor | TileExtent | Utilization | Occupancy):
        yield formula


def _text(part: Formula, case: Case) -> str:
    match part:
        case DimSize():
            return part.dim
        case Bits():
            return f"bits({part.tensor})"
        case Factor():
            spatial = any(part.place in f.places for f in case.accelerator.fanouts)
            return f"{'spatial' if spatial else 'temporal'}({part.place}, {part.dim})"
        case TileExtent():
            return f"tile({part.level}, {part.dim})"
        case Utilization():
            return f"utilization({part.fanout})"
        case Occupancy():
            return f"occupancy({part.level}{f', {part.tensor}' if part.tensor else ''})"
    raise TypeError(f"not a part of a formula: {part}")
