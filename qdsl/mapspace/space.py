"""The mapping space of one layer at given bit-widths: which factors may stand where, in which orders, under which formulas.

A constraint on one factor or one tile extent becomes a set of allowed values; formulas over spatial factors, and over
the tiles of one level, stay formulas. One that couples other things splits the space into cases in each of which it has
one of these forms (`narrowing`). What takes too many cases is refused, not ignored.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from functools import cached_property

from qdsl.diagnostics import Diagnostic, SpecError
from qdsl.mapspace.formula import divides_by_zero, holds, substitute, zero_with
from qdsl.model.accelerator import Accelerator, Bypass
from qdsl.model.constraint import Constraint, Formula, Keep, LayerConstraint, Limit, Order, Require, Same
from qdsl.model.findings import fail, quoted
from qdsl.model.operator import Problem


@dataclass(frozen=True)
class Space:
    """Mappings of one problem with one choice of what levels keep.

    accelerator: with that choice made; bypass: what it leaves out. factors: (place, dim) -> allowed factors, ascending;
    every place and dimension has an entry. tiles: (level, dim) -> allowed tile extents, only where constrained.
    orders: level -> order constraints there. spatial: formulas over spatial factors. levels: level -> formulas over the
    tiles there. limits: of what a mapping costs; the space also has mappings beyond them.
    """

    accelerator: Accelerator
    problem: Problem
    bypass: Bypass
    factors: MappingABC[tuple[str, str], tuple[int, ...]]
    tiles: MappingABC[tuple[str, str], frozenset[int]]
    orders: MappingABC[str, tuple[Order, ...]]
    spatial: tuple[Formula, ...]
    levels: MappingABC[str, tuple[Formula, ...]]
    limits: tuple[Limit, ...]

    @cached_property
    def key(self) -> str:
        """Spaces of one problem on one accelerator are equal exactly if their keys are."""
        tiles = sorted((where, sorted(extents)) for where, extents in self.tiles.items())
        rest = (self.orders, self.spatial, self.levels, self.limits)
        return repr((sorted(self.bypass), sorted(self.factors.items()), tiles, *rest))


def applies(constraint: Constraint, problem: Problem, bits: MappingABC[str, int]) -> bool:
    """Whether a constraint is for this layer at these bit-widths. Raises SpecError (Q0304) if its condition is undefined."""
    if not constraint.scope.includes(problem):
        return False
    condition = constraint.scope.condition
    return condition is None or holds(_defined(condition, constraint, problem, bits), lambda atom: 0.0)


def required(constraint: Require, problem: Problem, bits: MappingABC[str, int]) -> Formula:
    """What a constraint requires of this layer's mappings at these bit-widths. Raises SpecError (Q0304) if that is
    undefined in all of them."""
    return _defined(constraint.formula, constraint, problem, bits)


def _defined(formula: Formula, constraint: Constraint, problem: Problem, bits: MappingABC[str, int]) -> Formula:
    known = substitute(formula, problem, bits)
    if divides_by_zero(known):
        values = zero_with(formula, problem, bits)
        text = f"division by zero on a `{problem.operator.name}` layer"
        label = f"divides by 0 where {quoted(values)}" if values else "always divides by 0"
        helps = ["put `if CONDITION then` before it, with a condition that is false there"] if values else []
        fail("Q0304", text, constraint.span, label=label, helps=helps)
    return known


def wrongly_kept(keep: Keep, accelerator: Accelerator, problem: Problem) -> list[str]:
    """The tensors of a layer with which a level does not do what is wanted. accelerator: with the choice made."""
    level = accelerator.level(keep.level)
    return [t.name for t in problem.operator.tensors if t.name in keep.tensors and level.keeps(t.name) != keep.kept]


def asked_of(constraints: Iterable[Constraint], problem: Problem, bits: MappingABC[str, int]) -> list[LayerConstraint]:
    """The constraints that apply to a layer. Raises SpecError: Q0710 for those that tie its mappings to other
    layers', Q0304 for undefined conditions."""
    found = [c for c in constraints if applies(c, problem, bits)]
    if groups := [c for c in found if isinstance(c, Same)]:
        raise SpecError(map(_refusal, groups))
    return [c for c in found if not isinstance(c, Same)]


def _refusal(group: Same) -> Diagnostic:
    return Diagnostic(
        "Q0710",
        "layers with the same spatial factors can only be mapped together",
        group.span,
        label="ties several layers",
        helps=("`qdsl map` does so, at given widths; leave this out for everything else",),
    )


def whole_space(accelerator: Accelerator, problem: Problem, bypass: Bypass, orders: Iterable[Order]) -> Space:
    """All perfect factorisations with the loop orders allowed. accelerator: with the choice of `bypass` made."""
    divisors = {d: divisors_of(n) for d, n in zip(problem.operator.dims, problem.sizes, strict=True)}
    factors = {(p, d): divisors[d] for p in accelerator.places for d in problem.operator.dims}
    for axis in "xy":
        mesh = 1
        for fanout in accelerator.fanouts:
            mesh = fanout.mesh(axis) * (mesh if fanout.pooled else 1)
            for d in problem.operator.dims:
                place = f"{fanout.name}.{axis}"
                factors[place, d] = tuple(f for f in factors[place, d] if f <= mesh)
    of_level: dict[str, tuple[Order, ...]] = {}
    for order in orders:
        of_level[order.level] = (*of_level.get(order.level, ()), order)
    return Space(accelerator, problem, bypass, factors, {}, of_level, (), {}, ())


def divisors_of(n: int) -> tuple[int, ...]:
    """Divisors of n >= 1, ascending."""
    small = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return tuple(sorted({*small, *(n // d for d in small)}))
